//! A handshake's flight timer (RFC 6347 §4.2.4), and the records that came before their turn.

use super::assembly::Fragment;
use super::handshake::DtlsHandshake;
use super::prf::DtlsRole;
use super::record::Record;
use std::time::{Duration, Instant};

/// The shortest first pause before a flight is sent again. RFC 6347 §4.2.4.1 has 1 s for unmeasured paths, but ICE has
/// measured this one.
const PAUSE_FIRST: Duration = Duration::from_millis(100);

/// The longest pause: a handshake has seconds, not the minute of RFC 6347 §4.2.4.1.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// The first pause in round trips of the path.
const ROUND_TRIPS: u32 = 4;

/// Most retransmissions in a handshake: more than fit into its timeout.
const RESENDS_MAX: u8 = 60;

/// The shortest pause before a repeat of the other end's flight is answered with ours again: duplicates of one datagram
/// arrive together.
const ANSWERED_AFTER: Duration = Duration::from_millis(20);

/// Most early records that are kept, and their longest body in bytes. The other end sends dropped ones again.
const EARLY_MAX: usize = 4;
const EARLY_BYTES_MAX: usize = 2_048;

/// The handshake, its retransmission timer, and records that came early.
pub(super) struct Handshaking {
    pub core: DtlsHandshake,
    /// Records of epoch 1 that came before the messages that their keys come from, or before the Finished: content type,
    /// sequence number and sealed content.
    pub early: Vec<(u8, u64, Vec<u8>)>,
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
    pub(super) fn new(role: DtlsRole, mut core: DtlsHandshake, round_trip: Duration) -> Self {
        if role == DtlsRole::Client {
            core.hello(&[]);
        }
        let pause = (round_trip * ROUND_TRIPS).clamp(PAUSE_FIRST, PAUSE_MAX);
        let (sent_at, resend_at) = (None, None);
        Self {
            core,
            early: Vec::new(),
            plain: 0,
            answered_from: 0,
            sent_at,
            pause,
            pause_first: pause,
            resend_at,
            resends: 0,
        }
    }

    pub(super) fn keep(&mut self, record: &Record<'_>) {
        if self.early.len() < EARLY_MAX && record.body.len() <= EARLY_BYTES_MAX {
            self.early.push((record.kind, record.sequence, record.body.to_vec()));
        }
    }

    /// Doubles the pause before the flight is sent again. `false`: it was sent too often without an answer.
    pub(super) fn back_off(&mut self) -> bool {
        self.pause = (self.pause * 2).min(PAUSE_MAX);
        self.resends += 1;
        self.resends <= RESENDS_MAX
    }

    /// Resets the pause for a new flight.
    pub(super) fn on_new_flight(&mut self) {
        self.pause = self.pause_first;
        self.answered_from = self.core.assembly.next;
    }

    /// True if the last message of the other end's previous flight has come again: our flight is lost or late.
    pub(super) fn is_repeat(&self, now: Instant, fragment: &Fragment<'_>) -> bool {
        let is_rested = self.sent_at.is_some_and(|at| now.duration_since(at) >= ANSWERED_AFTER);
        fragment.sequence.checked_add(1) == Some(self.answered_from)
            && self.core.assembly.next == self.answered_from
            && is_rested
    }
}
