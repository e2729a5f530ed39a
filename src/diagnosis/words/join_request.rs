//! Follows a join request: to a host, to the host's answer, and back to the peer.

use super::super::timeline::Timeline;
use crate::vocabulary::{Concern, EventKind, FrameKind, PeerEvent, Seat};
use std::time::Instant;

/// The dialect's message types of join requests; a dialect without any admits every peer.
#[derive(Clone, Debug, Default)]
pub(in crate::diagnosis) struct JoinRequestWords {
    request: Option<FrameKind>,
    answers: Vec<FrameKind>,
}

/// The last step that the request of a peer that never joined reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::diagnosis) enum JoinRequest {
    Unheard { by: Seat },
    Unanswered { by: Seat, host: Seat },
    AnswerLost { by: Seat, host: Seat },
}

impl JoinRequestWords {
    /// Finds the types by name among the dialect's message types.
    pub(in crate::diagnosis) fn of(kinds: &[&str]) -> Self {
        Self {
            request: FrameKind::named(kinds, &["join-request"]).first().copied(),
            answers: FrameKind::named(kinds, &["join-approved", "join-rejected"]),
        }
    }

    /// The request of the peer `by`; `None` if it never asked, or has joined.
    pub(in crate::diagnosis) fn of_peer(&self, timeline: &Timeline, by: Seat) -> Option<JoinRequest> {
        let request = self.request?;
        if timeline.said_at(by, request).is_none() || timeline.joined_at(by).is_some() {
            return None;
        }
        let host = timeline.seats().find(|seat| timeline.heard_in_place(by, *seat, request) == Some(true));
        let Some(host) = host else { return Some(JoinRequest::Unheard { by }) };
        Some(match self.answers_after(timeline, host, heard_at(timeline, by, host, request)) {
            true => JoinRequest::AnswerLost { by, host },
            false => JoinRequest::Unanswered { by, host },
        })
    }

    /// True if the host has sent an answer since `heard`; on the wire an answer goes to the whole channel.
    fn answers_after(&self, timeline: &Timeline, host: Seat, heard: Option<Instant>) -> bool {
        let said = self.answers.iter().filter_map(|answer| timeline.said_at(host, *answer)).max();
        said.zip(heard).is_some_and(|(said, heard)| heard <= said)
    }
}

fn heard_at(timeline: &Timeline, by: Seat, host: Seat, request: FrameKind) -> Option<Instant> {
    let concern = Concern::Me { from: Some(by) };
    let heard = |what: &EventKind| matches!(what, EventKind::Peer(PeerEvent::Frame { kind, concern: of, .. }) if *kind == request && *of == concern);
    timeline.events().iter().find(|event| event.place.seat == host && heard(&event.kind)).map(|event| event.at)
}

impl JoinRequest {
    pub(in crate::diagnosis) fn evidence(self, timeline: &Timeline) -> String {
        let number = |seat| timeline.number(seat);
        match self {
            Self::Unheard { by } => {
                format!("Peer {} asked to be let in (join-request), and no host heard it.", number(by))
            }
            Self::Unanswered { by, host } => format!(
                "Peer {} asked to be let in (join-request); peer {}, the host, heard it, and never answered.",
                number(by),
                number(host)
            ),
            Self::AnswerLost { by, host } => format!(
                "Peer {} asked to be let in (join-request); peer {}, the host, answered, and the answer never arrived.",
                number(by),
                number(host)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{Event, PeerIndex, Place, RoomIndex};
    use std::time::Duration;

    const KINDS: [&str; 3] = ["join-request", "join-approved", "join-rejected"];
    const REQUEST: FrameKind = FrameKind(0);
    const APPROVED: FrameKind = FrameKind(1);
    const REJECTED: FrameKind = FrameKind(2);

    /// Seat 0 is the host; each event is a millisecond after the one before.
    fn check(events: &[(u16, EventKind)], expected: Option<JoinRequest>) {
        let start = Instant::now();
        let mut timeline = Timeline::new(2, vec![]);
        for (at, (seat, what)) in events.iter().enumerate() {
            let place = Place { room: RoomIndex(0), seat: Seat(*seat), peer: PeerIndex((*seat).into()) };
            timeline.record(&Event::new(start + Duration::from_millis(at as u64), place, what.clone()));
        }
        assert_eq!(JoinRequestWords::of(&KINDS).of_peer(&timeline, Seat(1)), expected, "{events:?}");
        assert_eq!(JoinRequestWords::of(&["offer"]).of_peer(&timeline, Seat(1)), None);
    }

    fn said(kind: FrameKind) -> EventKind {
        EventKind::Peer(PeerEvent::Said { kind, bytes: 9, to: None })
    }

    fn heard(from: u16) -> EventKind {
        EventKind::Peer(PeerEvent::Frame { kind: REQUEST, bytes: 9, concern: Concern::Me { from: Some(Seat(from)) } })
    }

    #[test]
    fn a_request_is_followed_as_far_as_it_came() {
        let (by, host) = (Seat(1), Seat(0));
        check(&[], None);
        check(&[(1, said(REQUEST))], Some(JoinRequest::Unheard { by }));
        check(&[(1, said(REQUEST)), (0, heard(1))], Some(JoinRequest::Unanswered { by, host }));
        check(&[(1, said(REQUEST)), (0, heard(1)), (1, EventKind::Peer(PeerEvent::Joined))], None);
        for answer in [APPROVED, REJECTED] {
            let answered = [(1, said(REQUEST)), (0, heard(1)), (0, said(answer))];
            check(&answered, Some(JoinRequest::AnswerLost { by, host }));
        }
        // The earlier answer was to another request.
        check(&[(1, said(REQUEST)), (0, said(APPROVED)), (0, heard(1))], Some(JoinRequest::Unanswered { by, host }));
    }
}
