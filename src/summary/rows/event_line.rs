//! A line of events.jsonl.gz: one event of one peer.

use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, Failure, PeerEvent, Seat, SignalPart, format::micros};
use schemars::JsonSchema;
use serde::Serialize;
use std::time::Instant;

/// One event. Times are integer microseconds from the start of the run; a field that the event does not have is
/// absent. No field contains payloads, descriptions, addresses, headers or URLs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct EventLine<'a> {
    pub at_us: u64,
    /// The time at which the frame, datagram or timer behind the event was there to be handled; absent if that is `at_us`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrived_us: Option<u64>,
    pub room: &'a str,
    /// The observing peer's index in the plan.
    pub peer: u32,
    /// `began dropped upgraded joined peer_failed left said frame signal met offers answered own_work received glare surprise
    /// ice_up dtls_up open edge_failed channel_closed noticed_leave told_leave message_sent message_received message_dropped
    /// echoed`.
    pub what: &'static str,
    /// The remote peer of the edge, the addressee of a sent frame, or the sender of a received one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<u32>,
    /// The signaling message's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u32>,
    /// The addressee of a received frame: `me`, `others`, or `elsewhere` (on another channel than its own).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concern: Option<&'static str>,
    /// The part of a signal: `offer`, `answer`, `candidate`, `end` (of candidates).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<&'static str>,
    /// True for a signal that this peer sent, false for one that it received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<bool>,
    /// The digest of a signal's content, for comparison of sent and received signals within a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub began_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u32>,
    /// True for a channel that closed because one of its peers left by plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub planned: Option<bool>,
    /// True for a leave without a goodbye.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<bool>,
}

impl<'a> EventLine<'a> {
    /// The line of an event of `room`. `kind`: the name of the frame's message type, if the event has one.
    pub fn of(event: &'a Event, start: Instant, room: &'a str, kind: Option<&'a str>) -> Self {
        let us = |at: Instant| micros(at.saturating_duration_since(start));
        let neighbour = |seat: Seat| event.place.neighbour(seat).0;
        let line = Self {
            at_us: us(event.at),
            arrived_us: Some(us(event.arrived)).filter(|arrived_us| *arrived_us < us(event.at)),
            room,
            peer: event.place.peer.0,
            what: name(&event.kind),
            other: event.kind.other().map(neighbour),
            ..Self::default()
        };
        match &event.kind {
            EventKind::Peer(PeerEvent::Began { due }) | EventKind::Peer(PeerEvent::Dropped { due }) => {
                Self { due_us: Some(us(*due)), ..line }
            }
            EventKind::Peer(PeerEvent::PeerFailed { failure })
            | EventKind::Edge { event: EdgeEvent::Failed { failure, .. }, .. }
            | EventKind::Peer(PeerEvent::ServerLost { failure })
            | EventKind::Peer(PeerEvent::RedialFailed { failure }) => line.failed(failure),
            EventKind::Peer(PeerEvent::Left { silent, .. }) => Self { silent: Some(*silent), ..line },
            EventKind::Peer(PeerEvent::Said { bytes, .. }) => Self { kind, bytes: Some(*bytes), ..line },
            EventKind::Peer(PeerEvent::Frame { bytes, concern, .. }) => {
                let concern = match concern {
                    Concern::Me { .. } => "me",
                    Concern::Others => "others",
                    Concern::Elsewhere { .. } => "elsewhere",
                };
                Self { kind, bytes: Some(*bytes), concern: Some(concern), ..line }
            }
            EventKind::Edge { event: EdgeEvent::Signal { said, part, digest, .. }, .. } => {
                let part = match part {
                    SignalPart::Offer => "offer",
                    SignalPart::Answer => "answer",
                    SignalPart::Candidate => "candidate",
                    SignalPart::End => "end",
                };
                Self { part: Some(part), said: Some(*said), digest: Some(digest.to_string()), ..line }
            }
            EventKind::Edge { event: EdgeEvent::GuestMessage { bytes }, .. } => Self { bytes: Some(*bytes), ..line },
            EventKind::Peer(PeerEvent::Prepared { took: spent })
            | EventKind::Edge { event: EdgeEvent::OwnWork { spent }, .. } => {
                Self { spent_us: Some(micros(*spent)), ..line }
            }
            EventKind::Edge { event: EdgeEvent::Closed { planned }, .. } => Self { planned: Some(*planned), ..line },
            EventKind::Edge { event: EdgeEvent::MessageSent { sequence, due, bytes, .. }, .. } => {
                Self { sequence: Some(*sequence), due_us: Some(us(*due)), bytes: Some(*bytes), ..line }
            }
            EventKind::Edge { event: EdgeEvent::MessageReceived { sequence, due, began, bytes, .. }, .. } => {
                let (due_us, began_us) = (Some(us(*due)), Some(us(*began)));
                Self { sequence: Some(*sequence), due_us, began_us, bytes: Some(*bytes), ..line }
            }
            EventKind::Edge { event: EdgeEvent::Echoed { due, began, .. }, .. } => {
                Self { due_us: Some(us(*due)), began_us: Some(us(*began)), ..line }
            }
            EventKind::Peer(
                PeerEvent::Upgraded
                | PeerEvent::Joined
                | PeerEvent::Reconnected
                | PeerEvent::Surprise { .. }
                | PeerEvent::Note { .. }
                | PeerEvent::Written { .. }
                | PeerEvent::Read { .. },
            )
            | EventKind::Edge { event: EdgeEvent::Met { .. } | EdgeEvent::Offers | EdgeEvent::Answered, .. }
            | EventKind::Edge { event: EdgeEvent::Glare | EdgeEvent::Received, .. }
            | EventKind::Edge { event: EdgeEvent::IceUp | EdgeEvent::DtlsUp, .. }
            | EventKind::Edge { event: EdgeEvent::Open | EdgeEvent::NoticedLeave | EdgeEvent::ToldLeave, .. }
            | EventKind::Edge { event: EdgeEvent::MessageDropped, .. } => line,
        }
    }

    fn failed(self, failure: &'a Failure) -> Self {
        let detail = (!failure.detail.is_empty()).then_some(&*failure.detail);
        Self { phase: Some(failure.phase.name()), reason: Some(failure.reason.name()), detail, ..self }
    }
}

fn name(what: &EventKind) -> &'static str {
    match what {
        EventKind::Peer(PeerEvent::Began { .. }) => "began",
        EventKind::Peer(PeerEvent::Dropped { .. }) => "dropped",
        EventKind::Peer(PeerEvent::Upgraded) => "upgraded",
        EventKind::Peer(PeerEvent::Prepared { .. }) => "prepared",
        EventKind::Peer(PeerEvent::Joined) => "joined",
        EventKind::Peer(PeerEvent::PeerFailed { .. }) => "peer_failed",
        EventKind::Peer(PeerEvent::Left { .. }) => "left",
        EventKind::Peer(PeerEvent::Said { .. }) => "said",
        EventKind::Peer(PeerEvent::Frame { .. }) => "frame",
        EventKind::Edge { event: EdgeEvent::Signal { .. }, .. } => "signal",
        EventKind::Edge { event: EdgeEvent::Met { .. }, .. } => "met",
        EventKind::Edge { event: EdgeEvent::Offers, .. } => "offers",
        EventKind::Edge { event: EdgeEvent::Answered, .. } => "answered",
        EventKind::Edge { event: EdgeEvent::OwnWork { .. }, .. } => "own_work",
        EventKind::Edge { event: EdgeEvent::Received, .. } => "received",
        EventKind::Edge { event: EdgeEvent::Glare, .. } => "glare",
        EventKind::Peer(PeerEvent::Surprise { .. }) => "surprise",
        EventKind::Peer(PeerEvent::Note { .. }) => "frame_note",
        EventKind::Peer(PeerEvent::Written { .. }) => "frame_written",
        EventKind::Peer(PeerEvent::Read { .. }) => "frame_read",
        EventKind::Edge { event: EdgeEvent::IceUp, .. } => "ice_up",
        EventKind::Edge { event: EdgeEvent::DtlsUp, .. } => "dtls_up",
        EventKind::Edge { event: EdgeEvent::Open, .. } => "open",
        EventKind::Edge { event: EdgeEvent::Failed { .. }, .. } => "edge_failed",
        EventKind::Edge { event: EdgeEvent::Closed { .. }, .. } => "channel_closed",
        EventKind::Edge { event: EdgeEvent::NoticedLeave, .. } => "noticed_leave",
        EventKind::Edge { event: EdgeEvent::ToldLeave, .. } => "told_leave",
        EventKind::Edge { event: EdgeEvent::MessageSent { .. }, .. } => "message_sent",
        EventKind::Edge { event: EdgeEvent::MessageReceived { .. }, .. } => "message_received",
        EventKind::Edge { event: EdgeEvent::MessageDropped, .. } => "message_dropped",
        EventKind::Edge { event: EdgeEvent::Echoed { .. }, .. } => "echoed",
        EventKind::Peer(PeerEvent::ServerLost { .. }) => "server_lost",
        EventKind::Peer(PeerEvent::RedialFailed { .. }) => "redial_failed",
        EventKind::Peer(PeerEvent::Reconnected) => "reconnected",
        EventKind::Edge { event: EdgeEvent::GuestMessage { .. }, .. } => "guest_message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{FrameKind, PeerIndex, Phase, Place, RoomIndex, SignalDigest};
    use std::time::Duration;

    fn check(what: EventKind, expected: &str) {
        let start = Instant::now();
        let place = Place { room: RoomIndex(2), seat: Seat(1), peer: PeerIndex(9) };
        let event = Event::new(start + Duration::from_millis(3), place, what);
        let line = EventLine::of(&event, start, "room-2", Some("webrtc-offer"));
        assert_eq!(serde_json::to_string(&line).unwrap(), expected);
    }

    #[test]
    fn a_line_is_a_line_that_names_peers_as_the_plan_does() {
        check(EventKind::Peer(PeerEvent::Upgraded), r#"{"at_us":3000,"room":"room-2","peer":9,"what":"upgraded"}"#);
        check(
            EventKind::Peer(PeerEvent::Frame {
                kind: FrameKind(0),
                bytes: 7,
                concern: Concern::Me { from: Some(Seat(0)) },
            }),
            r#"{"at_us":3000,"room":"room-2","peer":9,"what":"frame","other":8,"kind":"webrtc-offer","bytes":7,"concern":"me"}"#,
        );
        check(
            EventKind::Edge { other: Seat(2), event: EdgeEvent::Failed { failure: Failure::timed_out(Phase::Ice) } },
            r#"{"at_us":3000,"room":"room-2","peer":9,"what":"edge_failed","other":10,"phase":"ice","reason":"timed_out"}"#,
        );
        let digest = SignalDigest::default();
        check(
            EventKind::Edge {
                other: Seat(0),
                event: EdgeEvent::Signal { said: true, part: SignalPart::Offer, digest, candidate: None },
            },
            &format!(
                r#"{{"at_us":3000,"room":"room-2","peer":9,"what":"signal","other":8,"part":"offer","said":true,"digest":"{digest}"}}"#
            ),
        );
    }
}
