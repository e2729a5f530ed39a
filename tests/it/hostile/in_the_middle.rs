//! Stands between the peers and an honest server, and offends one of the peers, or all.

use crate::common::websocket::{frame, key, read_frame, read_head};
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The connection that is offended, counted from 0.
const VICTIM: usize = 5;

/// The opcodes of RFC 6455 §5.2.
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;

type Bytes = Arc<[u8]>;

#[derive(Clone)]
pub enum Offence {
    None,
    /// Answers the victim's upgrade, which has this key, and then no more.
    Upgrade(fn(&str) -> String),
    /// Says these bytes so often to the victim, which hears nothing else.
    Say {
        bytes: Bytes,
        times: usize,
    },
    /// The same, and reads nothing more from the victim.
    SayUnread {
        bytes: Bytes,
        times: usize,
    },
    /// Says a text made of the first peer's id to each peer once it has joined.
    SayToAll(fn(&str) -> String),
    /// Changes each text for the victim.
    Rewrite(fn(&str) -> String),
}

/// One in the middle; it lives as long as the test's process.
pub struct InTheMiddle {
    pub url: String,
    shared: Arc<Shared>,
}

/// The state that all connections share.
struct Shared {
    server: SocketAddr,
    offence: Offence,
    first_id: Mutex<Option<String>>,
    /// The codes of the victim's close frames.
    close_codes: Mutex<Vec<u16>>,
}

impl InTheMiddle {
    pub fn start(server: SocketAddr, offence: Offence) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("ws://{}/ws/", listener.local_addr().expect("an address"));
        let shared = Arc::new(Shared { server, offence, first_id: Mutex::default(), close_codes: Mutex::default() });
        let accepting = shared.clone();
        thread::spawn(move || {
            for (number, peer) in listener.incoming().flatten().enumerate() {
                let shared = accepting.clone();
                // A peer or a server that goes away in the middle is no fault of the test.
                thread::spawn(move || shared.pass_on(number, peer));
            }
        });
        Self { url, shared }
    }

    /// The codes of the close frames that the victim has sent.
    pub fn close_codes(&self) -> Vec<u16> {
        self.shared.close_codes.lock().expect("no panic").clone()
    }
}

impl Shared {
    fn pass_on(self: Arc<Self>, number: usize, mut peer: TcpStream) -> std::io::Result<()> {
        peer.set_nodelay(true)?;
        let request = read_head(&mut peer)?;
        if let (Offence::Upgrade(answer), VICTIM) = (&self.offence, number) {
            peer.write_all(answer(key(&request).unwrap_or_default()).as_bytes())?;
            return std::io::copy(&mut peer, &mut std::io::sink()).map(|_| ());
        }
        let mut server = TcpStream::connect(self.server)?;
        server.set_nodelay(true)?;
        server.write_all(request.as_bytes())?;
        let answer = read_head(&mut server)?;
        peer.write_all(answer.as_bytes())?;
        let writer = Arc::new(Mutex::new(peer.try_clone()?));
        let (downward, shared) = ((server.try_clone()?, writer.clone()), self.clone());
        thread::spawn(move || {
            let (from, to) = downward;
            let _ended = shared.downward(number, from, &to);
            to.lock().expect("no panic").shutdown(Shutdown::Both)
        });
        let upward = self.upward(number, peer, &mut server, &writer);
        server.shutdown(Shutdown::Both)?;
        upward
    }

    fn upward(
        &self,
        number: usize,
        mut peer: TcpStream,
        server: &mut TcpStream,
        writer: &Mutex<TcpStream>,
    ) -> std::io::Result<()> {
        let mut offended = false;
        loop {
            let (raw, payload) = read_frame(&mut peer)?;
            if let ([0x88, ..], [high, low, ..], VICTIM) = (&raw[..], &payload[..], number) {
                self.close_codes.lock().expect("no panic").push(u16::from_be_bytes([*high, *low]));
            }
            server.write_all(&raw)?;
            let text = String::from_utf8_lossy(&payload);
            if offended || !text.contains("peer-ready") {
                continue;
            }
            offended = true;
            let sender = between(&text, "\"sender\":\"", "\"").unwrap_or_default().to_owned();
            let first = self.first_id.lock().expect("no panic").get_or_insert(sender).clone();
            let say = |bytes: &[u8], times: usize| {
                let mut writer = writer.lock().expect("no panic");
                (0..times).try_for_each(|_| writer.write_all(bytes))
            };
            match &self.offence {
                Offence::Say { bytes, times } if number == VICTIM => say(bytes, *times)?,
                Offence::SayUnread { bytes, times } if number == VICTIM => {
                    peer.set_write_timeout(Some(Duration::from_secs(30)))?;
                    let _blocked = say(bytes, *times);
                    thread::sleep(Duration::from_secs(30));
                }
                Offence::SayToAll(text) => say(&frame(TEXT, text(&first).as_bytes()), 1)?,
                _ => {}
            }
        }
    }

    fn downward(&self, number: usize, mut server: TcpStream, writer: &Mutex<TcpStream>) -> std::io::Result<()> {
        loop {
            let (raw, payload) = read_frame(&mut server)?;
            let changed = match &self.offence {
                Offence::Say { .. } | Offence::SayUnread { .. } if number == VICTIM => continue,
                Offence::Rewrite(change) if number == VICTIM && raw[0] & 0xF == TEXT => {
                    frame(TEXT, change(&String::from_utf8_lossy(&payload)).as_bytes())
                }
                _ => raw,
            };
            writer.lock().expect("no panic").write_all(&changed)?;
        }
    }
}

pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(between, _)| between)
}
