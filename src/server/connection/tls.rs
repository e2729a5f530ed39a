//! Server TLS (`serve --tls-cert --tls-key`): one identity for all clients, and the handshake with each.

use crate::vocabulary::Identity;
use rustls::crypto::ring;
use rustls::{Error, InconsistentKeys, ServerConfig, ServerConnection};
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// Time limit for a client's handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// Buffer for data that one client's socket has not accepted, in bytes; the outbox bounds the rest.
const BUFFER_BYTES_MAX: usize = 64 << 10;

/// TLS configuration of the server; cheap to clone.
#[derive(Clone)]
pub struct ServerTls(Arc<ServerConfig>);

impl ServerTls {
    /// Checks the identity.
    ///
    /// # Errors
    /// One sentence: the key is not the certificate's, or one of them is damaged.
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

    /// Runs the handshake with a new client.
    ///
    /// # Errors
    /// The client speaks no TLS, or takes longer than 10 s.
    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<(TcpStream, ServerConnection)> {
        let accepted =
            tokio::time::timeout(HANDSHAKE_TIMEOUT, TlsAcceptor::from(self.0.clone()).accept(stream)).await??;
        let (stream, mut session) = accepted.into_inner();
        session.set_buffer_limit(Some(BUFFER_BYTES_MAX));
        Ok((stream, session))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTls")
    }
}
