//! Stands between the peers and an honest server, and offends one of the peers, or all.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

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
            peer.write_all(answer(key(&request)).as_bytes())?;
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

/// The value of Sec-WebSocket-Accept for a request.
pub fn accept(key: &str) -> String {
    derive_accept_key(key.as_bytes())
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

pub fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    text.split_once(before)?.1.split_once(after).map(|(between, _)| between)
}

fn key(request: &str) -> &str {
    let headers = request.lines().filter_map(|line| line.split_once(": "));
    let mut keys = headers.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    keys.next().map_or("", |(_, value)| value)
}

fn read_head(stream: &mut TcpStream) -> std::io::Result<String> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.extend(byte);
    }
    String::from_utf8(head).map_err(|_| ErrorKind::InvalidData.into())
}

/// A whole frame as it came, and its payload without the mask (RFC 6455 §5.2).
fn read_frame(stream: &mut TcpStream) -> std::io::Result<(Vec<u8>, Vec<u8>)> {
    let mut raw = vec![0; 2];
    stream.read_exact(&mut raw)?;
    let mut more = |raw: &mut Vec<u8>, bytes: usize| {
        let start = raw.len();
        raw.resize(start + bytes, 0);
        stream.read_exact(&mut raw[start..]).map(|()| start)
    };
    let masked = raw[1] & 0x80 != 0;
    let length = match raw[1] & 0x7F {
        126 => {
            let start = more(&mut raw, 2)?;
            usize::from(u16::from_be_bytes([raw[start], raw[start + 1]]))
        }
        127 => {
            let start = more(&mut raw, 8)?;
            raw[start..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
        }
        short => usize::from(short),
    };
    let mask_start = more(&mut raw, if masked { 4 } else { 0 })?;
    let mask = raw[mask_start..].to_vec();
    let start = more(&mut raw, length)?;
    let mut payload = raw[start..].to_vec();
    if masked {
        payload.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
    }
    Ok((raw, payload))
}
