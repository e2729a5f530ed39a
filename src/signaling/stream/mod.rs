//! The byte stream under a WebSocket: plain TCP, or TLS over it.

mod stamped;

pub(super) use stamped::StampedStream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

/// A plain stream, or TLS over another `Stream`: a `wss` target behind an `https` proxy has two layers.
pub(super) enum Stream {
    Plain(StampedStream),
    Secured(Box<Secured>),
}

/// TLS over a stream.
pub(super) struct Secured(pub TlsStream<Stream>);

impl Stream {
    /// Time for which what was read so far had waited in the kernel; counted until the first call.
    pub(super) fn take_waited(&mut self) -> Duration {
        match self {
            Self::Plain(stream) => stream.take_waited(),
            Self::Secured(stream) => stream.0.get_mut().0.take_waited(),
        }
    }

    /// The outer TLS connection's terms; empty if there is none.
    pub(super) fn tls_in_words(&self) -> String {
        let Self::Secured(stream) = self else { return String::new() };
        let (_, tls) = stream.0.get_ref();
        let version = tls.protocol_version().map_or(String::new(), |version| format!("{version:?}"));
        let suite = tls.negotiated_cipher_suite().map_or(String::new(), |suite| format!("{:?}", suite.suite()));
        let alpn = tls.alpn_protocol().map_or("none".into(), String::from_utf8_lossy);
        format!("TLS: {version}, {suite}, ALPN {alpn}")
    }

    /// The kernel's receive stamp of the last read, which completed the record that TLS decrypted last.
    pub(super) fn stamp(&self) -> Option<SystemTime> {
        match self {
            Self::Plain(stream) => stream.stamp(),
            Self::Secured(stream) => stream.0.get_ref().0.stamp(),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, into),
            Self::Secured(stream) => Pin::new(&mut stream.0).poll_read(context, into),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Secured(stream) => Pin::new(&mut stream.0).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Secured(stream) => Pin::new(&mut stream.0).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Secured(stream) => Pin::new(&mut stream.0).poll_shutdown(context),
        }
    }
}
