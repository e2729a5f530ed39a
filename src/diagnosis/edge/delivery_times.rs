//! The times that deliveries took in a room.

use super::super::timeline::Timeline;
use crate::vocabulary::{Concern, EdgeEvent, EventKind, PeerEvent};
use std::collections::BTreeMap;
use std::time::Duration;

/// The least and the greatest time between a word, said last of its kind, and its arrival at a peer.
#[derive(Clone, Copy, Debug)]
pub(in crate::diagnosis) struct DeliveryTimes {
    pub fastest: Duration,
    pub slowest: Duration,
}

impl DeliveryTimes {
    /// The times in a room, by types of messages and by digests of signals; `None` if nothing arrived.
    pub(super) fn of(timeline: &Timeline) -> Option<Self> {
        let mut said = BTreeMap::new();
        let mut signalled = BTreeMap::new();
        let mut times: Option<Self> = None;
        for event in timeline.events() {
            let own = event.place.seat;
            let before = match &event.kind {
                EventKind::Peer(PeerEvent::Said { kind, .. }) => {
                    said.insert((own, *kind), event.at);
                    None
                }
                EventKind::Peer(PeerEvent::Frame { kind, concern: Concern::Me { from: Some(from) }, .. }) => {
                    said.get(&(*from, *kind)).copied()
                }
                EventKind::Edge { other, event: EdgeEvent::Signal { said: true, digest, .. } } => {
                    signalled.insert((own, *other, *digest), event.at);
                    None
                }
                EventKind::Edge { other, event: EdgeEvent::Signal { said: false, digest, .. } } => {
                    signalled.get(&(*other, own, *digest)).copied()
                }
                _ => None,
            };
            let Some(before) = before else { continue };
            let took = event.at.saturating_duration_since(before);
            let known = times.unwrap_or(Self { fastest: took, slowest: took });
            times = Some(Self { fastest: known.fastest.min(took), slowest: known.slowest.max(took) });
        }
        times
    }
}
