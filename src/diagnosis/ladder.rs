//! The steps of a timeline in order, as arrows and notes of a ladder diagram.

use super::timeline::Timeline;
use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, Seat};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A word may take half a second over a far server; one said to a peer that is gone by then proves nothing.
const IN_FLIGHT: Duration = Duration::from_millis(500);

/// An end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Party {
    Peer(Seat),
    Server,
}

/// One line of the ladder; times count from the timeline's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LadderStep {
    Arrow {
        at: Duration,
        from: Party,
        to: Party,
        kind: FrameKind,
        arrival: Arrival,
    },
    /// An event of one peer.
    Note {
        at: Duration,
        peer: Seat,
        text: String,
        bad: bool,
    },
}

/// The end of an arrow: a message's arrival, with its time since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// On its own channel.
    Heard(Duration),
    /// On another channel than its own.
    Elsewhere(Duration),
    Never,
    /// Sent to the server, whose receipt can't be observed, or to a peer that left before it could arrive.
    Unknown,
}

/// The steps in order of time, without messages to the other peers that a peer overheard.
pub(super) fn ladder(timeline: &Timeline) -> Vec<LadderStep> {
    let Some(start) = timeline.start() else { return vec![] };
    let since = |at: Instant| at.saturating_duration_since(start);
    let mut heard = heard(timeline.events());
    let left: BTreeMap<Seat, Instant> = timeline.events().iter().filter_map(leave).collect();
    let mut steps = vec![];
    // From the last to the first: if a message was repeated, the repetition arrived and the first one was lost.
    for event in timeline.events().iter().rev() {
        let own = event.place.seat;
        match &event.kind {
            EventKind::Peer(PeerEvent::Said { kind, to, .. }) => {
                let receivers: Vec<Seat> = match to {
                    Some(to) => vec![*to],
                    None if timeline.announces(*kind) => {
                        (0..timeline.size()).map(Seat).filter(|seat| *seat != own).collect()
                    }
                    None => vec![],
                };
                let arrow = |to, arrival| LadderStep::Arrow {
                    at: since(event.at),
                    from: Party::Peer(own),
                    to,
                    kind: *kind,
                    arrival,
                };
                if receivers.is_empty() {
                    steps.push(arrow(Party::Server, Arrival::Unknown));
                }
                for to in receivers {
                    let arrivals = heard.entry((own, to, *kind)).or_default();
                    match arrivals.pop_if(|(at, _)| *at >= event.at) {
                        Some((at, true)) => steps.push(arrow(Party::Peer(to), Arrival::Heard(since(at)))),
                        Some((at, false)) => steps.push(arrow(Party::Peer(to), Arrival::Elsewhere(since(at)))),
                        // A peer that had not joined yet could not receive it.
                        None if timeline.joined_at(to).is_some_and(|joined| joined < event.at) => {
                            let has_left = left.get(&to).is_some_and(|left| *left < event.at + IN_FLIGHT);
                            let arrival = if has_left { Arrival::Unknown } else { Arrival::Never };
                            steps.push(arrow(Party::Peer(to), arrival));
                        }
                        None => {}
                    }
                }
            }
            EventKind::Peer(PeerEvent::Frame { kind, concern: Concern::Me { from: None }, .. }) => {
                steps.push(LadderStep::Arrow {
                    at: since(event.at),
                    from: Party::Server,
                    to: Party::Peer(own),
                    kind: *kind,
                    arrival: Arrival::Heard(since(event.at)),
                });
            }
            what => {
                steps.extend(note(timeline, own, what).map(|(text, bad)| LadderStep::Note {
                    at: since(event.at),
                    peer: own,
                    text,
                    bad,
                }));
            }
        }
    }
    steps.extend(again(timeline, &heard).map(|(from, to, kind, at)| LadderStep::Arrow {
        at: since(at),
        from: Party::Peer(from),
        to: Party::Peer(to),
        kind,
        arrival: Arrival::Heard(since(at)),
    }));
    steps.reverse();
    steps.sort_by_key(LadderStep::at);
    steps
}

/// Arrivals beyond the first of what was said to one peer: the server has delivered it once more.
fn again(timeline: &Timeline, heard: &Arrivals) -> impl Iterator<Item = (Seat, Seat, FrameKind, Instant)> {
    let mut said = BTreeMap::new();
    for event in timeline.events() {
        if let EventKind::Peer(PeerEvent::Said { kind, to: Some(to), .. }) = event.kind {
            said.entry((event.place.seat, to, kind)).or_insert(event.at);
        }
    }
    heard.iter().flat_map(move |(of, arrivals)| {
        let first = said.get(of).copied();
        let after = arrivals.iter().filter(move |(at, _)| first.is_some_and(|first| first <= *at));
        after.map(|(at, _)| (of.0, of.1, of.2, *at))
    })
}

/// The peer that leaves by this event, and the time.
fn leave(event: &Event) -> Option<(Seat, Instant)> {
    matches!(event.kind, EventKind::Peer(PeerEvent::Left { .. })).then_some((event.place.seat, event.at))
}

/// By sender, receiver and type: the times of arrival in order, each with true if it came on its own channel.
type Arrivals = BTreeMap<(Seat, Seat, FrameKind), Vec<(Instant, bool)>>;

fn heard(events: &[Event]) -> Arrivals {
    let mut heard = BTreeMap::<_, Vec<_>>::new();
    for event in events {
        let EventKind::Peer(PeerEvent::Frame { kind, concern, .. }) = &event.kind else { continue };
        let (from, in_place) = match concern {
            Concern::Me { from: Some(from) } => (*from, true),
            Concern::Elsewhere { from: Some(from) } => (*from, false),
            _ => continue,
        };
        heard.entry((from, event.place.seat, *kind)).or_default().push((event.at, in_place));
    }
    heard
}

fn note(timeline: &Timeline, own: Seat, what: &EventKind) -> Option<(String, bool)> {
    let good = |text: String| Some((text, false));
    match what {
        EventKind::Peer(PeerEvent::Began { .. }) => good("dials".to_owned()),
        EventKind::Peer(PeerEvent::Upgraded) => good("is connected".to_owned()),
        EventKind::Peer(PeerEvent::Joined) => good("has joined".to_owned()),
        EventKind::Edge { other, event: EdgeEvent::IceUp } => {
            good(format!("ICE up to peer {}", timeline.number(*other)))
        }
        EventKind::Edge { other, event: EdgeEvent::DtlsUp } => {
            good(format!("DTLS up to peer {}", timeline.number(*other)))
        }
        EventKind::Edge { other, event: EdgeEvent::Open } => {
            good(format!("channel open to peer {}", timeline.number(*other)))
        }
        EventKind::Edge { other, event: EdgeEvent::Glare } => {
            good(format!("glare with peer {}", timeline.number(*other)))
        }
        EventKind::Peer(PeerEvent::PeerFailed { failure }) => Some((format!("fails: {failure}"), true)),
        EventKind::Edge { other, event: EdgeEvent::Failed { failure } } => {
            // Each end's own timer fires in the phase that it waits in; an edge has one failure.
            let failure = timeline.failure(own, *other).unwrap_or(failure);
            Some((format!("no channel to peer {}: {failure}", timeline.number(*other)), true))
        }
        _ => None,
    }
}

impl LadderStep {
    pub(super) fn at(&self) -> Duration {
        match self {
            Self::Arrow { at, .. } | Self::Note { at, .. } => *at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Failure, PeerIndex, Phase, Place, RoomIndex};

    const LEAVE: FrameKind = FrameKind(0);

    /// The arrival of a word of peer 0 at 100 ms to peer 1, which joined at 0 ms and left so many ms after the word.
    fn arrival(left_ms: Option<u64>) -> Arrival {
        let start = Instant::now();
        let mut timeline = Timeline::new(2, vec![]);
        let mut tell = |at_ms: u64, seat: u16, kind: EventKind| {
            let place = Place { room: RoomIndex(0), seat: Seat(seat), peer: PeerIndex(seat.into()) };
            timeline.record(&Event::new(start + Duration::from_millis(at_ms), place, kind));
        };
        tell(0, 1, EventKind::Peer(PeerEvent::Joined));
        tell(100, 0, EventKind::Peer(PeerEvent::Said { kind: LEAVE, bytes: 9, to: Some(Seat(1)) }));
        if let Some(after) = left_ms {
            tell(100 + after, 1, EventKind::Peer(PeerEvent::Left { silent: false, early: false }));
        }
        let arrows = ladder(&timeline).into_iter();
        let mut arrivals = arrows.filter_map(|step| match step {
            LadderStep::Arrow { arrival, .. } => Some(arrival),
            LadderStep::Note { .. } => None,
        });
        arrivals.next().unwrap()
    }

    #[test]
    fn both_ends_call_an_edge_by_the_phase_of_its_first_unmet_milestone() {
        let start = Instant::now();
        let mut timeline = Timeline::new(2, vec![]);
        let mut tell = |at_ms: u64, seat: u16, kind: EventKind| {
            let place = Place { room: RoomIndex(0), seat: Seat(seat), peer: PeerIndex(seat.into()) };
            timeline.record(&Event::new(start + Duration::from_millis(at_ms), place, kind));
        };
        for seat in [0, 1] {
            for kind in [PeerEvent::Began { due: start }, PeerEvent::Upgraded, PeerEvent::Joined] {
                tell(0, seat, EventKind::Peer(kind));
            }
        }
        for (seat, phase) in [(0, Phase::Ice), (1, Phase::Negotiation)] {
            let failed = EdgeEvent::Failed { failure: Failure::timed_out(phase) };
            tell(10, seat, failed.to(Seat(1 - seat)));
        }
        let notes = ladder(&timeline).into_iter().filter_map(|step| match step {
            LadderStep::Note { text, bad: true, .. } => Some(text),
            _ => None,
        });
        let expected = [1, 0].map(|other| format!("no channel to peer {other}: discovery timed_out"));
        assert_eq!(notes.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_word_to_a_peer_that_goes_is_no_loss_and_one_to_a_peer_that_stays_is() {
        assert_eq!(arrival(None), Arrival::Never);
        assert_eq!(arrival(Some(1)), Arrival::Unknown);
        assert_eq!(arrival(Some(1_000)), Arrival::Never);
    }
}
