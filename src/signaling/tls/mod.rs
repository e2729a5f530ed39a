//! TLS to the server: whom a peer believes, who it says it is, and one setup for all peers of a run.

mod error_text;
mod insecure;

pub(super) use error_text::in_words;

use super::stream::{Secured, Stream};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::identity::Identity;
use crate::vocabulary::phase::Phase;
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

/// What the certificates of the two ends have to be.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// Believed beside those that the machine believes.
    pub roots: Vec<CertificateDer<'static>>,
    /// Shown to a server that asks who we are.
    pub identity: Option<Identity>,
    /// Any certificate of the server will do.
    pub insecure: bool,
}

/// The TLS of a run; cheap to copy.
#[derive(Clone, Default)]
pub struct ClientTls(Arc<TlsSettings>);

#[derive(Default)]
struct TlsSettings {
    trust: Trust,
    /// Made at the first handshake: the machine's roots are many, and most runs need none.
    client: OnceLock<Result<Arc<ClientConfig>, String>>,
}

impl ClientTls {
    /// # Errors
    /// A root or the identity is unfit, as the end of a sentence.
    pub fn new(trust: Trust) -> Result<Self, TlsError> {
        add(&mut RootCertStore::empty(), &trust.roots).map_err(TlsError::Root)?;
        if let Some(Identity { chain, key }) = &trust.identity {
            let fits = CertifiedKey::from_der(chain.clone(), key.clone_key(), &ring::default_provider());
            fits.map_err(|error| TlsError::Identity(in_words(&error)))?;
        }
        Ok(Self(Arc::new(TlsSettings { trust, client: OnceLock::new() })))
    }

    /// Whether any certificate will do.
    pub fn is_insecure(&self) -> bool {
        self.0.trust.insecure
    }

    /// The handshake over an open connection.
    pub(super) async fn secure(&self, host: &str, stream: Stream) -> Result<Stream, Failure> {
        let secured = self.shake_hands(host, stream).await?;
        secured.map(|stream| Stream::Secured(Box::new(Secured(stream)))).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => {
                Failure::new(Phase::Connect, Reason::Closed, "end of stream in the TLS handshake")
            }
            _ => super::io_failure(&error),
        })
    }

    /// Whether a greeting over an open connection is answered in TLS, with a certificate that is believed or without.
    pub(super) async fn is_answered(&self, host: &str, stream: Stream) -> bool {
        match self.shake_hands(host, stream).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                let of_tls = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
                of_tls.is_some_and(|error| !matches!(error, Error::InvalidMessage(_)))
            }
            Err(_) => false,
        }
    }

    /// Errors: there can be no handshake. Within: it failed.
    async fn shake_hands(&self, host: &str, stream: Stream) -> Result<io::Result<TlsStream<Stream>>, Failure> {
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

/// What can't be used.
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
        // Damaged ones among the machine's own are nobody's fault here: whoever needs one hears `issuer not trusted`.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        add(&mut roots, &trust.roots)?;
        builder.with_root_certificates(roots)
    };
    let client = match &trust.identity {
        None => Ok(builder.with_no_client_auth()),
        Some(Identity { chain, key }) => builder.with_client_auth_cert(chain.clone(), key.clone_key()),
    };
    let mut client = client.map_err(|error| in_words(&error))?;
    // Each peer is somebody else, and nobody resumes somebody else's session.
    client.resumption = Resumption::disabled();
    // A WebSocket is an upgrade of HTTP/1.1, and browsers ask for that (RFC 6455 §4.1).
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
