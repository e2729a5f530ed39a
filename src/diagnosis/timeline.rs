//! The events of one room's handshake, indexed for the questions of a diagnosis.

mod alterations;
mod own_wait;

use super::edge::failures::of_failure;
use crate::vocabulary::{
    Concern, EdgeEvent, Event, EventKind, Failure, FrameKind, PeerEvent, Phase, Reason, Seat, SignalDigest, SignalPart,
};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A message sent this soon after its receiver joined may have overtaken its subscriptions; its loss proves nothing.
pub(super) const JUST_JOINED: Duration = Duration::from_millis(20);

/// The handshake of a room.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    size: u16,
    start: Option<Instant>,
    /// The number of the peer at seat 0 in reports; the others follow.
    first: u32,
    /// Message types that the server relays to the whole room.
    announcements: Vec<FrameKind>,
    peers: BTreeMap<Seat, PeerTimeline>,
    pairs: BTreeMap<(Seat, Seat), PairTimeline>,
    /// By edge, lower seat first: its first failure, which the recorder of a run counts, too.
    failures: BTreeMap<(Seat, Seat), Failure>,
    said: BTreeMap<(Seat, FrameKind), Instant>,
    heard: BTreeMap<(Seat, Seat, FrameKind), ArrivalChannel>,
    events: Vec<Event>,
    /// Positions in `events` of the texts of frames and the notes on them, which a run does not have.
    texts: Vec<usize>,
}

#[derive(Clone, Debug, Default)]
struct PeerTimeline {
    began: Option<Instant>,
    upgraded: Option<Instant>,
    joined: Option<Instant>,
    failed: bool,
}

/// The events of a pair that its first peer saw.
#[derive(Clone, Debug, Default)]
pub(super) struct PairTimeline {
    met: Option<Instant>,
    /// The offer is this peer's to make; known once it has met the other.
    initiates: bool,
    offers: bool,
    answered: Option<Instant>,
    ice: Option<Instant>,
    dtls: Option<Instant>,
    open: Option<Instant>,
    failed: bool,
    said: Vec<(SignalPart, SignalDigest)>,
    heard: Vec<(SignalPart, SignalDigest)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ArrivalChannel {
    Elsewhere,
    InPlace,
}

/// An announcement that a joined peer never received on its own channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub kind: FrameKind,
    pub from: Seat,
    pub to: Seat,
    /// It arrived on another channel.
    pub elsewhere: bool,
}

/// The progress of the room's edges in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshProgress {
    pub phase: Phase,
    /// Edges that got through this phase.
    pub reached: u32,
    pub edges: u32,
    /// Time of the slowest edge that got through this phase, counted from the end of the phase before.
    pub took: Option<Duration>,
}

impl Timeline {
    pub fn new(size: u16, announcements: Vec<FrameKind>) -> Self {
        Self { size, announcements, ..Self::default() }
    }

    /// Sets the number of the room's first peer in reports; 0 by default.
    pub fn numbered_from(mut self, first: u32) -> Self {
        self.first = first;
        self
    }

    /// The peer's number in reports.
    pub fn number(&self, seat: Seat) -> u32 {
        self.first + u32::from(seat.0)
    }

    /// Adds an event; events come in order of time.
    pub fn record(&mut self, event: &Event) {
        let (at, own) = (event.at, event.place.seat);
        self.start.get_or_insert(at);
        if let EventKind::Peer(PeerEvent::Read { .. } | PeerEvent::Written { .. } | PeerEvent::Note { .. }) = event.kind
        {
            self.texts.push(self.events.len());
        }
        self.events.push(event.clone());
        // An observer has no edges.
        if own.0 >= self.size {
            return;
        }
        let peer = self.peers.entry(own).or_default();
        match &event.kind {
            EventKind::Peer(PeerEvent::Began { .. }) => peer.began = Some(at),
            EventKind::Peer(PeerEvent::Upgraded) => peer.upgraded = Some(at),
            EventKind::Peer(PeerEvent::Joined) => peer.joined = Some(at),
            EventKind::Peer(PeerEvent::PeerFailed { failure }) => {
                peer.failed = true;
                self.seats().filter(|other| *other != own).for_each(|other| self.fail(own, other, failure));
            }
            EventKind::Peer(PeerEvent::Said { kind, to: None, .. }) => {
                self.said.insert((own, *kind), at);
            }
            EventKind::Peer(PeerEvent::Frame { kind, concern, .. }) => self.frame(own, *kind, *concern),
            EventKind::Edge { other, event: EdgeEvent::Signal { said, part, digest, .. } } => {
                let pair = self.pairs.entry((own, *other)).or_default();
                let list = if *said { &mut pair.said } else { &mut pair.heard };
                list.push((*part, *digest));
            }
            what => self.pair(at, own, what),
        }
    }

    fn frame(&mut self, own: Seat, kind: FrameKind, concern: Concern) {
        let (from, place) = match concern {
            Concern::Me { from: Some(from) } => (from, ArrivalChannel::InPlace),
            Concern::Elsewhere { from: Some(from) } => (from, ArrivalChannel::Elsewhere),
            _ => return,
        };
        let heard = self.heard.entry((from, own, kind)).or_insert(place);
        *heard = (*heard).max(place);
    }

    fn pair(&mut self, at: Instant, own: Seat, what: &EventKind) {
        let EventKind::Edge { other, event } = what else { return };
        let pair = self.pairs.entry((own, *other)).or_default();
        let time = match event {
            EdgeEvent::Met { initiates } => {
                pair.initiates = *initiates;
                &mut pair.met
            }
            EdgeEvent::Answered => &mut pair.answered,
            EdgeEvent::IceUp => &mut pair.ice,
            EdgeEvent::DtlsUp => &mut pair.dtls,
            EdgeEvent::Open => &mut pair.open,
            EdgeEvent::Offers => return pair.offers = true,
            EdgeEvent::Failed { failure } => {
                pair.failed = true;
                return self.fail(own, *other, failure);
            }
            _ => return,
        };
        time.get_or_insert(at);
    }

    /// Keeps the first failure of an edge; one that timed out did so in the phase of its first unmet milestone. An end
    /// that has made its answer begins ICE, and fails there if the answer never arrives.
    fn fail(&mut self, own: Seat, other: Seat, failure: &Failure) {
        let (low, high) = (own.min(other), own.max(other));
        let milestones = self.milestones(low, high);
        let Some(unmet) = (1..8).find(|index| milestones[*index].is_none()) else { return };
        let timed_out = failure.reason == Reason::TimedOut;
        let stuck = Phase::OF_AN_EDGE[unmet - 1];
        let is_unanswered = failure.phase > Phase::Negotiation && stuck == Phase::Negotiation;
        let phase = if timed_out || is_unanswered { stuck } else { failure.phase };
        let first = self.failures.entry((low, high)).or_insert_with(|| Failure { phase, ..failure.clone() });
        // The step of a stopped join is known to one end alone, whose timer need not fire first.
        if timed_out && first.reason == Reason::TimedOut && first.detail.is_empty() {
            first.detail = failure.detail.clone();
        }
    }

    pub fn size(&self) -> u16 {
        self.size
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The events with the text of a frame, or a note on one.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Event> {
        self.texts.iter().map(|at| &self.events[*at])
    }

    /// The number of the room's edges.
    pub fn planned(&self) -> u32 {
        let size = u32::from(self.size);
        size * size.saturating_sub(1) / 2
    }

    /// The number of edges open on both sides.
    pub fn opened(&self) -> u32 {
        self.edges().filter(|(one, two)| self.is_open(*one, *two) && self.is_open(*two, *one)).count() as u32
    }

    /// Every edge is open, or has failed on both sides.
    pub fn is_decided(&self) -> bool {
        let decided = |own: Seat, other: Seat| {
            let pair = self.pairs.get(&(own, other));
            self.peers.get(&own).is_some_and(|peer| peer.failed)
                || pair.is_some_and(|pair| pair.open.is_some() || pair.failed)
        };
        self.edges().all(|(one, two)| decided(one, two) && decided(two, one))
    }

    /// No announcement and no candidate is outstanding, so no further event is due.
    pub fn is_complete(&self) -> bool {
        self.losses().is_empty()
            && self.directions().all(|(own, other)| self.unheard(own, other, SignalPart::Candidate) == 0)
    }

    pub fn seats(&self) -> impl Iterator<Item = Seat> + use<> {
        (0..self.size).map(Seat)
    }

    pub fn edges(&self) -> impl Iterator<Item = (Seat, Seat)> + use<> {
        let size = self.size;
        (0..size).flat_map(move |one| (one + 1..size).map(move |two| (Seat(one), Seat(two))))
    }

    /// Every edge in both directions.
    pub fn directions(&self) -> impl Iterator<Item = (Seat, Seat)> + use<> {
        self.edges().flat_map(|(one, two)| [(one, two), (two, one)])
    }

    pub(super) fn is_open(&self, own: Seat, other: Seat) -> bool {
        self.pairs.get(&(own, other)).is_some_and(|pair| pair.open.is_some())
    }

    /// True if some peer's WebSocket was open.
    pub fn any_connected(&self) -> bool {
        self.peers.values().any(|peer| peer.upgraded.is_some())
    }

    /// The failed edge whose failure names its own cause, or else that which stopped in the earliest phase.
    pub fn worst_edge(&self) -> Option<(Seat, Seat, Failure)> {
        let worst = self.failures.iter().min_by_key(|(_, failure)| (of_failure(failure).is_none(), failure.phase));
        worst.map(|((one, two), failure)| (*one, *two, failure.clone()))
    }

    /// The failure of the edge, by which both of its ends call it.
    pub(super) fn failure(&self, one: Seat, two: Seat) -> Option<&Failure> {
        self.failures.get(&(one.min(two), one.max(two)))
    }

    /// The failure of a peer as a whole, or its rejection: experiments add nothing to it.
    pub fn refusal(&self) -> Option<Failure> {
        self.worst_edge().map(|(_, _, failure)| failure).filter(|failure| of_failure(failure).is_some())
    }

    /// Tells if `own` has met `other`, and then if the offer is its own to make.
    pub(super) fn met(&self, own: Seat, other: Seat) -> Option<bool> {
        let pair = self.pairs.get(&(own, other))?;
        pair.met.map(|_| pair.initiates)
    }

    /// The number of parts that `own` sent to `other` and that did not arrive.
    pub fn unheard(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        self.count(own, other, part).saturating_sub(self.heard_by(own, other, part))
    }

    /// The number of parts that `own` sent to `other`.
    pub fn count(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        let said = self.pairs.get(&(own, other)).map_or(&[][..], |pair| &pair.said);
        said.iter().filter(|(kind, _)| *kind == part).count()
    }

    /// The number of parts of `own` that reached `other`.
    pub fn heard_by(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        let heard = self.pairs.get(&(other, own)).map_or(&[][..], |pair| &pair.heard);
        heard.iter().filter(|(kind, _)| *kind == part).count()
    }

    /// Announcements that did not reach a peer that had joined well before.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = vec![];
        for ((from, kind), at) in self.said.iter().filter(|((_, kind), _)| self.announcements.contains(kind)) {
            for (to, peer) in self.peers.iter().filter(|(to, _)| *to != from) {
                let could_hear = !peer.failed && peer.joined.is_some_and(|joined| joined + JUST_JOINED < *at);
                let heard = self.heard.get(&(*from, *to, *kind));
                if could_hear && heard != Some(&ArrivalChannel::InPlace) {
                    losses.push(Loss { kind: *kind, from: *from, to: *to, elsewhere: heard.is_some() });
                }
            }
        }
        losses
    }

    /// The progress of the edges, phase by phase.
    pub fn progress(&self) -> Vec<MeshProgress> {
        let milestones: Vec<[Option<Instant>; 8]> = self.edges().map(|(one, two)| self.milestones(one, two)).collect();
        let phase = |(index, phase): (usize, &Phase)| {
            let reached = milestones.iter().filter(|edge| edge[index + 1].is_some());
            // The engine `none` has no ICE and no DTLS: the time counts from the last milestone that was reached.
            let took = reached.clone().filter_map(|edge| {
                let before = edge[..=index].iter().flatten().max()?;
                Some(edge[index + 1]?.saturating_duration_since(*before))
            });
            MeshProgress {
                phase: *phase,
                reached: reached.clone().count() as u32,
                edges: self.planned(),
                took: took.max(),
            }
        };
        Phase::OF_AN_EDGE.iter().enumerate().map(phase).collect()
    }

    /// The milestones m0 to m7 of an edge (docs/spec/measurement.md).
    fn milestones(&self, one: Seat, two: Seat) -> [Option<Instant>; 8] {
        let no_peer = PeerTimeline::default();
        let no_pair = PairTimeline::default();
        let [a, b] = [one, two].map(|seat| self.peers.get(&seat).unwrap_or(&no_peer));
        let [ab, ba] = [(one, two), (two, one)].map(|pair| self.pairs.get(&pair).unwrap_or(&no_pair));
        let both = |a: Option<Instant>, b: Option<Instant>| Some(a?.max(b?));
        let offerer = if ba.offers { ba } else { ab };
        [
            both(a.began, b.began),
            both(a.upgraded, b.upgraded),
            both(a.joined, b.joined),
            (ab.offers || ba.offers).then_some(offerer.met).flatten(),
            offerer.answered,
            both(ab.ice, ba.ice),
            both(ab.dtls, ba.dtls),
            both(ab.open, ba.open),
        ]
    }

    pub fn start(&self) -> Option<Instant> {
        self.start
    }

    /// Time from when both peers of an edge had begun to the last event.
    pub(super) fn lasted(&self, edge: (Seat, Seat)) -> Option<Duration> {
        Some(self.events.last()?.at.saturating_duration_since(self.both_began(edge)?))
    }

    /// The later of the starts of two peers.
    fn both_began(&self, (one, two): (Seat, Seat)) -> Option<Instant> {
        let began = |seat: Seat| self.peers.get(&seat)?.began;
        Some(began(one)?.max(began(two)?))
    }

    /// Time from dial to open WebSocket; at least one round trip.
    pub(super) fn connect_time(&self, seat: Seat) -> Option<Duration> {
        let peer = self.peers.get(&seat)?;
        Some(peer.upgraded?.saturating_duration_since(peer.began?))
    }

    pub(super) fn upgraded_at(&self, seat: Seat) -> Option<Instant> {
        self.peers.get(&seat)?.upgraded
    }

    /// The last time at which `own` sent an announcement of this type.
    pub(super) fn said_at(&self, own: Seat, kind: FrameKind) -> Option<Instant> {
        self.said.get(&(own, kind)).copied()
    }

    /// True if an announcement of `from` reached `to` on its own channel, false if only on another; `None` if not at all.
    pub(super) fn heard_in_place(&self, from: Seat, to: Seat, kind: FrameKind) -> Option<bool> {
        self.heard.get(&(from, to, kind)).map(|place| *place == ArrivalChannel::InPlace)
    }

    pub(super) fn joined_at(&self, seat: Seat) -> Option<Instant> {
        self.peers.get(&seat)?.joined
    }

    pub(super) fn announces(&self, kind: FrameKind) -> bool {
        self.announcements.contains(&kind)
    }
}
