//! The sending half of an association: windows, retransmission and partial reliability (RFC 9260 §6 and §7, RFC 3758).

use super::queue::{Fate, Outgoing, Queue};
use super::rto::{OPENING_REPEATS_MAX, Rto};
use super::wire::{DATA_HEADER_BYTES, HEADER_BYTES, PacketWriter, SACK_BYTES, Sack, flag, kind};
use std::time::Instant;

/// Longest packet that no path has to split once DTLS, UDP and IP are around it; in bytes.
pub(super) const PACKET_BYTES_MAX: usize = 1_188;

/// `PACKET_BYTES_MAX` as the unit of congestion control.
const MTU: u32 = PACKET_BYTES_MAX as u32;

/// Most payload of one DATA chunk: a SACK without gaps always fits beside it; in bytes.
const FRAGMENT_BYTES_MAX: usize = PACKET_BYTES_MAX - HEADER_BYTES - SACK_BYTES - DATA_HEADER_BYTES;

/// Most payload that is queued or not acknowledged; in bytes, where each chunk counts `CHUNK_COST` more.
const QUEUED_BYTES_MAX: usize = 256 * 1024;
const CHUNK_COST: usize = 32;

/// Initial congestion window (RFC 9260 §7.2.1); in bytes.
const WINDOW_INITIAL: u32 = 4_404;

/// Largest congestion window, beyond which no path gains; in bytes.
const WINDOW_MAX: u32 = 1024 * 1024;

/// Most timeouts in a row before the other end counts as gone, after some 170 s. Association.Max.Retrans of RFC 9260 §16 is 10,
/// which a path that loses a fifth of all packets reaches by chance; whether the other end lives, consent decides (RFC 7675).
const TIMEOUTS_MAX: u8 = 20;

/// Most streams that one FORWARD-TSN names.
const SKIPPED_MAX: usize = 64;

/// The sending half.
#[derive(Debug)]
pub(super) struct Outbound {
    /// Cumulative TSN ack point.
    acked: u32,
    queue: Option<Box<Queue>>,
    pub rto: Rto,
    /// T3-rtx.
    pub timer: Option<Instant>,
    window: u32,
    threshold: u32,
    partly_acked: u32,
    /// Fast recovery lasts until this TSN is acknowledged.
    recovers_until: Option<u32>,
    other_window: u32,
    timeouts: u8,
    /// A retransmission may go out whatever the congestion window says (RFC 9260 §7.2.4).
    urgent: bool,
    forward_due: bool,
    /// The other end understands FORWARD-TSN.
    forwards: bool,
}

impl Outbound {
    pub(super) fn new(first_tsn: u32) -> Self {
        Self {
            acked: first_tsn.wrapping_sub(1),
            queue: None,
            rto: Rto::default(),
            timer: None,
            window: WINDOW_INITIAL,
            threshold: u32::MAX,
            partly_acked: 0,
            recovers_until: None,
            other_window: PACKET_BYTES_MAX as u32,
            timeouts: 0,
            urgent: false,
            forward_due: false,
            forwards: false,
        }
    }

    /// Takes the values of the other end's INIT or INIT-ACK: its receive window in bytes, and its support of FORWARD-TSN.
    pub(super) fn begin(&mut self, other_window: u32, forwards: bool) {
        self.other_window = other_window;
        self.forwards = forwards;
    }

    /// Starts T3 for the chunks sent before the association was established.
    pub(super) fn arm(&mut self, now: Instant) {
        if self.queue.as_ref().is_some_and(|queue| queue.in_flight > 0) {
            self.timer = Some(now + self.rto.timeout());
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_none()
    }

    /// The TSN of the last chunk queued.
    pub(super) fn last_tsn(&self) -> u32 {
        self.acked.wrapping_add(self.queue.as_ref().map_or(0, |queue| queue.chunks.len() as u32))
    }

    /// Everything up to this TSN is acknowledged.
    pub(super) fn acked(&self) -> u32 {
        self.acked
    }

    /// `true`: a message of `bytes` may be queued. An empty queue takes any.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.queue
            .as_ref()
            .is_none_or(|queue| queue.bytes + queue.chunks.len() * CHUNK_COST + bytes <= QUEUED_BYTES_MAX)
    }

    pub(super) fn push(&mut self, now: Instant, message: Outgoing<'_>) {
        self.queue.get_or_insert_default().push(now, message, FRAGMENT_BYTES_MAX);
    }

    /// Appends the chunks that may be sent now, until the packet is full. `false`: nothing was left to append.
    pub(super) fn fill(&mut self, now: Instant, writer: &mut PacketWriter<'_>) -> bool {
        if self.queue.is_none() {
            return false;
        }
        let before = writer.room();
        self.send_chunks(now, writer);
        self.urgent = false;
        self.forward(writer);
        let wrote = writer.room() < before;
        if wrote && self.timer.is_none() {
            self.timer = Some(now + self.rto.timeout());
        }
        wrote
    }

    /// Appends the lost chunks, and behind them those that were never sent.
    fn send_chunks(&mut self, now: Instant, writer: &mut PacketWriter<'_>) {
        let Some(queue) = self.queue.as_deref_mut() else { return };
        let mut index = 0;
        loop {
            if queue.lost == 0 {
                index = index.max(queue.sent);
            }
            let Some(chunk) = queue.chunks.get(index) else { return };
            let (is_new, length) = (index == queue.sent, chunk.length());
            if matches!(chunk.fate, Fate::Lost | Fate::Waiting) {
                if self.forwards && chunk.is_over(now) {
                    self.forward_due = true;
                    queue.abandon(index);
                    continue;
                }
                let within = queue.in_flight + length <= self.window;
                // One chunk may always be in flight, and probes a window of zero (RFC 9260 §6.1, A).
                let fits = queue.in_flight == 0
                    || if is_new { length <= self.other_window && within } else { self.urgent || within };
                if !fits || !queue.write(index, self.acked, now, writer) {
                    return;
                }
                if is_new {
                    self.other_window = self.other_window.saturating_sub(length);
                }
            }
            index += 1;
            queue.sent = queue.sent.max(index);
        }
    }

    /// Appends a FORWARD-TSN (RFC 3758 §3.2), if the first chunks that are not acknowledged were given up.
    fn forward(&mut self, writer: &mut PacketWriter<'_>) {
        let Some(queue) = self.queue.as_deref() else { return };
        if !self.forward_due || writer.room() < 8 + 4 * SKIPPED_MAX {
            return;
        }
        self.forward_due = false;
        let mut skipped: Vec<(u16, u16)> = Vec::new();
        let mut advanced = self.acked;
        for chunk in queue.chunks.iter().take_while(|chunk| chunk.fate == Fate::Abandoned) {
            if chunk.flags & flag::UNORDERED == 0 {
                match skipped.iter().position(|(stream, _)| *stream == chunk.stream) {
                    Some(at) => skipped[at].1 = chunk.ssn,
                    None if skipped.len() < SKIPPED_MAX => skipped.push((chunk.stream, chunk.ssn)),
                    None => break,
                }
            }
            advanced = advanced.wrapping_add(1);
        }
        if advanced == self.acked {
            return;
        }
        writer.chunk(kind::FORWARD_TSN, 0, |body| {
            body.extend_from_slice(&advanced.to_be_bytes());
            for (stream, ssn) in skipped {
                body.extend_from_slice(&stream.to_be_bytes());
                body.extend_from_slice(&ssn.to_be_bytes());
            }
        });
    }

    /// Takes in a SACK (RFC 9260 §6.2.1); ignores one that is old, or that acknowledges chunks never sent.
    pub(super) fn on_sack(&mut self, now: Instant, sack: &Sack<'_>) {
        let Some(queue) = self.queue.as_deref_mut() else {
            if sack.tsn == self.acked {
                self.other_window = sack.window;
            }
            return;
        };
        let advance = sack.tsn.wrapping_sub(self.acked) as usize;
        if advance > queue.sent {
            return;
        }
        let was_full = queue.in_flight + MTU > self.window;
        let mut news = queue.acknowledge(advance);
        self.acked = sack.tsn;
        queue.read_gaps(sack, &mut news);
        if let Some(sent_at) = news.sent_once_at {
            self.rto.measure(now.saturating_duration_since(sent_at));
        }
        if news.bytes > 0 || advance > 0 || sack.window == 0 {
            self.timeouts = 0;
        }
        let in_recovery = self.recovers_until.is_some_and(|until| (sack.tsn.wrapping_sub(until) as i32) < 0);
        if !in_recovery {
            self.recovers_until = None;
        }
        // In fast recovery an advance counts against everything that is missing (RFC 9260 §7.2.4).
        let below = if in_recovery && advance > 0 { news.reported_below } else { news.arrived_below };
        let lost = queue.count_missing(below);
        if lost && !in_recovery {
            self.threshold = (self.window / 2).max(4 * MTU);
            self.window = self.threshold;
            self.partly_acked = 0;
            self.urgent = true;
            self.recovers_until = Some(sack.tsn.wrapping_add(queue.sent as u32));
        } else if advance > 0 && !in_recovery {
            self.open_window(news.bytes, was_full);
        }
        self.after_sack(now, sack.window, advance > 0);
    }

    /// Takes in the cumulative TSN of a SHUTDOWN.
    pub(super) fn on_cumulative(&mut self, now: Instant, tsn: u32) {
        let in_flight = self.queue.as_ref().map_or(0, |queue| queue.in_flight);
        self.on_sack(now, &Sack::cumulative(tsn, self.other_window.saturating_add(in_flight)));
    }

    /// Grows the congestion window: slow start and congestion avoidance (RFC 9260 §7.2.1, §7.2.2).
    fn open_window(&mut self, bytes: u32, was_full: bool) {
        if self.window <= self.threshold {
            if was_full {
                self.window = (self.window + bytes.min(MTU)).min(WINDOW_MAX);
            }
            return;
        }
        self.partly_acked = self.partly_acked.saturating_add(bytes);
        if self.partly_acked >= self.window && was_full {
            self.partly_acked -= self.window;
            self.window = (self.window + MTU).min(WINDOW_MAX);
        }
    }

    /// Updates T3 and the receive window (RFC 9260 §6.3.2, R2 and R3), and makes a FORWARD-TSN due that the other end still
    /// needs (RFC 3758 §3.5).
    fn after_sack(&mut self, now: Instant, other_window: u32, advanced: bool) {
        let Some(queue) = self.queue.as_deref() else { return };
        self.other_window = other_window.saturating_sub(queue.in_flight);
        if queue.chunks.is_empty() {
            self.queue = None;
            self.partly_acked = 0;
            self.timer = None;
            self.forward_due = false;
            return;
        }
        self.forward_due |= queue.chunks.front().is_some_and(|first| first.fate == Fate::Abandoned);
        if queue.in_flight == 0 && !self.forward_due {
            self.timer = None;
        } else if advanced {
            self.timer = Some(now + self.rto.timeout());
        }
    }

    /// Serves T3-rtx (RFC 9260 §6.3.3). `false`: the other end is gone.
    pub(super) fn on_timeout(&mut self, now: Instant) -> bool {
        self.timer = None;
        let Some(queue) = self.queue.as_deref_mut() else { return true };
        self.timeouts += 1;
        self.rto.back_off();
        self.threshold = (self.window / 2).max(4 * MTU);
        self.window = MTU;
        self.partly_acked = 0;
        self.recovers_until = None;
        queue.lose_all();
        self.forward_due |= queue.chunks.front().is_some_and(|first| first.fate == Fate::Abandoned);
        if self.forward_due {
            self.timer = Some(now + self.rto.timeout());
        }
        self.timeouts <= if self.rto.is_measured() { TIMEOUTS_MAX } else { OPENING_REPEATS_MAX }
    }

    /// Makes all sent chunks go out again with the cookie (RFC 9260 §5.1, C): until its answer T1 runs, not T3.
    pub(super) fn rewind(&mut self) {
        self.timer = None;
        if let Some(queue) = self.queue.as_deref_mut() {
            queue.lose_all();
        }
    }

    /// Drops all queued chunks.
    pub(super) fn clear(&mut self) {
        self.queue = None;
        self.timer = None;
    }
}
