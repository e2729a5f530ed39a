//! A stand-in for WebRTC: two engines come to an understanding by their descriptions, after delays, or not at all.

use meshload::vocabulary::{Candidate, EngineCommand, EngineEvent, PeerIndex, Reason, Seat};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The beginning of a description: a signal without it is no SDP.
const SECTION: &str = "m=application ";

/// One side of a pair, and who is at the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Side {
    pub own: PeerIndex,
    pub own_seat: Seat,
    pub other: PeerIndex,
    pub other_seat: Seat,
}

impl Side {
    pub fn flipped(self) -> Self {
        Self { own: self.other, own_seat: self.other_seat, other: self.own, other_seat: self.own_seat }
    }
}

/// A notice on its way to `side`; worthless once that side's connection is another one.
#[derive(Debug)]
pub struct Posted {
    pub at: Instant,
    pub side: Side,
    pub connection: u64,
    pub notice: EngineEvent,
}

/// All connections of all peers.
pub struct Links {
    draws: ChaCha8Rng,
    lame_per_mille: u32,
    connections: BTreeMap<Side, Connection>,
    /// Connections made so far, so that each has a number of its own.
    made: u64,
    posts: Vec<Posted>,
    /// Rules that an order broke.
    faults: Vec<String>,
}

struct Connection {
    number: u64,
    /// The number of the connection at the other end, once known.
    paired: Option<u64>,
    /// The two found each other: from now on one notices when the other goes.
    connected: bool,
    /// Notices of one connection keep their order.
    last: Instant,
}

impl Links {
    pub fn new(draws: ChaCha8Rng, lame_per_mille: u32) -> Self {
        Self { draws, lame_per_mille, connections: BTreeMap::new(), made: 0, posts: vec![], faults: vec![] }
    }

    pub fn take_posts(&mut self) -> Vec<Posted> {
        std::mem::take(&mut self.posts)
    }

    pub fn take_faults(&mut self) -> Vec<String> {
        std::mem::take(&mut self.faults)
    }

    pub fn order(&mut self, now: Instant, side: Side, order: EngineCommand) {
        let (own, other) = (side.own.0, side.other.0);
        if let Some(connection) = self.connections.get_mut(&side) {
            connection.last = connection.last.max(now);
        }
        match order {
            EngineCommand::Offer => {
                let number = self.connect(now, side, None);
                self.post(side, 5, EngineEvent::Offer { sdp: format!("{SECTION}offer {own} {other} {number} 0") });
                self.gather(side);
            }
            EngineCommand::Accept { sdp } => {
                let Some((theirs, _)) = self.read(side, "offer", &sdp) else { return };
                let number = self.connect(now, side, Some(theirs));
                self.post(
                    side,
                    5,
                    EngineEvent::Answer { sdp: format!("{SECTION}answer {own} {other} {number} {theirs}") },
                );
                self.gather(side);
            }
            EngineCommand::Apply { sdp } => self.apply(side, &sdp),
            EngineCommand::Admit(candidate) => {
                self.read(side, "candidate", &candidate.candidate);
            }
            EngineCommand::Drop => self.forget(now, side),
        }
    }

    /// `true`: the notice still concerns the connection that the side has now.
    pub fn is_current(&self, posted: &Posted) -> bool {
        self.connections.get(&posted.side).is_some_and(|connection| connection.number == posted.connection)
    }

    pub fn close(&mut self, now: Instant, own: PeerIndex) {
        let sides: Vec<Side> = self.connections.keys().copied().filter(|side| side.own == own).collect();
        for side in sides {
            self.forget(now, side);
        }
    }

    fn connect(&mut self, now: Instant, side: Side, paired: Option<u64>) -> u64 {
        if self.connections.contains_key(&side) {
            self.faults.push(format!("{side:?} makes a second connection without dropping the first"));
        }
        self.made += 1;
        self.connections.insert(side, Connection { number: self.made, paired, connected: false, last: now });
        self.made
    }

    fn gather(&mut self, side: Side) {
        let (own, other, number) = (side.own.0, side.other.0, self.made);
        for _ in 0..self.draws.random_range(0..=3) {
            let candidate = format!("candidate {own} {other} {number} 0");
            let candidate = Candidate { candidate, mid: Some("0".to_owned()), line: Some(0), ufrag: None };
            self.post(side, 3, EngineEvent::Candidate(candidate));
        }
        self.post(side, 3, EngineEvent::Gathered);
    }

    fn apply(&mut self, side: Side, sdp: &str) {
        let Some((theirs, to)) = self.read(side, "answer", sdp) else { return };
        let Some(connection) = self.connections.get_mut(&side).filter(|connection| connection.number == to) else {
            self.faults.push(format!("{side:?} applies an answer that is not to its offer: {sdp}"));
            return;
        };
        connection.paired = Some(theirs);
        self.post(side, 5, EngineEvent::Applied);
        if self.draws.random_ratio(self.lame_per_mille, 1_000) {
            if self.draws.random() {
                self.post(side, 3_000, EngineEvent::Failed { reason: Reason::IceFailed, detail: "".into() });
            }
            return;
        }
        let far = side.flipped();
        let applied = self.connections[&side].last;
        let Some(their_end) = self.connections.get_mut(&far).filter(|connection| connection.number == theirs) else {
            return;
        };
        their_end.last = their_end.last.max(applied);
        their_end.connected = true;
        if let Some(own_end) = self.connections.get_mut(&side) {
            own_end.connected = true;
        }
        for notice in [EngineEvent::IceUp, EngineEvent::DtlsUp, EngineEvent::Open] {
            self.post(side, 40, notice.clone());
            self.post(far, 40, notice);
        }
    }

    /// Forgets the connection of one side; the other one's channel closes, if it is open.
    fn forget(&mut self, now: Instant, side: Side) {
        let Some(gone) = self.connections.remove(&side) else { return };
        let far = side.flipped();
        if let Some(left) = self.connections.get_mut(&far)
            && left.paired == Some(gone.number)
            && left.connected
        {
            left.last = left.last.max(now);
            self.post(far, 40, EngineEvent::Closed);
        }
    }

    fn post(&mut self, side: Side, millis_max: u64, notice: EngineEvent) {
        let wait = Duration::from_micros(self.draws.random_range(0..=millis_max * 1_000));
        let connection = self.connections.get_mut(&side).expect("a connection was just made or found");
        connection.last += wait;
        self.posts.push(Posted { at: connection.last, side, connection: connection.number, notice });
    }

    /// The two numbers in a description or candidate of the other of this pair: its own connection, and ours.
    fn read(&mut self, side: Side, what: &str, text: &str) -> Option<(u64, u64)> {
        let words: Vec<&str> = text.strip_prefix(SECTION).unwrap_or(text).split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|word: &&str| word.parse::<u64>().ok());
        let pair = (Some(u64::from(side.other.0)), Some(u64::from(side.own.0)));
        if words[0] != what || (number(1), number(2)) != pair {
            self.faults.push(format!("{side:?} was given what is not of its pair: {text}"));
            return None;
        }
        number(3).zip(number(4))
    }
}
