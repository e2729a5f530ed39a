//! A scripted server that is anything but a signaling server, or is one for too short a time.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

/// Answer to a connection.
#[derive(Clone)]
pub enum Script {
    /// Nothing, for as long as the client bears it.
    Silence,
    /// Bytes in the place of an answer, then the end.
    Answer(String),
    /// The start of an answer, then one byte of a header every 50 ms.
    Dribble,
    /// An upgrade that is signed with another key.
    WrongKey,
    /// A proper upgrade, then this.
    Upgraded(Deed),
    /// A proper upgrade, and this as soon as the peer has said that it is ready.
    Joined(Deed),
}

#[derive(Clone)]
pub enum Deed {
    Nothing,
    /// Raw bytes on the upgraded connection; it then stays open.
    Bytes(Arc<[u8]>),
    /// The same, this many times.
    Flood(Arc<[u8]>, usize),
    Close(u16),
    /// Gone without a word.
    End,
    /// RST instead of FIN.
    Reset,
}

/// A server that plays one script to whoever connects; it lives as long as the test's process.
pub struct Hostile {
    pub address: SocketAddr,
    /// One word a connection that was upgraded (or would have been).
    pub arrivals: Receiver<()>,
}

impl Hostile {
    pub fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        Self::on(listener, script)
    }

    pub fn on(listener: TcpListener, script: Script) -> Self {
        let address = listener.local_addr().expect("an address");
        let (tell, arrivals) = mpsc::channel();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (script, tell) = (script.clone(), tell.clone());
                // A client that goes away in the middle is no fault of the test.
                thread::spawn(move || play(stream, &script, &tell));
            }
        });
        Self { address, arrivals }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws/", self.address)
    }
}

fn play(mut stream: TcpStream, script: &Script, tell: &Sender<()>) -> std::io::Result<()> {
    let key = read_request(&mut stream)?;
    // Nobody has to wait for arrivals.
    let _ = tell.send(());
    match script {
        Script::Silence => drain(&mut stream),
        Script::Answer(bytes) => stream.write_all(bytes.as_bytes()),
        Script::Dribble => {
            stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nX-Slow: ")?;
            loop {
                stream.write_all(b"x")?;
                thread::sleep(Duration::from_millis(50));
            }
        }
        Script::WrongKey => {
            upgrade(&mut stream, "x3JJHMbDL1EzLkh9GBhXDw==")?;
            drain(&mut stream)
        }
        Script::Upgraded(deed) => {
            upgrade(&mut stream, &key)?;
            act(stream, deed)
        }
        Script::Joined(deed) => {
            upgrade(&mut stream, &key)?;
            read_until(&mut stream, "peer-ready")?;
            act(stream, deed)
        }
    }
}

fn act(mut stream: TcpStream, deed: &Deed) -> std::io::Result<()> {
    match deed {
        Deed::Nothing => {}
        Deed::Bytes(bytes) => stream.write_all(bytes)?,
        Deed::Flood(bytes, times) => (0..*times).try_for_each(|_| stream.write_all(bytes))?,
        Deed::Close(code) => stream.write_all(&frame(0x8, &code.to_be_bytes()))?,
        Deed::End => return Ok(()),
        Deed::Reset => return socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)),
    }
    drain(&mut stream)
}

/// The client's Sec-WebSocket-Key.
fn read_request(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut request, mut byte) = (Vec::new(), [0]);
    while !request.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let key = request.lines().filter_map(|line| line.split_once(": "));
    let key = key.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, value)| value).next();
    key.map(str::to_owned).ok_or_else(|| ErrorKind::InvalidData.into())
}

fn upgrade(stream: &mut TcpStream, key: &str) -> std::io::Result<()> {
    let key = derive_accept_key(key.as_bytes());
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    )
}

/// Reads masked frames (RFC 6455 §5.3) until one has `word` in it.
fn read_until(stream: &mut TcpStream, word: &str) -> std::io::Result<()> {
    loop {
        let mut head = [0; 2];
        stream.read_exact(&mut head)?;
        let length = match head[1] & 0x7F {
            126 => {
                let mut long = [0; 2];
                stream.read_exact(&mut long)?;
                usize::from(u16::from_be_bytes(long))
            }
            short => usize::from(short),
        };
        let (mut mask, mut payload) = ([0; 4], vec![0; length]);
        stream.read_exact(&mut mask)?;
        stream.read_exact(&mut payload)?;
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        if String::from_utf8_lossy(&payload).contains(word) {
            return Ok(());
        }
    }
}

fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(|_| ())
}

/// One unmasked, final frame.
pub fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u16::try_from(payload.len()) {
        Ok(length) if length < 126 => frame.push(length as u8),
        Ok(length) => frame.extend([126].into_iter().chain(length.to_be_bytes())),
        Err(_) => frame.extend([127].into_iter().chain((payload.len() as u64).to_be_bytes())),
    }
    frame.extend(payload);
    frame
}

pub fn text(payload: &str) -> Arc<[u8]> {
    frame(0x1, payload.as_bytes()).into()
}
