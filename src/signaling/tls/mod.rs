//! Client TLS: trusted roots, client certificate, and one configuration for all peers of a run.

mod error_text;
mod insecure;
mod sniff;

pub(super) use error_text::in_words;
pub use sniff::TlsSniff;

use super::stream::{Secured, Stream};
use crate::vocabulary::{Failure, Identity, Phase, Reason};
use insecure::InsecureVerifier;
use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, Error, RootCertStore};
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Certificates to trust and to present.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Trusted in addition to the machine's roots.
    pub roots: Vec<CertificateDer<'static>>,
    /// Client certificate for a server that requests one.
    pub identity: Option<Identity>,
    /// Accepts any server certificate.
    pub insecure: bool,
}

/// TLS configuration of a run; cheap to clone.
#[derive(Clone, Default)]
pub struct ClientTls(Arc<TlsSettings>);

#[derive(Default)]
struct TlsSettings {
    trust: Trust,
    /// Built at the first handshake: loading the machine's roots is slow, and most runs use no TLS.
    client: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl ClientTls {
    /// Checks the roots and the identity.
    ///
    /// # Errors
    /// A root or the identity is unusable.
    pub fn new(trust: Trust) -> Result<Self, TlsError> {
        add(&mut RootCertStore::empty(), &trust.roots).map_err(TlsError::Root)?;
        if let Some(Identity { chain, key }) = &trust.identity {
            let fits = CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider());
            fits.map_err(|error| TlsError::Identity(in_words(&error)))?;
        }
        Ok(Self(Arc::new(TlsSettings { trust, client: OnceLock::new() })))
    }

    /// True if any server certificate is accepted.
    pub fn is_insecure(&self) -> bool {
        self.0.trust.insecure
    }

    /// Runs the TLS handshake over an open stream.
    ///
    /// # Errors
    /// The failure of the handshake, in phase `connect`.
    pub(super) async fn secure(&self, host: &str, stream: Stream) -> Result<Stream, Failure> {
        let secured = self.handshake(host, stream).await?;
        secured.map(|stream| Stream::Secured(Box::new(Secured(stream)))).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Failure::new(Phase::Connect, Reason::Closed, "end of stream in the TLS handshake")
            }
            _ => super::io_failure(&error),
        })
    }

    /// True if the server answers a ClientHello in TLS, with a trusted certificate or not.
    pub(super) async fn answers(&self, host: &str, stream: Stream) -> bool {
        match self.handshake(host, stream).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
                of_tls.is_some_and(|error| !matches!(error, Error::InvalidMessage(_)))
            }
            Err(_) => false,
        }
    }

    /// The outer error is a configuration that allows no handshake, the inner one the handshake's own failure.
    async fn handshake(&self, host: &str, stream: Stream) -> Result<io::Result<TlsStream<Stream>>, Failure> {
        let client = self.0.client.get_or_init(|| client(&self.0.trust)).as_ref();
        let client = client.map_err(|why| failure(why.clone()))?;
        let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare).map_err(|_| failure("no certificate has such a name".to_owned()))?;
        Ok(TlsConnector::from(client.clone()).connect(name, stream).await)
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.trust.fmt(f)
    }
}

/// The unusable part of a `Trust`, with the reason.
#[derive(Debug, PartialEq, Eq)]
pub enum TlsError {
    Root(String),
    Identity(String),
}

fn client(trust: &Trust) -> Result<Arc<ClientConfig>, String> {
    let provider = Arc::new(ring::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| in_words(&error))?;
    let builder = if trust.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(InsecureVerifier(algorithms)))
    } else {
        let mut roots = RootCertStore::empty();
        // Damaged roots of the machine are skipped; a server that needs one fails with `issuer not trusted`.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        add(&mut roots, &trust.roots)?;
        builder.with_root_certificates(roots)
    };
    let client = match &trust.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
    };
    let mut client = client.map_err(|error| in_words(&error))?;
    // Each peer stands for another user, who would not resume this session.
    client.resumption = Resumption::disabled();
    // A WebSocket is an upgrade of HTTP/1.1, which browsers offer by ALPN (RFC 6455 §4.1).
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(client))
}

fn add(store: &mut RootCertStore, roots: &[CertificateDer<'static>]) -> Result<(), String> {
    let unfit = |error: Error| in_words(&error);
    roots.iter().try_for_each(|root| store.add(root.clone()).map_err(unfit))
}

fn failure(why: String) -> Failure {
    Failure::new(Phase::Connect, Reason::Tls, why)
}
