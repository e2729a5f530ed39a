//! Where the reference server listens, which a go-between has to know.

use crate::serving::Serving;
use std::net::SocketAddr;

impl Serving {
    pub fn address(&self) -> SocketAddr {
        let after_scheme = self.url.split("://").nth(1).expect("a URL");
        after_scheme.split('/').next().expect("a host").parse().expect("an address")
    }
}
