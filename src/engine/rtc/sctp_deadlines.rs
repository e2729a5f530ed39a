//! When SCTP's timers can have something to do, told from the datagrams that pass.
//!
//! The core tells one deadline for all of its layers, and its ICE agent's comes five times a second: it hides SCTP's behind it. A
//! channel with a message now and then would be woken for nothing most of the time. DTLS hides what a datagram holds,
//! but not how long it is, and a packet that only acknowledges is shorter than any that carries a message.

use std::time::{Duration, Instant};

/// How long an acknowledgement may be held back (RFC 9260 §6.2).
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(200);

/// A chunk that is not acknowledged is not sent again before (RTO.Min, RFC 9260 §16).
const RESENT_AFTER: Duration = Duration::from_secs(1);

/// A DTLS 1.2 record (13), the nonce and tag of AES-GCM (8 and 16), and in them SCTP's header (12) and a SACK without gaps
/// (16); in bytes. The shortest packet with data, a DCEP acknowledgement, has 4 more.
const ACKNOWLEDGEMENT_BYTES_MAX: usize = 65;

/// The debts and expectations of one association. Should a length mislead, an acknowledgement is late, and the
/// other end's timer asks for it.
#[derive(Debug, Default)]
pub(super) struct SctpDeadlines {
    /// An acknowledgement is due by then.
    owes: Option<Instant>,
    /// Sent chunks may have to be sent again then.
    resends: Option<Instant>,
    /// Something was sent, and no acknowledgement has come since.
    unanswered: bool,
}

impl SctpDeadlines {
    /// A datagram that is not STUN has come.
    pub(super) fn heard(&mut self, now: Instant, bytes: usize) {
        if bytes > ACKNOWLEDGEMENT_BYTES_MAX {
            self.owes.get_or_insert(now + ACKNOWLEDGED_WITHIN);
        } else {
            self.unanswered = false;
            self.resends = self.resends.map(|_| now + RESENT_AFTER);
        }
    }

    /// A datagram that is not STUN goes out.
    pub(super) fn said(&mut self, now: Instant, bytes: usize) {
        if bytes > ACKNOWLEDGEMENT_BYTES_MAX {
            self.unanswered = true;
            self.resends.get_or_insert(now + RESENT_AFTER);
        } else {
            self.owes = None;
        }
    }

    /// All of the core's timers that were due were served.
    pub(super) fn served(&mut self, now: Instant) {
        self.owes = self.owes.filter(|due| *due > now);
        if self.resends.is_some_and(|due| due <= now) {
            self.resends = Some(now + RESENT_AFTER);
        }
    }

    /// When the timers are to be served; `in_flight`: whether a message is known not to be acknowledged.
    pub(super) fn next(&mut self, in_flight: impl FnOnce() -> bool) -> Option<Instant> {
        self.resends = self.resends.filter(|_| self.unanswered || in_flight());
        [self.owes, self.resends].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: usize = 81;
    const SACK: usize = 65;

    fn at(start: Instant, millis: u64) -> Instant {
        start + Duration::from_millis(millis)
    }

    #[test]
    fn a_message_is_acknowledged_in_time_and_then_nothing_is_due() {
        let (start, mut deadlines) = (Instant::now(), SctpDeadlines::default());
        deadlines.heard(start, MESSAGE);
        deadlines.heard(at(start, 50), SACK);
        assert_eq!(deadlines.next(|| false), Some(at(start, 200)));
        deadlines.served(at(start, 200));
        deadlines.said(at(start, 200), SACK);
        assert_eq!(deadlines.next(|| false), None);
    }

    #[test]
    fn an_acknowledgement_at_once_leaves_nothing_to_wait_for() {
        let (start, mut deadlines) = (Instant::now(), SctpDeadlines::default());
        deadlines.heard(start, MESSAGE);
        deadlines.heard(at(start, 50), MESSAGE);
        deadlines.said(at(start, 50), SACK);
        assert_eq!(deadlines.next(|| false), None);
    }

    #[test]
    fn what_is_not_acknowledged_is_looked_at_again_and_again() {
        let (start, mut deadlines) = (Instant::now(), SctpDeadlines::default());
        deadlines.said(start, MESSAGE);
        assert_eq!(deadlines.next(|| true), Some(at(start, 1_000)));
        deadlines.served(at(start, 1_000));
        assert_eq!(deadlines.next(|| true), Some(at(start, 2_000)));
        deadlines.heard(at(start, 1_500), SACK);
        assert_eq!(deadlines.next(|| true), Some(at(start, 2_500)), "a part of it: the timer began anew");
        assert_eq!(deadlines.next(|| false), None);
    }

    #[test]
    fn what_no_channel_counts_is_waited_for_too() {
        let (start, mut deadlines) = (Instant::now(), SctpDeadlines::default());
        deadlines.said(start, 69);
        assert_eq!(deadlines.next(|| false), Some(at(start, 1_000)), "the channel's own acknowledgement");
        deadlines.heard(at(start, 200), SACK);
        assert_eq!(deadlines.next(|| false), None);
    }

    #[test]
    fn one_that_is_due_later_than_this_wake_up_is_kept() {
        let (start, mut deadlines) = (Instant::now(), SctpDeadlines::default());
        deadlines.heard(at(start, 100), MESSAGE);
        deadlines.served(at(start, 150));
        assert_eq!(deadlines.next(|| false), Some(at(start, 300)));
    }
}
