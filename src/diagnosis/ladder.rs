//! The steps of a timeline in order, as arrows and notes of a ladder diagram.

use super::timeline::Timeline;
use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, Seat};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// An end of an arrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Peer(Seat),
    Server,
}

/// One line of the ladder; times count from the timeline's start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LadderStep {
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
pub enum Arrival {
    /// On its own channel.
    Heard(Duration),
    /// On another channel than its own.
    Elsewhere(Duration),
    Never,
    /// Sent to the server, whose receipt can't be observed.
    Unknown,
}

/// The steps in order of time, without messages to the other peers that a peer overheard.
pub fn ladder(timeline: &Timeline) -> Vec<LadderStep> {
    let Some(start) = timeline.start() else { return vec![] };
    let since = |at: Instant| at.saturating_duration_since(start);
    let mut heard = heard(timeline.events());
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
                            steps.push(arrow(Party::Peer(to), Arrival::Never));
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
                steps.extend(note(timeline, what).map(|(text, bad)| LadderStep::Note {
                    at: since(event.at),
                    peer: own,
                    text,
                    bad,
                }));
            }
        }
    }
    steps.reverse();
    steps.sort_by_key(LadderStep::at);
    steps
}

/// By sender, receiver and type: the times of arrival in order, each with true if it came on its own channel.
fn heard(events: &[Event]) -> BTreeMap<(Seat, Seat, FrameKind), Vec<(Instant, bool)>> {
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

fn note(timeline: &Timeline, what: &EventKind) -> Option<(String, bool)> {
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
            Some((format!("no channel to peer {}: {failure}", timeline.number(*other)), true))
        }
        _ => None,
    }
}

impl LadderStep {
    pub fn at(&self) -> Duration {
        match self {
            Self::Arrow { at, .. } | Self::Note { at, .. } => *at,
        }
    }
}
