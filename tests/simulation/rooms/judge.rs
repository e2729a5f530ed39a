//! Watches a run, and knows the rules: what may never happen, and what has to have happened at the end.

use super::scenario::{Fate, Scenario};
use meshload::driver::{OutgoingFrame, Output};
use meshload::vocabulary::{
    EdgeEvent, EngineCommand, Event, EventKind, Failure, Initiator, PeerEvent, PeerIndex, Phase, Place, Reason, Seat,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// When the later of two began so long after the other, both know who is the newcomer.
const CLEAR_GAP: Duration = Duration::from_millis(700);

/// The bytes that a peer may say unasked, and for each byte that it hears.
const SAID_BYTES_MAX: usize = 8 * 1024;
const SAID_PER_HEARD_BYTE: usize = 2;

#[derive(Default)]
pub struct Judge {
    ends: BTreeMap<(PeerIndex, Seat), End>,
    peers: BTreeMap<PeerIndex, Bearing>,
    faults: Vec<String>,
    /// Every fact with its time, for the comparison of two runs.
    pub diary: Vec<(Duration, Place, String)>,
    /// The same facts, for the books.
    pub events: Vec<Event>,
}

/// Rooms have at most `size` seats, and their peers are consecutive.
fn is_of_room(peer: PeerIndex, place: Place, size: u32) -> bool {
    let first = place.neighbour(Seat(0)).0;
    (first..first + size).contains(&peer.0)
}

/// The events of one side of an edge.
#[derive(Debug, Default)]
struct End {
    opened: Option<Duration>,
    failed: Option<(Duration, Failure)>,
    /// Given up without a word, as the other said goodbye before the channel could open.
    dropped: Option<Duration>,
    /// This side's last offer counts, or it accepted the other's.
    offers: bool,
    answered: bool,
    glare: u32,
}

/// The events of a peer as a whole.
#[derive(Debug, Default)]
struct Bearing {
    joined: Option<Duration>,
    ended: Option<Duration>,
    frames: usize,
    joins: usize,
    said_bytes: usize,
    heard_bytes: usize,
}

impl Judge {
    pub fn fault(&mut self, at: Duration, timeline: String) {
        self.faults.push(format!("{at:?} {timeline}"));
    }

    /// The peer comes back: what it and the others did about each other belongs to another session.
    pub fn renew(&mut self, place: Place) {
        self.peers.remove(&place.peer);
        self.ends.retain(|(own, seat), _| *own != place.peer && (*seat != place.seat || !is_of_room(*own, place, 8)));
    }

    /// Broken rules, in the order of their time.
    pub fn breaches(&self) -> &[String] {
        &self.faults
    }

    /// A frame reaches a peer.
    pub fn hear(&mut self, place: Place, bytes: usize) {
        self.peers.entry(place.peer).or_default().heard_bytes += bytes;
    }

    /// Takes one effect of a peer. `has_socket`: it can say something.
    pub fn watch(&mut self, at: Duration, place: Place, output: &Output, has_socket: bool) {
        let peer = self.peers.entry(place.peer).or_default();
        if peer.ended.is_some()
            && !matches!(output, Output::Event(EventKind::Peer(PeerEvent::Frame { .. })) | Output::Close)
        {
            self.fault(at, format!("{} does something after its end: {output:?}", place.peer));
            return;
        }
        match output {
            Output::Say(OutgoingFrame { text, .. }) => {
                peer.frames += 1;
                peer.said_bytes += text.len();
                peer.joins += usize::from(text.starts_with(r#"{"type":"user-joined-room""#));
                if !has_socket {
                    self.fault(at, format!("{} speaks without a socket: {text:.60}", place.peer));
                }
            }
            Output::Engine(seat, order) => self.order(at, place, *seat, order),
            Output::Event(what) => self.note(at, place, what),
            Output::Close => {
                if peer.ended.replace(at).is_some() {
                    self.fault(at, format!("{} closes twice", place.peer));
                }
            }
            Output::Dial | Output::Send(_) => {}
        }
    }

    fn order(&mut self, at: Duration, place: Place, seat: Seat, order: &EngineCommand) {
        let end = self.ends.entry((place.peer, seat)).or_default();
        match order {
            EngineCommand::Offer => end.offers = true,
            EngineCommand::Accept { .. } => {
                end.offers = false;
                end.dropped = None;
            }
            EngineCommand::Drop => end.dropped = Some(at),
            EngineCommand::Apply { .. } | EngineCommand::Admit(_) => {}
        }
    }

    fn note(&mut self, at: Duration, place: Place, what: &EventKind) {
        // An instant differs from run to run; when it began is in the first column.
        let entry =
            if let EventKind::Peer(PeerEvent::Began { .. }) = what { "Began".to_owned() } else { format!("{what:?}") };
        self.diary.push((at, place, entry));
        match what {
            EventKind::Peer(PeerEvent::Joined) => {
                self.peers.entry(place.peer).or_default().joined.get_or_insert(at);
            }
            EventKind::Edge { other, event: EdgeEvent::Open } => {
                let end = self.ends.entry((place.peer, *other)).or_default();
                if end.opened.is_some() || end.failed.is_some() {
                    let timeline = format!("{} opens to {other:?} again, or after a failure", place.peer);
                    self.fault(at, timeline);
                } else {
                    end.opened = Some(at);
                }
            }
            EventKind::Edge { other, event: EdgeEvent::Failed { failure } } => {
                let end = self.ends.entry((place.peer, *other)).or_default();
                if end.opened.is_some() || end.failed.is_some() {
                    let timeline = format!("{} fails to {other:?} after it was decided: {failure}", place.peer);
                    self.fault(at, timeline);
                } else {
                    end.failed = Some((at, failure.clone()));
                }
            }
            EventKind::Edge { other, event: EdgeEvent::Answered } => {
                self.ends.entry((place.peer, *other)).or_default().answered = true;
            }
            EventKind::Edge { other, event: EdgeEvent::Glare } => {
                self.ends.entry((place.peer, *other)).or_default().glare += 1;
            }
            _ => {}
        }
    }

    /// When the edge was open on both sides.
    pub fn opened(&self, one: Place, two: Place) -> Option<Duration> {
        let opened = |own: Place, other: Place| self.ends.get(&(own.peer, other.seat))?.opened;
        Some(opened(one, two)?.max(opened(two, one)?))
    }

    /// Everything that is wrong with the run, once it is over.
    pub fn verdict(&self, scenario: &Scenario) -> Vec<String> {
        let mut faults = self.faults.clone();
        let peers: Vec<_> = scenario.peers().collect();
        for (place, size, begin) in &peers {
            self.weigh_peer(scenario, *place, *size, *begin, &mut faults);
            for seat in (place.seat.0 + 1..*size).map(Seat) {
                let (other, _, other_begin) = peers[place.neighbour(seat).0 as usize];
                self.weigh_edge(scenario, (*place, *begin), (other, other_begin), &mut faults);
            }
        }
        faults
    }

    fn weigh_peer(&self, scenario: &Scenario, place: Place, size: u16, begin: Duration, faults: &mut Vec<String>) {
        let Some(peer) = self.peers.get(&place.peer) else {
            faults.push(format!("{} did nothing at all", place.peer));
            return;
        };
        let decided = [peer.joined, peer.ended].into_iter().flatten().min();
        if decided.is_none_or(|at| at > begin + scenario.timeout) {
            faults.push(format!("{} neither joined nor ended in time: {peer:?}", place.peer));
        }
        // Of each neighbour: a reply, and an offer or answer, and again after glare, with three candidates each.
        let others = usize::from(size) - 1;
        let expected = 12 + peer.joins + others * 10;
        // A join is said again to each newcomer, and at most once a second to a list that lacks its sender.
        let life = peer.ended.unwrap_or_default().saturating_sub(begin);
        let joins_max = 2 + others + life.as_secs() as usize;
        if peer.frames > expected || peer.joins > joins_max {
            faults.push(format!("{} storms: {peer:?}, expected {expected} frames, {joins_max} joins", place.peer));
        }
        // A peer says its join to a server that says nothing; all else answers what it hears.
        let bytes_max = SAID_BYTES_MAX + SAID_PER_HEARD_BYTE * peer.heard_bytes;
        if peer.said_bytes > bytes_max {
            faults.push(format!("{} storms: {peer:?}, expected {bytes_max} bytes", place.peer));
        }
    }

    fn weigh_edge(
        &self,
        scenario: &Scenario,
        (one, one_begin): (Place, Duration),
        (two, two_begin): (Place, Duration),
        faults: &mut Vec<String>,
    ) {
        let nothing = End::default();
        let end = |own: Place, other: Place| self.ends.get(&(own.peer, other.seat)).unwrap_or(&nothing);
        let (first, second) = (end(one, two), end(two, one));
        let mut fault = |timeline: &str| {
            faults.push(format!("{} – {}: {timeline}\n    {first:?}\n    {second:?}", one.peer, two.peer));
        };
        let deadline = one_begin.max(two_begin) + scenario.timeout;
        for (own, end) in [(one, first), (two, second)] {
            if self.decided(own, end).is_none_or(|at| at > deadline) {
                fault("not decided in time on both sides");
            }
        }
        if first.opened.is_some() && second.opened.is_some() && (first.offers == second.offers) {
            fault("open, and not with exactly one offerer");
        }
        if scenario.initiator == Initiator::LowerId && first.glare + second.glare > 0 {
            fault("glare, though the lower id offers");
        }
        if scenario.must_open() {
            if first.opened.is_none() || second.opened.is_none() {
                fault("nothing went wrong, and it did not open on both sides");
            }
            if first.answered == second.answered {
                fault("not answered exactly once");
            }
            let clear = one_begin.abs_diff(two_begin) >= CLEAR_GAP + scenario.settle;
            let newcomer_offers = if one_begin > two_begin { first.offers } else { second.offers };
            match scenario.initiator {
                Initiator::LowerId if !first.offers => fault("the lower id did not offer"),
                Initiator::Existing if clear && newcomer_offers => fault("the newcomer offered"),
                Initiator::Newcomer if clear && !newcomer_offers => fault("the newcomer did not offer"),
                _ => {}
            }
        }
        if scenario.is_healthy() && scenario.is_hopeless() {
            let hopeless = Some((deadline, Failure::new(Phase::Discovery, Reason::TimedOut, "")));
            if first.failed != hopeless || second.failed != hopeless {
                fault("a relay has no lists, and discovery did not time out");
            }
        }
        // A peer that is never heard may be heard of, but nothing can open to it.
        let deafening = |place: Place| matches!(scenario.fates[place.peer.0 as usize], Fate::Mute | Fate::Unanswered);
        if !scenario.no_webrtc && (deafening(one) || deafening(two)) && first.opened.or(second.opened).is_some() {
            fault("open, though one of the two could say nothing");
        }
    }

    /// When this side had nothing more to wait for.
    fn decided(&self, own: Place, end: &End) -> Option<Duration> {
        let failed = end.failed.as_ref().map(|(at, _)| *at);
        let ended = self.peers.get(&own.peer).and_then(|peer| peer.ended);
        [end.opened, failed, end.dropped, ended].into_iter().flatten().min()
    }
}
