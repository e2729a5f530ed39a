//! Programs between peers and a server: one that listens to requests, one that asks for certificates, a proxy.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// It lives as long as the test's process.
pub struct Between {
    pub address: SocketAddr,
    /// The head of each request that it was given.
    pub heads: Receiver<String>,
}

#[derive(Clone)]
enum Role {
    /// Passes the request on, and all that follows.
    Listener,
    /// The same, inside TLS.
    Doorkeeper(TlsAcceptor),
    /// Opens a tunnel to the server, whatever it is asked for, or answers with this instead.
    Proxy(Option<&'static str>),
}

impl Between {
    pub fn listener(server: SocketAddr) -> Self {
        Self::start(server, Role::Listener)
    }

    pub fn proxy(server: SocketAddr) -> Self {
        Self::start(server, Role::Proxy(None))
    }

    /// A proxy that opens nothing.
    pub fn closed_proxy(answer: &'static str) -> Self {
        Self::start(([127, 0, 0, 1], 9).into(), Role::Proxy(Some(answer)))
    }

    /// Lets in whoever shows a certificate of the authority.
    pub fn doorkeeper(server: SocketAddr, certificate: &str, key: &str, authority: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(authority).expect("a certificate")).expect("a root");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_client_cert_verifier(verifier.expect("a verifier"))
            .with_single_cert(
                vec![CertificateDer::from_pem_file(certificate).expect("a certificate")],
                PrivateKeyDer::from_pem_file(key).expect("a key"),
            );
        Self::start(server, Role::Doorkeeper(TlsAcceptor::from(Arc::new(config.expect("an identity")))))
    }

    fn start(server: SocketAddr, role: Role) -> Self {
        let (tell, heads) = channel();
        let tell = Arc::new(Mutex::new(tell));
        let (told, address) = channel();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                told.send(listener.local_addr().expect("an address")).expect("the test waits");
                while let Ok((stream, _)) = listener.accept().await {
                    let (role, tell) = (role.clone(), tell.clone());
                    // Its end is the client's or the server's.
                    tokio::spawn(async move { _ = attend(stream, server, role, &tell).await });
                }
            });
        });
        Self { address: address.recv().expect("it listens"), heads }
    }

    /// All heads so far, in order.
    pub fn heard(&self) -> Vec<String> {
        self.heads.try_iter().collect()
    }
}

async fn attend(stream: TcpStream, server: SocketAddr, role: Role, tell: &Mutex<Sender<String>>) -> io::Result<()> {
    match role {
        Role::Listener => pass_on(stream, server, tell).await,
        Role::Doorkeeper(acceptor) => pass_on(acceptor.accept(stream).await?, server, tell).await,
        Role::Proxy(answer) => tunnel(stream, server, answer, tell).await,
    }
}

async fn pass_on<S: AsyncRead + AsyncWrite + Unpin>(
    mut client: S,
    server: SocketAddr,
    tell: &Mutex<Sender<String>>,
) -> io::Result<()> {
    let head = head(&mut client, tell).await?;
    let mut server = TcpStream::connect(server).await?;
    server.write_all(head.as_bytes()).await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn tunnel(
    mut client: TcpStream,
    server: SocketAddr,
    answer: Option<&str>,
    tell: &Mutex<Sender<String>>,
) -> io::Result<()> {
    head(&mut client, tell).await?;
    if let Some(answer) = answer {
        return client.write_all(answer.as_bytes()).await;
    }
    let mut server = TcpStream::connect(server).await?;
    client.write_all(b"HTTP/1.1 200 Connection established\r\nVia: a test\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn head<S: AsyncRead + Unpin>(stream: &mut S, tell: &Mutex<Sender<String>>) -> io::Result<String> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") && head.len() < 64 << 10 {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    // Nobody has to listen.
    let _ = tell.lock().expect("nobody panics with it").send(head.clone());
    Ok(head)
}
