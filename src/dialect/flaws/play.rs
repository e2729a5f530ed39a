//! Plays a room of one dialect's peers through a relay in memory: who hears of whom, and which edges are negotiated.

use super::echo::{identity, is_of, joined_peers};
use crate::dialect::compile::compiled::CompiledDialect;
use crate::dialect::conversation::{Conversation, Input, Output};
use crate::dialect::session::Session;
use crate::vocabulary::{Candidate, Heard, Say, Signal};
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The virtual time in which all peers have to join.
const JOIN_MAX: Duration = Duration::from_secs(20);
/// Frames of one play, after which peers that answer each other for ever are stopped.
const FRAMES_MAX: usize = 10_000;

/// The outcome of a played room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlayedRoom {
    pub edges: usize,
    pub negotiated: usize,
    /// The room met by what its peers say; otherwise the server's part, ids and who is there, was taken as given.
    pub met_alone: bool,
    /// Reasons why the room did not meet alone, and edges with what they lack.
    pub notes: Vec<String>,
}

/// Plays `size` peers, each frame to its addressee, or with `to_all` to everybody else as a broadcasting server does.
pub(in crate::dialect) fn play(dialect: &Arc<CompiledDialect>, size: u16, to_all: bool, now: Instant) -> PlayedRoom {
    let mut alone = Room::strangers(dialect, size, to_all, now);
    alone.join();
    let stuck = alone.stuck();
    let met_alone = stuck.is_empty();
    let mut room = if met_alone { alone } else { Room::given(dialect, size, to_all, now) };
    room.drain();
    let lacks = room.lacks();
    let notes = stuck.into_iter().chain(lacks.iter().flatten().cloned()).collect();
    PlayedRoom { edges: lacks.len(), negotiated: lacks.iter().filter(|lack| lack.is_none()).count(), met_alone, notes }
}

struct Room<'a> {
    dialect: &'a Arc<CompiledDialect>,
    peers: Vec<Session>,
    joined: Vec<bool>,
    to_all: bool,
    now: Instant,
    /// Frames on their way: the peer that receives, and the text.
    frames: VecDeque<(usize, String)>,
    delivered: usize,
    /// Pairs of which the first has heard of the second.
    met: BTreeSet<(usize, usize)>,
    /// Offers that were said, from the first to the second.
    offered: BTreeSet<(usize, usize)>,
    /// Signals that came where they belong: from, to, and the part.
    heard: BTreeSet<(usize, usize, &'static str)>,
    /// Signals that came where they don't belong.
    astray: BTreeSet<String>,
}

impl<'a> Room<'a> {
    fn new(dialect: &'a Arc<CompiledDialect>, peers: Vec<Session>, to_all: bool, now: Instant) -> Self {
        Self {
            dialect,
            joined: vec![false; peers.len()],
            peers,
            to_all,
            now,
            frames: VecDeque::new(),
            delivered: 0,
            met: BTreeSet::new(),
            offered: BTreeSet::new(),
            heard: BTreeSet::new(),
            astray: BTreeSet::new(),
        }
    }

    /// A room whose peers have yet to join.
    fn strangers(dialect: &'a Arc<CompiledDialect>, size: u16, to_all: bool, now: Instant) -> Self {
        let peers = (0..size).map(|seat| Session::relayed(dialect.clone(), identity(seat, size, now)));
        Self::new(dialect, peers.collect(), to_all, now)
    }

    /// A room whose peers have joined and know each other; of each pair the first offers.
    fn given(dialect: &'a Arc<CompiledDialect>, size: u16, to_all: bool, now: Instant) -> Self {
        let ids: Vec<Value> = (0..size).map(|seat| format!("peer-{seat}").into()).collect();
        let mut room = Self::new(dialect, joined_peers(dialect, &ids, size, now), to_all, now);
        for (one, other) in room.pairs() {
            room.offer(one, other);
        }
        room
    }

    fn pairs(&self) -> Vec<(usize, usize)> {
        let size = self.peers.len();
        (0..size).flat_map(|one| (one + 1..size).map(move |other| (one, other))).collect()
    }

    /// Joins one peer after the other, as far as a relay lets them.
    fn join(&mut self) {
        for index in 0..self.peers.len() {
            self.peers[index].handle(self.now, Input::Open);
            self.peers[index].handle(self.now, Input::Turn);
            self.drain();
            let until = self.now + JOIN_MAX;
            while let Some(wake) = self.peers[index].wake_at().filter(|wake| !self.joined[index] && *wake <= until) {
                self.now = self.now.max(wake);
                self.peers[index].handle(self.now, Input::Wake);
                self.drain();
            }
        }
    }

    /// Reasons why the room did not meet by what its peers say.
    fn stuck(&self) -> Vec<String> {
        if let Some((index, peer)) = self.peers.iter().enumerate().find(|(index, _)| !self.joined[*index]) {
            let waits = peer.waits_for().unwrap_or_else(|| "its join does not end".to_owned());
            return vec![format!("a relay alone lets no peer join: peer {index}: {waits}")];
        }
        let unmet = self
            .pairs()
            .into_iter()
            .find(|(one, other)| !self.met.contains(&(*one, *other)) && !self.met.contains(&(*other, *one)));
        let told = |(one, other)| format!("a relay alone tells peers {one} and {other} nothing of each other");
        unmet.map(told).into_iter().collect()
    }

    /// Delivers frames until none is on its way.
    fn drain(&mut self) {
        loop {
            let mut had_outputs = false;
            (0..self.peers.len()).for_each(|index| had_outputs |= self.take_outputs(index));
            let Some((to, text)) = self.frames.pop_front() else {
                match had_outputs {
                    true => continue,
                    false => return,
                }
            };
            self.delivered += 1;
            if self.delivered > FRAMES_MAX {
                self.frames.clear();
                self.astray.insert("the peers answer each other for ever".to_owned());
                return;
            }
            self.peers[to].handle(self.now, Input::Frame(&text));
        }
    }

    /// Takes all that a peer has to say; false if that was nothing.
    fn take_outputs(&mut self, index: usize) -> bool {
        let mut had_outputs = false;
        while let Some(output) = self.peers[index].poll() {
            had_outputs = true;
            match output {
                // A broker answers what is said to it alone, and passes on nothing of it.
                Output::Send { text, .. } if self.dialect.connect.mqtt.is_some() && !text.contains("\"topic\":") => {
                    let answer = text.contains("\"subscribe\":").then(|| (index, "{\"suback\":[0]}".to_owned()));
                    self.frames.extend(answer);
                }
                Output::Send { text, to, .. } => {
                    let addressee = to.filter(|_| !self.to_all).and_then(|to| self.index_of(&to));
                    let others =
                        (0..self.peers.len()).filter(|other| addressee.map_or(*other != index, |to| *other == to));
                    self.frames.extend(others.map(|other| (other, text.clone())));
                }
                Output::Share { name, json } => {
                    for other in (0..self.peers.len()).filter(|other| *other != index) {
                        self.peers[other].handle(self.now, Input::Shared { name: &name, json: &json });
                    }
                }
                Output::Heard(heard) => self.hear(index, heard),
                _ => {}
            }
        }
        had_outputs
    }

    fn index_of(&self, id: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer.own_id() == id)
    }

    fn hear(&mut self, index: usize, heard: Heard<String>) {
        let other = heard.who().and_then(|id| self.index_of(id));
        match (heard, other) {
            (Heard::Joined, _) => {
                self.joined[index] = true;
                let own = self.peers[index].own_id();
                for other in (0..self.peers.len()).filter(|other| *other != index && self.joined[*other]) {
                    let id = self.peers[other].own_id();
                    self.peers[index].handle(self.now, Input::Present { id: &id, earlier: true });
                    self.peers[other].handle(self.now, Input::Present { id: &own, earlier: false });
                }
            }
            (Heard::Met { start, initiate, .. }, Some(other)) => {
                self.met.insert((index, other));
                if start && initiate {
                    self.offer(index, other);
                }
            }
            (Heard::Signal { signal, polite, .. }, Some(other)) => self.hear_signal(index, other, &signal, polite),
            _ => {}
        }
    }

    fn offer(&mut self, index: usize, other: usize) {
        if !self.offered.contains(&(other, index)) && self.offered.insert((index, other)) {
            self.say(index, other, part(index, other, "offer"));
        }
    }

    fn hear_signal(&mut self, index: usize, other: usize, signal: &Signal, polite: bool) {
        let said = ["offer", "answer", "candidate"].into_iter().find(|name| is_of(&part(other, index, name), signal));
        let Some(name) = said else {
            let from = self.peers[other].own_id();
            self.astray.insert(format!("peer {index} takes what is for another peer, as of {from}"));
            return;
        };
        let has_offered = self.offered.contains(&(index, other));
        if name == "offer" && has_offered && !polite {
            return;
        }
        let is_first = self.heard.insert((other, index, name));
        if is_first && name == "offer" {
            self.offered.remove(&(index, other));
            self.say(index, other, part(index, other, "answer"));
        }
        if is_first && name != "candidate" && self.dialect.trickle {
            self.say(index, other, part(index, other, "candidate"));
        }
    }

    fn say(&mut self, index: usize, other: usize, signal: Signal) {
        let to = self.peers[other].own_id();
        self.peers[index].handle(self.now, Input::Say(Say::Signal { to, signal }));
    }

    /// Of each pair what its negotiation lacks.
    fn lacks(&self) -> Vec<Option<String>> {
        let has = |from: usize, to: usize, name| self.heard.contains(&(from, to, name));
        let lack = |(one, other): &(usize, usize)| {
            let (from, to) = if has(*other, *one, "offer") { (*other, *one) } else { (*one, *other) };
            let mut parts = vec![("offer", from, to), ("answer", to, from)];
            if self.dialect.trickle {
                parts.extend([("candidate", from, to), ("candidate", to, from)]);
            }
            let missing = parts.into_iter().find(|(name, from, to)| !has(*from, *to, name));
            missing.map(|(name, from, to)| format!("no {name} of peer {from} reached peer {to}"))
        };
        let mut lacks: Vec<Option<String>> = self.pairs().iter().map(lack).collect();
        // Whoever takes another's description has an edge that fails, whatever else came.
        lacks.iter_mut().zip(self.astray.iter()).for_each(|(lack, astray)| *lack = Some(astray.clone()));
        lacks
    }
}

/// A part of the negotiation that tells by its content of whom and for whom it is.
fn part(from: usize, to: usize, name: &str) -> Signal {
    let text = format!("{name} {from} {to}");
    let sdp = format!("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns={text}\r\nt=0 0\r\n");
    match name {
        "offer" => Signal::Offer { sdp },
        "answer" => Signal::Answer { sdp },
        _ => Signal::Candidate(Candidate {
            candidate: format!("candidate:1 1 udp {} 127.0.0.1 9 typ host", 1000 * from + to + 1),
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: None,
        }),
    }
}
