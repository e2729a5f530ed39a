//! The time for which an edge waited for this machine.

use super::Timeline;
use crate::vocabulary::{EdgeEvent, Event, EventKind, Seat};
use std::time::{Duration, Instant};

/// A part of a handshake's time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnosis) struct OwnWait {
    /// The time in which something that had arrived at one of the two peers was not handled yet.
    pub waited: Duration,
    /// The time from the later peer's start until the edge failed, or until the last event.
    pub had: Duration,
}

impl Timeline {
    /// `None` for an edge one of whose peers never began.
    pub(in crate::diagnosis) fn own_wait(&self, (one, two): (Seat, Seat)) -> Option<OwnWait> {
        let concerns = |event: &&Event| match &event.kind {
            EventKind::Edge { other, .. } => [(one, two), (two, one)].contains(&(event.place.seat, *other)),
            EventKind::Peer(_) => [one, two].contains(&event.place.seat),
        };
        let of_edge = || self.events.iter().filter(concerns);
        let from = self.both_began((one, two))?;
        let failed = |event: &&Event| matches!(event.kind, EventKind::Edge { event: EdgeEvent::Failed { .. }, .. });
        let until = of_edge().find(failed).or(self.events.last())?.at;
        let mut waits: Vec<(Instant, Instant)> = of_edge()
            .map(|event| (event.arrived.max(from), event.at.min(until)))
            .filter(|(at, end)| at < end)
            .collect();
        waits.sort_unstable();
        let (mut waited, mut counted_until) = (Duration::ZERO, from);
        for (at, end) in waits {
            waited += end.saturating_duration_since(at.max(counted_until));
            counted_until = counted_until.max(end);
        }
        Some(OwnWait { waited, had: until.saturating_duration_since(from) })
    }
}
