//! The connections of one room, out of recordings: who said what to the server, decoded and in order of time.

pub(in crate::learning) mod grammar;
pub(in crate::learning) mod json;
pub(in crate::learning) mod values;

use crate::learning::talk::grammar::{Said, said_of};
use crate::learning::talk::json::Json;
use crate::recording::{Exchange, FramePayload, Recording, header, letter};
use std::collections::BTreeMap;
use url::Url;

/// The most peers that are learned from: those that were there first.
const PEERS_MAX: usize = 8;
/// The most frames of a peer that are read.
const FRAMES_MAX: usize = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::learning) enum TalkCodec {
    Json,
    Text,
    SocketIo,
}

/// The connections of one room's peers, in the order in which they began.
pub(in crate::learning) struct Talk {
    pub codec: TalkCodec,
    pub peers: Vec<TalkPeer>,
    /// The frames of all peers, in order of time.
    pub frames: Vec<TalkFrame>,
    /// Sentences about what was recorded and is not learned from.
    pub left_out: Vec<String>,
}

pub(in crate::learning) struct TalkPeer {
    pub url: Url,
    pub subprotocol: Option<String>,
    pub headers: Vec<(String, String)>,
    /// Microseconds since the Unix epoch.
    pub began_us: u64,
    pub ended_us: u64,
}

pub(in crate::learning) struct TalkFrame {
    pub at_us: u64,
    /// The index of the peer.
    pub peer: usize,
    pub sent: bool,
    pub text: String,
    pub body: Json,
    /// The part of a negotiation that the body carries.
    pub said: Option<Said>,
}

impl TalkCodec {
    pub(in crate::learning) fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::SocketIo => "socketio",
        }
    }

    /// The content of a frame; `None` for what the transport says for itself, and for what can't be decoded.
    pub(in crate::learning) fn decode(self, text: &str, sent: bool) -> Option<Json> {
        match self {
            Self::Json => Json::parse(text),
            Self::Text => Some(Json::Text(text.to_owned())),
            Self::SocketIo => {
                let rest = text.strip_prefix('4')?;
                let (kind, body) = (rest.get(..1)?, &rest[1..]);
                let digits = body.bytes().take_while(u8::is_ascii_digit).count();
                match (kind, Json::parse(&body[digits..])) {
                    ("0", content) if !sent => {
                        Some(Json::List([Json::Text("connect".to_owned())].into_iter().chain(content).collect()))
                    }
                    ("2", Some(Json::List(mut event))) => {
                        if sent && digits > 0 {
                            event.insert(0, Json::Number(body[..digits].parse::<u64>().ok()?.into()));
                        }
                        Some(Json::List(event))
                    }
                    ("3", Some(Json::List(mut answer))) if !sent => {
                        let number = Json::Number(body[..digits].parse::<u64>().ok()?.into());
                        answer.splice(0..0, [Json::Text("ack".to_owned()), number]);
                        Some(Json::List(answer))
                    }
                    _ => None,
                }
            }
        }
    }
}

impl Talk {
    /// The room with the most peers among the WebSockets that carry descriptions.
    ///
    /// # Errors
    /// One sentence: no two connections share a description.
    pub(in crate::learning) fn of(recordings: &[Recording]) -> Result<Self, String> {
        let all: Vec<&Exchange> = recordings.iter().flat_map(|recording| &recording.exchanges).collect();
        let websockets: Vec<&Exchange> = all.into_iter().filter(|exchange| exchange.frames.is_some()).collect();
        let mut chosen = room(&websockets)?;
        let mut left_out: Vec<String> =
            recordings.iter().map(|one| one.left_out.clone()).filter(|why| !why.is_empty()).collect();
        if chosen.len() < websockets.len() {
            left_out.push(format!(
                "{} of {} WebSockets are not of this room",
                websockets.len() - chosen.len(),
                websockets.len()
            ));
        }
        chosen.sort_by_key(|exchange| exchange.began_us);
        if chosen.len() > PEERS_MAX {
            left_out.push(format!("{} of {} peers are left out", chosen.len() - PEERS_MAX, chosen.len()));
            chosen.truncate(PEERS_MAX);
        }
        let codec = codec_of(&chosen);
        let mut talk = Self { codec, peers: vec![], frames: vec![], left_out };
        for (peer, exchange) in chosen.iter().enumerate() {
            talk.add(peer, exchange)?;
            if codec == TalkCodec::SocketIo {
                talk.add_polled(peer, recordings.iter().flat_map(|recording| &recording.exchanges));
            }
        }
        talk.frames.sort_by_key(|frame| frame.at_us);
        Ok(talk)
    }

    /// Adds the packets that a Socket.IO session polled over HTTP before its WebSocket took over.
    fn add_polled<'a>(&mut self, peer: usize, exchanges: impl Iterator<Item = &'a Exchange>) {
        let Some(session) = parameter(&self.peers[peer].url, "sid") else { return };
        for exchange in exchanges.filter(|exchange| exchange.frames.is_none()) {
            let Ok(url) = Url::parse(&exchange.request.url) else { continue };
            let opens = String::from_utf8_lossy(&exchange.response.body).contains(&format!("\"sid\":\"{session}\""));
            let is_polled = parameter(&url, "transport").as_deref() == Some("polling");
            if !is_polled || (parameter(&url, "sid").as_ref() != Some(&session) && !opens) {
                continue;
            }
            let one = &mut self.peers[peer];
            one.began_us = one.began_us.min(exchange.began_us);
            let bodies = [
                (true, exchange.began_us, &exchange.request.body),
                (false, exchange.ended_us, &exchange.response.body),
            ];
            for (sent, at_us, body) in bodies {
                for text in String::from_utf8_lossy(body).split('\u{1e}') {
                    self.add_frame(peer, at_us, sent, text);
                }
            }
        }
    }

    fn add(&mut self, peer: usize, exchange: &Exchange) -> Result<(), String> {
        let Exchange { request, began_us, ended_us, frames, .. } = exchange;
        let url = Url::parse(&request.url).map_err(|why| format!("{}: {why}", request.url))?;
        let subprotocol = header(&request.headers, "sec-websocket-protocol").map(str::to_owned);
        let headers = request.headers.clone();
        self.peers.push(TalkPeer { url, subprotocol, headers, began_us: *began_us, ended_us: *ended_us });
        let frames = frames.as_deref().unwrap_or_default();
        let mut binary = 0;
        for frame in frames.iter().take(FRAMES_MAX) {
            let FramePayload::Text(text) = &frame.payload else {
                binary += 1;
                continue;
            };
            self.add_frame(peer, frame.at_us, frame.sent, text);
        }
        let mut note = |count: usize, what: &str| {
            if count > 0 {
                self.left_out.push(format!("{} of {}: {what}", count, letter(peer)));
            }
        };
        note(binary, "binary frames, which are not learned from");
        note(frames.len().saturating_sub(FRAMES_MAX), "frames beyond the first 5,000");
        Ok(())
    }

    /// Adds a frame, unless it is the transport's own or can't be decoded.
    fn add_frame(&mut self, peer: usize, at_us: u64, sent: bool, text: &str) {
        if let Some(body) = self.codec.decode(text, sent) {
            let said = said_of(&body);
            self.frames.push(TalkFrame { at_us, peer, sent, text: text.to_owned(), body, said });
        }
    }
}

/// The value of a URL's parameter.
fn parameter(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The largest group of connections that are tied by descriptions which one sent and another received.
fn room<'a>(websockets: &[&'a Exchange]) -> Result<Vec<&'a Exchange>, String> {
    let mut carriers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, exchange) in websockets.iter().enumerate() {
        for frame in exchange.frames.iter().flatten() {
            if let FramePayload::Text(text) = &frame.payload {
                ufrags(text).for_each(|ufrag| carriers.entry(ufrag).or_default().push(at));
            }
        }
    }
    let mut group: Vec<usize> = (0..websockets.len()).collect();
    for tied in carriers.values() {
        let lowest = tied.iter().map(|at| group[*at]).min().unwrap_or_default();
        let joined: Vec<usize> = tied.iter().map(|at| group[*at]).collect();
        group.iter_mut().filter(|of| joined.contains(of)).for_each(|of| *of = lowest);
    }
    let size = |of: usize| group.iter().filter(|other| **other == of).count();
    let best = (0..websockets.len()).max_by_key(|of| (size(*of), usize::MAX - of)).map_or((0, 0), |of| (of, size(of)));
    match best {
        (_, 0) => Err("no WebSocket is in the recording".to_owned()),
        (_, 1) if carriers.is_empty() => {
            Err("no frame has an SDP: the peers never offered, or they meet by another way than this WebSocket"
                .to_owned())
        }
        (_, 1) => {
            Err("an SDP that one connection sent is received by no other: record two or three tabs of one room, \
                       and give all their files"
                .to_owned())
        }
        (of, _) => Ok(websockets
            .iter()
            .zip(&group)
            .filter(|(_, group)| **group == of)
            .map(|(exchange, _)| *exchange)
            .collect()),
    }
}

/// The ICE user fragments of the descriptions in a frame, which no two connections share.
fn ufrags(text: &str) -> impl Iterator<Item = String> {
    text.split("a=ice-ufrag:").skip(1).map(|rest| {
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '+' | '/')).collect()
    })
}

fn codec_of(exchanges: &[&Exchange]) -> TalkCodec {
    let texts = exchanges.iter().flat_map(|exchange| exchange.frames.iter().flatten()).filter_map(|frame| match &frame
        .payload
    {
        FramePayload::Text(text) => Some(text.as_str()),
        FramePayload::Binary(_) => None,
    });
    let (mut json, mut socket_io, mut other) = (0, 0, 0);
    for text in texts {
        match text {
            _ if text.starts_with("0{\"sid\"") || text.starts_with("40") || text.starts_with("42") => socket_io += 1,
            "2" | "3" | "2probe" | "3probe" | "5" | "6" => {}
            _ if Json::parse(text).is_some() => json += 1,
            _ => other += 1,
        }
    }
    match () {
        () if socket_io > json + other => TalkCodec::SocketIo,
        () if json >= other => TalkCodec::Json,
        () => TalkCodec::Text,
    }
}
