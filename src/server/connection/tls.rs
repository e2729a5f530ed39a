//! `serve --tls-cert --tls-key`: one identity for all clients, and the handshake with each.

use crate::vocabulary::identity::Identity;
use rustls::crypto::ring;
use rustls::{Error, InconsistentKeys, ServerConfig, ServerConnection};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// How long a client may take for the handshake.
const PATIENCE: Duration = Duration::from_secs(10);

/// Plaintext that waits to be encrypted for one client, in bytes; its queue is bounded already.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// The server's side of TLS; cheap to copy.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// Errors: the key and the certificate don't go together, or one of them is damaged; one sentence.
    pub fn new(identity: Identity) -> Result<Self, String> {
        let provider = Arc::new(ring::default_provider());
        let in_words = |error: Error| match error {
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                "the key is not that of the certificate".to_owned()
            }
            other => other.to_string(),
        };
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(in_words)?.with_no_client_auth();
        let mut config = builder.with_single_cert(identity.chain, identity.key).map_err(in_words)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self(Arc::new(config)))
    }

    /// The handshake with a client that has just connected. Errors: it is not one for TLS, or too slow.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TcpStream, ServerConnection)> {
        let accepted = tokio::time::timeout(PATIENCE, TlsAcceptor::from(self.0.clone()).accept(stream)).await??;
        let (stream, mut session) = accepted.into_inner();
        session.set_buffer_limit(Some(BUFFER_BYTES_MAX));
        Ok((stream, session))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}
