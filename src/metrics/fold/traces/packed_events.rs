//! Packs a room's events into about ten bytes each; what several of them carry is kept once.

use crate::vocabulary::{
    Candidate, Concern, EdgeEvent, Event, EventKind, Failure, FrameKind, PeerEvent, PeerIndex, Place, RoomIndex, Seat,
    Signal, SignalDigest, SignalPart, format::micros,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::time::{Duration, Instant};

/// The newest entries of a table, among which an equal one is looked for: what is received was sent a moment ago.
const NEAR: usize = 256;

// The first number of an event.
const BEGAN: u64 = 0;
const DROPPED: u64 = 1;
const SAID: u64 = 2;
const RECEIVED: u64 = 3;
const ELSEWHERE: u64 = 4;
const SIGNAL: u64 = 5;
const FAILED: u64 = 6;
const OTHER: u64 = 7;
const PEER_STEP: u64 = 8;
const EDGE_STEP: u64 = 16;

static PEER_STEPS: [PeerEvent; 3] = [PeerEvent::Upgraded, PeerEvent::Joined, PeerEvent::Reconnected];
static EDGE_STEPS: [EdgeEvent; 8] = [
    EdgeEvent::Met { initiates: true },
    EdgeEvent::Met { initiates: false },
    EdgeEvent::Offers,
    EdgeEvent::Answered,
    EdgeEvent::Glare,
    EdgeEvent::IceUp,
    EdgeEvent::DtlsUp,
    EdgeEvent::Open,
];
const PARTS: [SignalPart; 4] = [SignalPart::Offer, SignalPart::Answer, SignalPart::Candidate, SignalPart::End];

/// Events in the order in which they were recorded, with times in microseconds.
#[derive(Clone, Debug, Default)]
pub(in crate::metrics) struct PackedEvents {
    count: usize,
    /// The time of the last event.
    last_us: u64,
    /// Numbers in LEB128: an event's first is its type, which says how many follow.
    bytes: Vec<u8>,
    digests: Vec<SignalDigest>,
    candidates: Vec<Candidate>,
    failures: Vec<Failure>,
    others: Vec<EventKind>,
}

/// An event without any `Instant`, so that another process can read it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::metrics) struct KeptEvent<'a> {
    /// Since the start of the run.
    at_us: u64,
    /// From the arrival of the event's input to the event.
    wait_us: u64,
    pub seat: Seat,
    kind: KeptKind<'a>,
}

/// The kind of an event. The due time of a start is not kept: a trace's reader needs only when it began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::metrics) enum KeptKind<'a> {
    Began,
    Dropped,
    Other(Cow<'a, EventKind>),
}

impl<'a> KeptEvent<'a> {
    /// The event, in a run that began at `start`; an earlier time counts as the start.
    pub(crate) fn of(event: &'a Event, start: Instant) -> Self {
        let kind = match &event.kind {
            EventKind::Peer(PeerEvent::Began { .. }) => KeptKind::Began,
            EventKind::Peer(PeerEvent::Dropped { .. }) => KeptKind::Dropped,
            other => KeptKind::Other(Cow::Borrowed(other)),
        };
        Self {
            at_us: micros(event.at.saturating_duration_since(start)),
            wait_us: micros(event.at.saturating_duration_since(event.arrived)),
            seat: event.place.seat,
            kind,
        }
    }

    /// A time that this machine's clock can't hold counts as the start.
    fn event(self, room: RoomIndex, first: PeerIndex, start: Instant) -> Event {
        let at = start.checked_add(Duration::from_micros(self.at_us)).unwrap_or(start);
        let kind = match self.kind {
            KeptKind::Began => EventKind::Peer(PeerEvent::Began { due: at }),
            KeptKind::Dropped => EventKind::Peer(PeerEvent::Dropped { due: at }),
            KeptKind::Other(other) => other.into_owned(),
        };
        let peer = PeerIndex(first.0.saturating_add(u32::from(self.seat.0)));
        let arrived = at.checked_sub(Duration::from_micros(self.wait_us)).unwrap_or(at);
        Event { at, arrived, place: Place { room, seat: self.seat, peer }, kind }
    }
}

impl KeptEvent<'_> {
    /// True if the event's other peer, if it has one, is another one that the room `has`, and its frame of one of `kinds`
    /// message types.
    pub(crate) fn is_between(&self, has: impl Fn(Seat) -> bool, kinds: usize) -> bool {
        let KeptKind::Other(event) = &self.kind else { return true };
        let is_known = match &**event {
            EventKind::Peer(PeerEvent::Said { kind, .. } | PeerEvent::Frame { kind, .. }) => {
                usize::from(kind.0) < kinds
            }
            _ => true,
        };
        is_known && event.other().is_none_or(|other| has(other) && other != self.seat)
    }
}

impl PackedEvents {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn push(&mut self, event: &KeptEvent<'_>) {
        match &event.kind {
            KeptKind::Began => self.put(event, &[BEGAN]),
            KeptKind::Dropped => self.put(event, &[DROPPED]),
            KeptKind::Other(kind) => match &**kind {
                EventKind::Peer(PeerEvent::Said { kind, bytes, to }) => {
                    self.put(event, &[SAID, kind.0.into(), (*bytes).into(), optional(*to)]);
                }
                EventKind::Peer(PeerEvent::Frame { kind, bytes, concern: Concern::Me { from } }) => {
                    self.put(event, &[RECEIVED, kind.0.into(), (*bytes).into(), optional(*from)]);
                }
                EventKind::Peer(PeerEvent::Frame { kind, bytes, concern: Concern::Elsewhere { from } }) => {
                    self.put(event, &[ELSEWHERE, kind.0.into(), (*bytes).into(), optional(*from)]);
                }
                EventKind::Edge { other, event: EdgeEvent::Signal { said, part, digest, candidate } } => {
                    let content = match candidate.as_deref() {
                        Some(candidate) => entry(&mut self.candidates, candidate),
                        None => entry(&mut self.digests, digest),
                    };
                    let part = PARTS.iter().position(|one| one == part).unwrap_or_default() as u64;
                    let flags = part << 2 | u64::from(*said) << 1 | u64::from(candidate.is_some());
                    self.put(event, &[SIGNAL, other.0.into(), flags, content]);
                }
                EventKind::Edge { other, event: EdgeEvent::Failed { failure } } => {
                    let failure = entry(&mut self.failures, failure);
                    self.put(event, &[FAILED, other.0.into(), failure]);
                }
                kind => self.put_step(event, kind),
            },
        }
    }

    /// Adds an event that carries nothing but its peers, or one of a rare kind.
    fn put_step(&mut self, event: &KeptEvent<'_>, kind: &EventKind) {
        let step = match kind {
            EventKind::Peer(kind) => PEER_STEPS.iter().position(|step| step == kind),
            EventKind::Edge { event: kind, .. } => EDGE_STEPS.iter().position(|step| step == kind),
        };
        match (step, kind) {
            (Some(step), EventKind::Peer(_)) => self.put(event, &[PEER_STEP + step as u64]),
            (Some(step), EventKind::Edge { other, .. }) => self.put(event, &[EDGE_STEP + step as u64, other.0.into()]),
            (None, _) => {
                push_tightly(&mut self.others, kind.clone());
                self.put(event, &[OTHER]);
            }
        }
    }

    fn put(&mut self, event: &KeptEvent<'_>, numbers: &[u64]) {
        let moved = event.at_us.wrapping_sub(self.last_us).cast_signed();
        // Zigzag: workers record in order but for a few, so that a step back is small, too.
        let moved = (moved << 1 ^ moved >> 63).cast_unsigned();
        for number in [event.seat.0.into(), moved, event.wait_us].iter().chain(numbers) {
            let mut left = *number;
            while left > 0x7f {
                push_tightly(&mut self.bytes, left as u8 | 0x80);
                left >>= 7;
            }
            push_tightly(&mut self.bytes, left as u8);
        }
        self.last_us = event.at_us;
        self.count += 1;
    }

    /// The events of a room whose first peer is `first`, as if the run had begun at `start`.
    pub(crate) fn events(&self, room: RoomIndex, first: PeerIndex, start: Instant) -> impl Iterator<Item = Event> {
        self.iter().map(move |event| event.event(room, first, start))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = KeptEvent<'_>> {
        let mut unpacker = Unpacker { packed: self, bytes: self.bytes.iter(), at_us: 0, others: self.others.iter() };
        (0..self.count).map_while(move |_| unpacker.event())
    }
}

struct Unpacker<'a> {
    packed: &'a PackedEvents,
    bytes: std::slice::Iter<'a, u8>,
    at_us: u64,
    others: std::slice::Iter<'a, EventKind>,
}

impl<'a> Unpacker<'a> {
    fn event(&mut self) -> Option<KeptEvent<'a>> {
        let seat = self.seat()?;
        let moved = self.number()?;
        let moved = (moved >> 1).cast_signed() ^ -(moved & 1).cast_signed();
        self.at_us = self.at_us.wrapping_add_signed(moved);
        let wait_us = self.number()?;
        let kind = match self.number()? {
            BEGAN => KeptKind::Began,
            DROPPED => KeptKind::Dropped,
            OTHER => KeptKind::Other(Cow::Borrowed(self.others.next()?)),
            tag => KeptKind::Other(Cow::Owned(self.kind(tag)?)),
        };
        Some(KeptEvent { at_us: self.at_us, wait_us, seat, kind })
    }

    fn kind(&mut self, tag: u64) -> Option<EventKind> {
        let peer_step = |tag: u64| PEER_STEPS.get(tag.checked_sub(PEER_STEP)? as usize);
        Some(match tag {
            SAID | RECEIVED | ELSEWHERE => {
                let (kind, bytes) = (FrameKind(self.number()? as u8), self.number()? as u32);
                let other = self.number()?.checked_sub(1).map(|seat| Seat(seat as u16));
                EventKind::Peer(match tag {
                    SAID => PeerEvent::Said { kind, bytes, to: other },
                    RECEIVED => PeerEvent::Frame { kind, bytes, concern: Concern::Me { from: other } },
                    _ => PeerEvent::Frame { kind, bytes, concern: Concern::Elsewhere { from: other } },
                })
            }
            SIGNAL => {
                let (other, flags, content) = (self.seat()?, self.number()?, self.number()? as usize);
                let candidate = if flags & 1 == 1 { Some(self.packed.candidates.get(content)?) } else { None };
                let digest = match candidate {
                    Some(candidate) => SignalDigest::of(&Signal::Candidate(candidate.clone())),
                    None => *self.packed.digests.get(content)?,
                };
                let (said, part) = (flags & 2 == 2, *PARTS.get((flags >> 2) as usize)?);
                EdgeEvent::Signal { said, part, digest, candidate: candidate.cloned().map(Box::new) }.to(other)
            }
            FAILED => {
                let (other, failure) = (self.seat()?, self.number()? as usize);
                EdgeEvent::Failed { failure: self.packed.failures.get(failure)?.clone() }.to(other)
            }
            tag => match peer_step(tag) {
                Some(step) => EventKind::Peer(step.clone()),
                None => EDGE_STEPS.get(tag.checked_sub(EDGE_STEP)? as usize)?.clone().to(self.seat()?),
            },
        })
    }

    fn seat(&mut self) -> Option<Seat> {
        self.number().map(|seat| Seat(seat as u16))
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = *self.bytes.next()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }
}

impl Serialize for PackedEvents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for PackedEvents {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut packed = Self::default();
        Vec::<KeptEvent<'_>>::deserialize(deserializer)?.iter().for_each(|event| packed.push(event));
        Ok(packed)
    }
}

/// 0 for none, or the seat plus one.
fn optional(seat: Option<Seat>) -> u64 {
    seat.map_or(0, |seat| u64::from(seat.0) + 1)
}

/// The position of an equal entry near the table's end, or of a new one.
fn entry<T: Clone + PartialEq>(table: &mut Vec<T>, item: &T) -> u64 {
    let near = table.len().saturating_sub(NEAR);
    let known = table[near..].iter().rposition(|known| known == item).map(|position| near + position);
    known.unwrap_or_else(|| {
        push_tightly(table, item.clone());
        table.len() - 1
    }) as u64
}

/// Grows by a quarter, where `Vec::push` doubles.
fn push_tightly<T>(table: &mut Vec<T>, item: T) {
    if table.len() == table.capacity() {
        table.reserve_exact(table.len() / 4 + 4);
    }
    table.push(item);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Phase;

    fn candidate(port: u16) -> EdgeEvent {
        let candidate = Candidate {
            candidate: format!("candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host"),
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: None,
        };
        let digest = SignalDigest::of(&Signal::Candidate(candidate.clone()));
        EdgeEvent::Signal { said: port > 9, part: SignalPart::Candidate, digest, candidate: Some(Box::new(candidate)) }
    }

    fn kinds() -> Vec<EventKind> {
        let digest = SignalDigest::of(&Signal::Offer { sdp: "v=0\r\na=mid:0\r\n".to_owned() });
        let description = |said| EdgeEvent::Signal { said, part: SignalPart::Offer, digest, candidate: None };
        let end =
            EdgeEvent::Signal { said: true, part: SignalPart::End, digest: SignalDigest::default(), candidate: None };
        let frame = |concern| PeerEvent::Frame { kind: FrameKind(255), bytes: u32::MAX, concern };
        let failure = || Failure::new(Phase::Negotiation, crate::vocabulary::Reason::Closed, "close 4001");
        let edge = EDGE_STEPS.iter().cloned().chain([
            description(true),
            description(false),
            candidate(9),
            candidate(10),
            candidate(10),
            end,
            EdgeEvent::Failed { failure: failure() },
            EdgeEvent::Failed { failure: failure() },
            EdgeEvent::Closed { planned: true },
        ]);
        let peer = PEER_STEPS.iter().cloned().chain([
            PeerEvent::Said { kind: FrameKind(0), bytes: 0, to: None },
            PeerEvent::Said { kind: FrameKind(3), bytes: 400, to: Some(Seat(u16::MAX)) },
            frame(Concern::Me { from: None }),
            frame(Concern::Me { from: Some(Seat(0)) }),
            frame(Concern::Elsewhere { from: Some(Seat(7)) }),
            frame(Concern::Others),
            PeerEvent::PeerFailed { failure: failure() },
            PeerEvent::Left { silent: true, early: false },
        ]);
        edge.map(|event| event.to(Seat(300))).chain(peer.map(EventKind::Peer)).collect()
    }

    #[test]
    fn whatever_is_packed_comes_out_as_it_went_in() {
        let times = [(0, 0), (5, 5), (90_000, 3), (89_000, 0), (u64::MAX, u64::MAX), (1, 0)];
        let mut packed = PackedEvents::default();
        let others = [KeptKind::Began, KeptKind::Dropped];
        let kinds = others.into_iter().chain(kinds().into_iter().map(|kind| KeptKind::Other(Cow::Owned(kind))));
        let events: Vec<_> = kinds
            .zip(times.into_iter().cycle())
            .zip([0, 1, 300, u16::MAX].into_iter().cycle())
            .map(|((kind, (at_us, wait_us)), seat)| KeptEvent { at_us, wait_us, seat: Seat(seat), kind })
            .collect();
        events.iter().for_each(|event| packed.push(event));
        assert_eq!(packed.iter().collect::<Vec<_>>(), events);
        let file = serde_json::to_string(&packed).unwrap();
        assert_eq!(serde_json::from_str::<PackedEvents>(&file).unwrap().iter().collect::<Vec<_>>(), events);
        assert_eq!((packed.digests.len(), packed.candidates.len(), packed.failures.len()), (2, 2, 1));
        assert_eq!(packed.others.len(), 4, "rare kinds only");
    }

    #[test]
    fn a_room_of_six_takes_less_than_a_kibibyte_a_peer() {
        let mut packed = PackedEvents::default();
        let mut events = 0;
        for (low, high) in (0..6).flat_map(|high| (0..high).map(move |low| (low, high))) {
            for (seat, other) in [(low, high), (high, low)] {
                let said = |said: bool, from: u16, to: u16| EdgeEvent::Signal {
                    said,
                    part: SignalPart::Offer,
                    digest: SignalDigest::of(&Signal::Offer { sdp: format!("a=ice-ufrag:{from}-{to}") }),
                    candidate: None,
                };
                let frame =
                    |_| EventKind::Peer(PeerEvent::Said { kind: FrameKind(3), bytes: 900, to: Some(Seat(other)) });
                let edge = EDGE_STEPS[1..].iter().cloned().chain([
                    said(true, seat, other),
                    said(false, other, seat),
                    candidate(50_000 + seat),
                    candidate(50_000 + other),
                    EdgeEvent::Failed { failure: Failure::timed_out(Phase::Channel) },
                ]);
                for kind in edge.map(|event| event.to(Seat(other))).chain((0..4).map(frame)) {
                    events += 1;
                    let kind = KeptKind::Other(Cow::Owned(kind));
                    packed.push(&KeptEvent { at_us: 2_000 * events, wait_us: 40, seat: Seat(seat), kind });
                }
            }
        }
        let texts: usize = packed.candidates.iter().map(|candidate| candidate.candidate.len() + 8).sum();
        let held = packed.bytes.capacity()
            + size_of::<SignalDigest>() * packed.digests.capacity()
            + size_of::<Candidate>() * packed.candidates.capacity()
            + size_of::<Failure>() * packed.failures.capacity()
            + texts;
        assert!(packed.others.is_empty() && held / 6 < 1_024, "{} B a peer, {events} events", held / 6);
        assert_eq!(packed.len() as u64, events);
    }
}
