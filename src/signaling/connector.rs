//! Settings of all connections to the target: dialled address, proxy, TLS, and the check of the target policy.

use super::dial_log::DialLog;
use super::limits::Limits;
use super::proxy::Proxy;
use super::stream::Stream;
use super::target_policy::{TargetPolicy, resolve};
use super::tls::{ClientTls, TlsSniff};
use crate::vocabulary::Failure;
use std::fmt;
use std::net::IpAddr;

/// Connection settings shared by all peers of a run.
#[derive(Clone, Debug, Default)]
pub struct Connector {
    pub target_policy: TargetPolicy,
    /// Host and port to dial instead of the URL's, which stay in the Host header and in TLS.
    pub connect_to: Option<(String, u16)>,
    pub proxy: Option<Proxy>,
    pub tls: ClientTls,
    /// Detects a TLS server behind a `ws:` URL.
    pub tls_sniff: TlsSniff,
    pub limits: Limits,
    pub log: DialLog,
}

/// A target that may not be loaded, with its host for `--allow-target`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    Public {
        host: String,
        address: IpAddr,
    },
    /// The name has no address here, and the proxy may resolve it to any.
    Unresolved {
        host: String,
    },
}

impl Refused {
    pub fn host(&self) -> &str {
        match self {
            Self::Public { host, .. } | Self::Unresolved { host } => host,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public { host, address } => {
                write!(f, "{host} ({address}) is neither this machine nor on a private network")
            }
            Self::Unresolved { host } => write!(f, "{host} has no address here, and a proxy may find it anywhere"),
        }
    }
}

impl Connector {
    /// Runs the TLS handshake over an open stream.
    ///
    /// # Errors
    /// The failure of the handshake, in phase `connect`.
    pub(super) async fn secure(&self, host: &str, stream: Stream) -> Result<Stream, Failure> {
        let secured = self.tls.secure(host, stream).await?;
        self.log.tell(|| secured.tls_in_words());
        Ok(secured)
    }

    /// Checks `host` and the proxy: each must be private or named by `--allow-target`.
    pub(super) async fn refused(&self, host: &str, port: u16) -> Option<Refused> {
        if let Some(proxy) = &self.proxy
            && let Some(refused) = self.refused_host(&proxy.host, proxy.port).await.ok().flatten()
        {
            return Some(refused);
        }
        match self.refused_host(host, port).await {
            Ok(refused) => refused,
            Err(()) if self.proxy.is_some() => Some(Refused::Unresolved { host: host.to_owned() }),
            // Each peer's own connect fails on a name that can't be resolved, and is counted there.
            Err(()) => None,
        }
    }

    /// Checks one host; `Err` if its name has no address.
    async fn refused_host(&self, host: &str, port: u16) -> Result<Option<Refused>, ()> {
        // An allowed host needs no address here: a proxy may resolve it.
        if self.target_policy.is_allowed_host(host) {
            return Ok(None);
        }
        let addresses = resolve(host, port).await.map_err(|_| ())?;
        let public = addresses.iter().find(|address| !self.target_policy.allows(host, address.ip()));
        Ok(public.map(|address| Refused::Public { host: host.to_owned(), address: address.ip() }))
    }
}
