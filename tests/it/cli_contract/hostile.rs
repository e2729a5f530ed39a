//! A scripted server that is anything but a signaling server, or is one for too short a time.

use crate::common::websocket::{accept, frame, key, read_frame, read_head};
use std::io::{ErrorKind, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

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
    let request = read_head(&mut stream)?;
    let key = key(&request).ok_or(ErrorKind::InvalidData)?;
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
            upgrade(&mut stream, key)?;
            act(stream, deed)
        }
        Script::Joined(deed) => {
            upgrade(&mut stream, key)?;
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

fn upgrade(stream: &mut TcpStream, key: &str) -> std::io::Result<()> {
    let key = accept(key);
    write!(
        stream,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {key}\r\n\r\n"
    )
}

/// Reads frames until one has `word` in it.
fn read_until(stream: &mut TcpStream, word: &str) -> std::io::Result<()> {
    while !String::from_utf8_lossy(&read_frame(stream)?.1).contains(word) {}
    Ok(())
}

fn drain(stream: &mut TcpStream) -> std::io::Result<()> {
    std::io::copy(stream, &mut std::io::sink()).map(|_| ())
}

pub fn text(payload: &str) -> Arc<[u8]> {
    frame(0x1, payload.as_bytes()).into()
}
