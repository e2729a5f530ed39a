//! The server's side of an upgrade to WebSocket, as far as a client asks for it (RFC 6455 §4.2).

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Reads the head of a request; the key of its upgrade, or nothing.
pub async fn asked_key(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (vec![], [0]);
    while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap_or_default().to_owned()
}

/// The head that accepts the upgrade.
pub fn switching(key: &str) -> Vec<u8> {
    let accept = derive_accept_key(key.as_bytes());
    format!("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
        .into_bytes()
}
