//! How connections get to the target: which address is dialled, through what, secured how, and whether it may be at all.

use super::proxy::Proxy;
use super::target_policy::{TargetPolicy, resolve};
use super::tls::ClientTls;
use super::tls_sniff::TlsSniff;
use std::fmt;
use std::net::IpAddr;

/// The same for all peers of a run; cheap enough to copy once a run.
#[derive(Clone, Debug, Default)]
pub struct Connector {
    pub reach: TargetPolicy,
    /// Host and port that are dialled in the place of the URL's, which stay in its headers and its TLS.
    pub connect_to: Option<(String, u16)>,
    pub proxy: Option<Proxy>,
    pub tls: ClientTls,
    /// What a target without TLS turns out to speak.
    pub tls_sniff: TlsSniff,
}

/// Why a target may not be loaded; names the host for `--allow-target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Far {
        host: String,
        address: IpAddr,
    },
    /// The proxy may find it anywhere.
    Unknown {
        host: String,
    },
}

impl Refused {
    pub fn host(&self) -> &str {
        match self {
            Self::Far { host, .. } | Self::Unknown { host } => host,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Far { host, address } => {
                write!(f, "{host} ({address}) is neither this machine nor on a private network")
            }
            Self::Unknown { host } => write!(f, "{host} has no address here, and a proxy may find it anywhere"),
        }
    }
}

impl Connector {
    /// What stands between this machine and `host`: the host that is dialled, the proxy included, must be near or
    /// have been named.
    pub(super) async fn refused(&self, host: &str, port: u16) -> Option<Refused> {
        if let Some(proxy) = &self.proxy
            && let Some(far) = self.far(&proxy.host, proxy.port).await.ok().flatten()
        {
            return Some(far);
        }
        match self.far(host, port).await {
            Ok(far) => far,
            Err(()) if self.proxy.is_some() => Some(Refused::Unknown { host: host.to_owned() }),
            // A name that can't be resolved fails as every peer's own connect, and is counted there.
            Err(()) => None,
        }
    }

    /// Errors: the name has no address.
    async fn far(&self, host: &str, port: u16) -> Result<Option<Refused>, ()> {
        // One that was named may be anywhere, and need not be known here if a proxy looks it up.
        if self.reach.names(host) {
            return Ok(None);
        }
        let addresses = resolve(host, port).await.map_err(|_| ())?;
        let far = addresses.iter().find(|address| !self.reach.admits(host, address.ip()));
        Ok(far.map(|address| Refused::Far { host: host.to_owned(), address: address.ip() }))
    }
}
