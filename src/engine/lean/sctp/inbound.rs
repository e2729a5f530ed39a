//! The receiving half of an association: counts TSNs, delivers messages and acknowledges (RFC 9260 §6).

use super::held::Held;
use super::streams::{InboundStream, SctpEvent, Streams};
use super::wire::{Data, PacketWriter, SACK_BYTES, flag, kind, u16_at, u32_at};
use crate::engine::lean::drive::Ended;
use crate::engine::lean::ranges::Ranges;
use std::time::{Duration, Instant};

/// Longest delay of an acknowledgement (RFC 9260 §6.2).
const ACKNOWLEDGED_WITHIN: Duration = Duration::from_millis(200);

/// Receive window, twice the longest message: undelivered payload fills it, with `held::COST` for each piece; in bytes.
pub(super) const WINDOW_BYTES: usize = 512 * 1024;

/// Most TSNs that a chunk may be ahead of the cumulative one; no sender that respects the window gets there.
const AHEAD_MAX: u64 = 16_384;

/// Most gap blocks of a SACK, which has to fit into a packet.
const GAPS_MAX: usize = 256;

/// The receiving half.
#[derive(Debug)]
pub(super) struct Inbound {
    /// The cumulative TSN, extended to 64 bits: every TSN up to it has come.
    cumulative: u64,
    /// Received TSNs above `cumulative`.
    above: Ranges,
    held: Option<Box<Held>>,
    /// Packets with data since the last acknowledgement.
    owed: u8,
    at_once: bool,
    /// Latest time of the next acknowledgement.
    pub timer: Option<Instant>,
}

impl Inbound {
    pub(super) fn new(first_tsn: u32) -> Self {
        Self {
            // The offset keeps `unwrapped` above zero, however far back a TSN lies.
            cumulative: (1 << 32) + u64::from(first_tsn) - 1,
            above: Ranges::default(),
            held: None,
            owed: 0,
            at_once: false,
            timer: None,
        }
    }

    pub(super) fn cumulative(&self) -> u32 {
        self.cumulative as u32
    }

    /// The TSN extended to 64 bits: the value nearest to `cumulative`.
    fn unwrapped(&self, tsn: u32) -> u64 {
        self.cumulative.wrapping_add_signed(i64::from(tsn.wrapping_sub(self.cumulative()) as i32))
    }

    /// Takes in one DATA chunk, and delivers the messages that are complete and in order.
    ///
    /// # Errors
    /// A message is longer than `message_bytes_max`, two have one sequence number, or more is held than any window allowed.
    pub(super) fn on_data(
        &mut self,
        data: &Data<'_>,
        streams: &mut Streams,
        message_bytes_max: usize,
        events: &mut Vec<SctpEvent>,
    ) -> Result<(), Ended> {
        let tsn = self.unwrapped(data.tsn);
        let had_gaps = !self.above.is_empty();
        if !self.note(tsn) {
            self.at_once = true;
            return Ok(());
        }
        self.at_once |= had_gaps || !self.above.is_empty() || data.flags & flag::AT_ONCE != 0;
        let Some(stream) = streams.at(data.stream) else { return Ok(()) };
        if data.is_whole() && (data.is_unordered() || stream.next_in == data.ssn) {
            if !data.is_unordered() {
                stream.next_in = data.ssn.wrapping_add(1);
            }
            let payload = data.payload.to_vec();
            events.push(SctpEvent::Message { stream: data.stream, ppid: data.ppid, payload });
        } else {
            self.held.get_or_insert_default().put(tsn, data, message_bytes_max, events)?;
        }
        self.hand_on(data.stream, stream, events);
        if self.held.as_ref().is_some_and(|held| held.bytes() > WINDOW_BYTES + message_bytes_max) {
            return Err(Ended::failed("more sent than the window allows"));
        }
        Ok(())
    }

    fn hand_on(&mut self, id: u16, stream: &mut InboundStream, events: &mut Vec<SctpEvent>) {
        let Some(held) = &mut self.held else { return };
        held.hand_on(id, stream, events);
        if held.is_empty() {
            self.held = None;
        }
    }

    /// Counts a TSN as received. `false`: it was before, is too far ahead, or the window is full.
    fn note(&mut self, tsn: u64) -> bool {
        let is_full = self.held.as_ref().is_some_and(|held| held.bytes() >= WINDOW_BYTES);
        let ahead_max = if is_full { 1 } else { AHEAD_MAX };
        if tsn <= self.cumulative || tsn > self.cumulative + ahead_max || self.above.contains(tsn) {
            return false;
        }
        if tsn > self.cumulative + 1 {
            return self.above.add(tsn..tsn + 1, GAPS_MAX);
        }
        self.advance(tsn);
        true
    }

    /// Moves `cumulative` to `tsn`, and past the ranges that adjoin it.
    fn advance(&mut self, tsn: u64) {
        self.cumulative = self.above.drain_to(tsn + 1) - 1;
    }

    /// Takes in a FORWARD-TSN: the other end gives up the chunks that are missing (RFC 3758 §3.6).
    pub(super) fn on_forward(&mut self, body: &[u8], streams: &mut Streams, events: &mut Vec<SctpEvent>) {
        let Some(tsn) = u32_at(body, 0).map(|tsn| self.unwrapped(tsn)) else { return };
        self.at_once = true;
        if tsn <= self.cumulative {
            return;
        }
        if let Some(held) = &mut self.held {
            held.drop_incomplete(tsn);
        }
        self.advance(tsn);
        for skipped in body[4..].chunks_exact(4) {
            let (Some(id), Some(ssn)) = (u16_at(skipped, 0), u16_at(skipped, 2)) else { continue };
            let Some(stream) = streams.at(id) else { continue };
            let is_ahead = |stream: &InboundStream| (ssn.wrapping_sub(stream.next_in) as i16) >= 0;
            if let Some(held) = &mut self.held
                && is_ahead(stream)
            {
                held.skip(id, ssn, stream, events);
            }
            if is_ahead(stream) {
                stream.next_in = ssn.wrapping_add(1);
            }
            self.hand_on(id, stream, events);
        }
        if self.held.as_ref().is_some_and(|held| held.is_empty()) {
            self.held = None;
        }
    }

    /// Counts a packet with data; each second one is acknowledged at once (RFC 9260 §6.2).
    pub(super) fn after_packet(&mut self, now: Instant) {
        self.owed = self.owed.saturating_add(1);
        if self.owed >= 2 {
            self.at_once = true;
        }
        if self.timer.is_none() {
            self.timer = Some(now + ACKNOWLEDGED_WITHIN);
        }
    }

    pub(super) fn on_timeout(&mut self) {
        self.timer = None;
        self.at_once = true;
    }

    /// `true`: an acknowledgement may go out with other chunks.
    pub(super) fn owes(&self) -> bool {
        self.owed > 0 || self.at_once
    }

    /// `true`: an acknowledgement has to go out now.
    pub(super) fn owes_at_once(&self) -> bool {
        self.at_once
    }

    /// Payload that the other end may still send; in bytes.
    fn window(&self) -> u32 {
        WINDOW_BYTES.saturating_sub(self.held.as_ref().map_or(0, |held| held.bytes())) as u32
    }

    pub(super) fn write_sack(&self, writer: &mut PacketWriter<'_>) {
        // `AHEAD_MAX` keeps distances within 16 bits.
        let distance = |tsn: u64| (tsn - self.cumulative) as u32;
        let above = self.above.as_slice();
        let gaps = above.len().min(writer.room().saturating_sub(SACK_BYTES) / 4);
        writer.chunk(kind::SACK, 0, |body| {
            body.extend_from_slice(&self.cumulative().to_be_bytes());
            body.extend_from_slice(&self.window().to_be_bytes());
            body.extend_from_slice(&(gaps as u16).to_be_bytes());
            body.extend_from_slice(&[0; 2]);
            for range in &above[..gaps] {
                let block = distance(range.start) << 16 | distance(range.end - 1);
                body.extend_from_slice(&block.to_be_bytes());
            }
        });
    }

    /// Records that the acknowledgement was sent.
    pub(super) fn acknowledged(&mut self) {
        self.owed = 0;
        self.at_once = false;
        self.timer = None;
    }
}
