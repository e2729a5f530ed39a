//! When the flight of a handshake is sent again (RFC 6347 §4.2.4).

use super::DtlsRole;
use super::assembly::Fragment;
use super::handshake::DtlsHandshake;
use std::time::{Duration, Instant};

/// The first pause before a flight is sent again, where the path is not slower; RFC 6347 §4.2.4.1 has 1 s for paths that nobody has
/// measured, but ICE has measured this one, and has paced its checks by the same.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The pause doubles up to here: a handshake has seconds, not the minute of RFC 6347 §4.2.4.1.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Round trips of the path that the first pause leaves for an answer.
const ROUND_TRIPS: u32 = 4;

/// More than any handshake is given time for.
const RESENDS_MAX: u8 = 60;

/// A repeat of the other end's flight is answered with ours, but not more often than this: duplicates of one datagram
/// come together.
const ANSWERED_AFTER: Duration = Duration::from_millis(20);

/// The handshake, and when its flight is sent again.
pub struct Handshaking {
    pub core: DtlsHandshake,
    /// The next sequence number of epoch 0.
    pub plain: u64,
    /// The first of the other end's messages that can answer the flight.
    answered_from: u16,
    pub sent_at: Option<Instant>,
    pub pause: Duration,
    pause_first: Duration,
    pub resend_at: Option<Instant>,
    resends: u8,
}

impl Handshaking {
    pub fn new(role: DtlsRole, mut core: DtlsHandshake, round_trip: Duration) -> Self {
        if role == DtlsRole::Client {
            core.hello(&[]);
        }
        let pause = (round_trip * ROUND_TRIPS).clamp(PAUSE_FIRST, PAUSE_MAX);
        let (sent_at, resend_at) = (None, None);
        Self { core, plain: 0, answered_from: 0, sent_at, pause, pause_first: pause, resend_at, resends: 0 }
    }

    /// The flight is to be sent again, and the next time later. `false`: it was in vain too often.
    pub fn back_off(&mut self) -> bool {
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.resends += 1;
        self.resends <= RESENDS_MAX
    }

    /// What has come has led to another flight.
    pub fn on_new_flight(&mut self) {
        self.pause = self.pause_first;
        self.answered_from = self.core.assembly.next;
    }

    /// Whether the other end's flight before ours has come again, so that ours is lost or late: its last message tells.
    pub fn is_repeat(&self, now: Instant, fragment: &Fragment<'_>) -> bool {
        let is_rested = self.sent_at.is_some_and(|at| now.duration_since(at) >= ANSWERED_AFTER);
        fragment.sequence.checked_add(1) == Some(self.answered_from)
            && self.core.assembly.next == self.answered_from
            && is_rested
    }
}
