//! One handshake of a whole room, folded from its events into what a diagnosis asks about.

use crate::vocabulary::event::{Concern, Event, SignalPart, What};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::FrameKind;
use crate::vocabulary::phase::Phase;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Words said so soon after their hearer joined may have overtaken its subscriptions, and prove nothing.
const JUST_JOINED: Duration = Duration::from_millis(20);

/// A room's handshake.
#[derive(Clone, Debug)]
pub struct Timeline {
    size: u16,
    start: Option<Instant>,
    /// What reports call the peer at seat 0; the others follow.
    first: u32,
    /// Types that the server relays to the whole room.
    announcements: Vec<FrameKind>,
    peers: BTreeMap<Seat, PeerTimeline>,
    pairs: BTreeMap<(Seat, Seat), PairTimeline>,
    said: BTreeMap<(Seat, FrameKind), Instant>,
    heard: BTreeMap<(Seat, Seat, FrameKind), Where>,
    events: Vec<Event>,
}

#[derive(Clone, Debug, Default)]
struct PeerTimeline {
    began: Option<Instant>,
    upgraded: Option<Instant>,
    joined: Option<Instant>,
    failed: Option<Failure>,
}

/// A pair as the first of the two sees it.
#[derive(Clone, Debug, Default)]
pub(super) struct PairTimeline {
    met: Option<Instant>,
    offers: bool,
    answered: Option<Instant>,
    ice: Option<Instant>,
    dtls: Option<Instant>,
    open: Option<Instant>,
    failed: Option<Failure>,
    said: Vec<(SignalPart, u64)>,
    heard: Vec<(SignalPart, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Where {
    Elsewhere,
    InPlace,
}

/// An announcement that somebody who was there to hear it never heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    pub kind: FrameKind,
    pub from: Seat,
    pub to: Seat,
    /// It came on another channel.
    pub elsewhere: bool,
}

/// How far the edges of the room came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshProgress {
    pub phase: Phase,
    /// Edges that got through this phase.
    pub reached: u32,
    pub edges: u32,
    /// From the end of the phase before, of the slowest edge that got through both.
    pub took: Option<Duration>,
}

impl Timeline {
    pub fn new(size: u16, announcements: Vec<FrameKind>) -> Self {
        Self {
            size,
            start: None,
            first: 0,
            announcements,
            peers: BTreeMap::new(),
            pairs: BTreeMap::new(),
            said: BTreeMap::new(),
            heard: BTreeMap::new(),
            events: vec![],
        }
    }

    /// Of a room whose first peer reports call `first`.
    pub fn numbered_from(mut self, first: u32) -> Self {
        self.first = first;
        self
    }

    /// What reports call a peer.
    pub fn number(&self, seat: Seat) -> u32 {
        self.first + u32::from(seat.0)
    }

    pub fn tell(&mut self, event: &Event) {
        let (at, own) = (event.at, event.place.seat);
        self.start.get_or_insert(at);
        self.events.push(event.clone());
        let peer = self.peers.entry(own).or_default();
        match &event.what {
            What::Began { .. } => peer.began = Some(at),
            What::Upgraded => peer.upgraded = Some(at),
            What::Joined => peer.joined = Some(at),
            What::PeerFailed { failure } => peer.failed = Some(failure.clone()),
            What::Said { kind, to: None, .. } => {
                self.said.insert((own, *kind), at);
            }
            What::Frame { kind, concern, .. } => self.frame(own, *kind, *concern),
            What::Signal { other, said, part, digest } => {
                let pair = self.pairs.entry((own, *other)).or_default();
                let list = if *said { &mut pair.said } else { &mut pair.heard };
                list.push((*part, *digest));
            }
            what => self.pair(at, own, what),
        }
    }

    fn frame(&mut self, own: Seat, kind: FrameKind, concern: Concern) {
        let (from, place) = match concern {
            Concern::Me { from: Some(from) } => (from, Where::InPlace),
            Concern::Elsewhere { from: Some(from) } => (from, Where::Elsewhere),
            _ => return,
        };
        let heard = self.heard.entry((from, own, kind)).or_insert(place);
        *heard = (*heard).max(place);
    }

    fn pair(&mut self, at: Instant, own: Seat, what: &What) {
        let (What::Met { other }
        | What::Offers { other }
        | What::Answered { other }
        | What::IceUp { other }
        | What::DtlsUp { other }
        | What::Open { other }
        | What::EdgeFailed { other, .. }) = what
        else {
            return;
        };
        let pair = self.pairs.entry((own, *other)).or_default();
        let time = match what {
            What::Met { .. } => &mut pair.met,
            What::Answered { .. } => &mut pair.answered,
            What::IceUp { .. } => &mut pair.ice,
            What::DtlsUp { .. } => &mut pair.dtls,
            What::Open { .. } => &mut pair.open,
            What::EdgeFailed { failure, .. } => return pair.failed = Some(failure.clone()),
            _ => return pair.offers = true,
        };
        time.get_or_insert(at);
    }

    pub fn size(&self) -> u16 {
        self.size
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Edges that the room has.
    pub fn planned(&self) -> u32 {
        let size = u32::from(self.size);
        size * size.saturating_sub(1) / 2
    }

    /// Edges open on both sides.
    pub fn opened(&self) -> u32 {
        self.edges().filter(|(one, two)| self.is_open(*one, *two) && self.is_open(*two, *one)).count() as u32
    }

    /// Every edge is open, or has failed on both sides.
    pub fn is_decided(&self) -> bool {
        let decided = |own: Seat, other: Seat| {
            let gone = self.peers.get(&own).is_some_and(|peer| peer.failed.is_some());
            gone || self.pairs.get(&(own, other)).is_some_and(|pair| pair.open.is_some() || pair.failed.is_some())
        };
        self.edges().all(|(one, two)| decided(one, two) && decided(two, one))
    }

    /// All that was said to somebody who could hear it has been heard: nothing more will come.
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

    /// Every edge, from both of its ends.
    pub fn directions(&self) -> impl Iterator<Item = (Seat, Seat)> + use<> {
        self.edges().flat_map(|(one, two)| [(one, two), (two, one)])
    }

    fn is_open(&self, own: Seat, other: Seat) -> bool {
        self.pairs.get(&(own, other)).is_some_and(|pair| pair.open.is_some())
    }

    /// Why a peer failed as a whole, and which.
    pub fn peer_failure(&self) -> Option<(Seat, &Failure)> {
        self.peers.iter().find_map(|(seat, peer)| Some((*seat, peer.failed.as_ref()?)))
    }

    /// Why a peer failed as a whole, or was turned away after it had said its join.
    pub fn refusal(&self) -> Option<Failure> {
        let of_pairs = || self.pairs.values().filter_map(|pair| pair.failed.as_ref());
        let rejected = || of_pairs().find(|failure| failure.reason == Reason::Rejected);
        self.peer_failure().map(|(_, failure)| failure).or_else(rejected).cloned()
    }

    /// Some peer had a connection.
    pub fn anybody_connected(&self) -> bool {
        self.peers.values().any(|peer| peer.upgraded.is_some())
    }

    /// Of the edges that failed, the one that came least far, with its phase and the failure.
    pub fn worst_edge(&self) -> Option<(Seat, Seat, Failure)> {
        let failure = |(one, two): (Seat, Seat)| {
            let side = |own: Seat, other: Seat| self.pairs.get(&(own, other));
            let (first, second) = (side(one, two), side(two, one));
            let offers = |pair: Option<&PairTimeline>| pair.is_some_and(|pair| pair.offers);
            // Where the two disagree on how far they came, the side that offers knows: the answer is applied there.
            let sides = if offers(second) { [second, first] } else { [first, second] };
            let mut failures = sides.into_iter().flatten().filter_map(|pair| pair.failed.clone());
            let known = if offers(first) || offers(second) {
                failures.next()
            } else {
                failures.max_by_key(|failure| failure.phase)
            };
            known.map(|failure| (one, two, failure))
        };
        self.edges().filter_map(failure).min_by_key(|(_, _, failure)| failure.phase)
    }

    /// Parts that `own` said to `other` and `other` did not hear.
    pub fn unheard(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        self.count(own, other, part).saturating_sub(self.heard_by(own, other, part))
    }

    /// Parts that `own` said to `other`.
    pub fn count(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        let said = self.pairs.get(&(own, other)).map_or(&[][..], |pair| &pair.said);
        said.iter().filter(|(kind, _)| *kind == part).count()
    }

    /// Parts of `own` that `other` heard.
    pub fn heard_by(&self, own: Seat, other: Seat, part: SignalPart) -> usize {
        let heard = self.pairs.get(&(other, own)).map_or(&[][..], |pair| &pair.heard);
        heard.iter().filter(|(kind, _)| *kind == part).count()
    }

    /// A description that `other` heard of `own`, and that `own` never said.
    pub fn altered(&self, own: Seat, other: Seat) -> Option<SignalPart> {
        let (said, heard) = (self.pairs.get(&(own, other))?, self.pairs.get(&(other, own))?);
        heard
            .heard
            .iter()
            .find(|words| words.0 != SignalPart::Candidate && !said.said.contains(words))
            .map(|(part, _)| *part)
    }

    /// Announcements that did not arrive where somebody had long been there to hear them.
    pub fn losses(&self) -> Vec<Loss> {
        let mut losses = vec![];
        for ((from, kind), at) in self.said.iter().filter(|((_, kind), _)| self.announcements.contains(kind)) {
            for (to, peer) in self.peers.iter().filter(|(to, _)| *to != from) {
                let could_hear = peer.failed.is_none() && peer.joined.is_some_and(|joined| joined + JUST_JOINED < *at);
                let heard = self.heard.get(&(*from, *to, *kind));
                if could_hear && heard != Some(&Where::InPlace) {
                    losses.push(Loss { kind: *kind, from: *from, to: *to, elsewhere: heard.is_some() });
                }
            }
        }
        losses
    }

    /// How far the edges came, phase by phase.
    pub fn progress(&self) -> Vec<MeshProgress> {
        let milestones: Vec<[Option<Instant>; 8]> = self.edges().map(|(one, two)| self.milestones(one, two)).collect();
        let phase = |(index, phase): (usize, &Phase)| {
            let reached = milestones.iter().filter(|edge| edge[index + 1].is_some());
            // Engine `none` has no ice and no dtls: time runs on from the last milestone that there is.
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

    /// m0 to m7 of measurement.md.
    fn milestones(&self, one: Seat, two: Seat) -> [Option<Instant>; 8] {
        let nobody = PeerTimeline::default();
        let nothing = PairTimeline::default();
        let [a, b] = [one, two].map(|seat| self.peers.get(&seat).unwrap_or(&nobody));
        let [ab, ba] = [(one, two), (two, one)].map(|pair| self.pairs.get(&pair).unwrap_or(&nothing));
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

    /// From dial to open socket: a round trip at the least.
    pub(super) fn connect_time(&self, seat: Seat) -> Option<Duration> {
        let peer = self.peers.get(&seat)?;
        Some(peer.upgraded?.saturating_duration_since(peer.began?))
    }

    pub(super) fn upgraded_at(&self, seat: Seat) -> Option<Instant> {
        self.peers.get(&seat)?.upgraded
    }

    /// When an announcement was said, the last time.
    pub(super) fn said_at(&self, own: Seat, kind: FrameKind) -> Option<Instant> {
        self.said.get(&(own, kind)).copied()
    }

    /// Whether an announcement of `from` was heard in its place; none if it was not heard at all.
    pub(super) fn heard_in_place(&self, from: Seat, to: Seat, kind: FrameKind) -> Option<bool> {
        self.heard.get(&(from, to, kind)).map(|place| *place == Where::InPlace)
    }

    pub(super) fn joined_at(&self, seat: Seat) -> Option<Instant> {
        self.peers.get(&seat)?.joined
    }

    pub(super) fn announces(&self, kind: FrameKind) -> bool {
        self.announcements.contains(&kind)
    }
}
