//! Chunks from the queueing to the acknowledgement, in the order of their TSNs (RFC 9260 §6.1, RFC 3758 §3.5).

use super::wire::{DATA_HEADER_BYTES, PacketWriter, Sack, flag, kind};
use crate::vocabulary::Reliability;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Miss indications after which a chunk is sent again (RFC 9260 §7.2.4).
const MISSING_MAX: u8 = 3;

/// The delivery guarantee of a message: its order, and when it is given up if it is not acknowledged (RFC 3758).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelPromise {
    pub ordered: bool,
    pub reliability: Reliability,
}

impl ChannelPromise {
    pub const RELIABLE: Self = Self { ordered: true, reliability: Reliability::Reliable };
}

/// A message to be queued.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing<'a> {
    pub stream: u16,
    /// `None`: unordered.
    pub ssn: Option<u16>,
    pub ppid: u32,
    pub reliability: Reliability,
    /// Not empty.
    pub payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Waiting,
    InFlight,
    /// To be sent again.
    Lost,
    /// Reported in a gap block of a SACK.
    Arrived,
    Abandoned,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct QueuedChunk {
    pub fate: Fate,
    pub flags: u8,
    missing: u8,
    pub length: u16,
    pub stream: u16,
    pub ssn: u16,
    ppid: u32,
    /// Offset of its payload from the association's first byte; wraps.
    start: u32,
    transmits: u32,
    sent_at: Instant,
    queued_at: Instant,
    reliability: Reliability,
}

impl QueuedChunk {
    /// `true`: its message is to be given up rather than sent, or sent again.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        match self.reliability {
            Reliability::Reliable => false,
            Reliability::MaxRetransmits(times) => self.transmits > times.into(),
            Reliability::MaxLifetime(millis) => now >= self.queued_at + Duration::from_millis(millis.into()),
        }
    }
}

/// Chunks that a SACK acknowledges for the first time.
#[derive(Debug, Default)]
pub(super) struct News {
    pub bytes: u32,
    /// Send time of a chunk that was sent only once (Karn's rule, RFC 9260 §6.3.1, C5).
    pub sent_once_at: Option<Instant>,
    /// Index of the highest chunk newly reported as arrived; chunks in flight below it are missing.
    pub arrived_below: usize,
    /// End of the last gap block, which also covers chunks reported before.
    pub reported_below: usize,
}

impl News {
    fn add(&mut self, chunk: &QueuedChunk) {
        self.bytes += u32::from(chunk.length);
        if chunk.transmits == 1 {
            self.sent_once_at = Some(chunk.sent_at);
        }
    }
}

/// Chunks that are not acknowledged; exists only while there are some.
#[derive(Debug, Default)]
pub(super) struct Queue {
    /// The first chunk has the TSN after the cumulative TSN ack point.
    pub chunks: VecDeque<QueuedChunk>,
    bytes: VecDeque<u8>,
    /// Chunks before this index were sent, or given up.
    pub sent: usize,
    /// Number of chunks that are `Lost`.
    pub lost: usize,
    /// Payload of the chunks that are `InFlight`; in bytes.
    pub in_flight: u32,
}

impl Queue {
    /// Payload of all chunks; in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn push(&mut self, now: Instant, message: Outgoing<'_>, fragment_bytes_max: usize) {
        let mut start = self.chunks.back().map_or(0, |last| last.start.wrapping_add(last.length.into()));
        let count = message.payload.len().div_ceil(fragment_bytes_max);
        let order = if message.ssn.is_none() { flag::UNORDERED } else { 0 };
        for (index, fragment) in message.payload.chunks(fragment_bytes_max).enumerate() {
            let begins = if index == 0 { flag::BEGINS } else { 0 };
            let ends = if index + 1 == count { flag::ENDS } else { 0 };
            self.chunks.push_back(QueuedChunk {
                fate: Fate::Waiting,
                flags: order | begins | ends,
                missing: 0,
                length: fragment.len() as u16,
                stream: message.stream,
                ssn: message.ssn.unwrap_or(0),
                ppid: message.ppid,
                start,
                transmits: 0,
                sent_at: now,
                queued_at: now,
                reliability: message.reliability,
            });
            start = start.wrapping_add(fragment.len() as u32);
        }
        self.bytes.extend(message.payload);
    }

    /// Appends a chunk to the packet, and marks it `InFlight`. `false`: it does not fit.
    pub(super) fn write(&mut self, index: usize, acked: u32, now: Instant, writer: &mut PacketWriter<'_>) -> bool {
        let base = self.chunks[0].start;
        let chunk = &mut self.chunks[index];
        let length = usize::from(chunk.length);
        if writer.room() < (DATA_HEADER_BYTES + length).next_multiple_of(4) {
            return false;
        }
        chunk.fate = Fate::InFlight;
        chunk.transmits += 1;
        chunk.sent_at = now;
        self.in_flight += u32::from(chunk.length);
        let from = chunk.start.wrapping_sub(base) as usize;
        let (front, back) = self.bytes.as_slices();
        writer.chunk(kind::DATA, chunk.flags, |body| {
            body.extend_from_slice(&acked.wrapping_add(1 + index as u32).to_be_bytes());
            body.extend_from_slice(&chunk.stream.to_be_bytes());
            body.extend_from_slice(&chunk.ssn.to_be_bytes());
            body.extend_from_slice(&chunk.ppid.to_be_bytes());
            body.extend_from_slice(part(front, from, from + length));
            let skipped = front.len();
            body.extend_from_slice(part(back, from.saturating_sub(skipped), (from + length).saturating_sub(skipped)));
        });
        true
    }

    /// Gives up the message that the chunk is a part of.
    pub(super) fn abandon(&mut self, index: usize) {
        let first = (0..=index).rev().find(|at| self.chunks[*at].flags & flag::BEGINS != 0).unwrap_or(0);
        for chunk in self.chunks.iter_mut().skip(first) {
            match chunk.fate {
                Fate::InFlight => self.in_flight -= u32::from(chunk.length),
                Fate::Lost => self.lost -= 1,
                Fate::Waiting | Fate::Arrived | Fate::Abandoned => {}
            }
            chunk.fate = Fate::Abandoned;
            if chunk.flags & flag::ENDS != 0 {
                break;
            }
        }
    }

    /// Removes the first `count` chunks.
    pub(super) fn acknowledge(&mut self, count: usize) -> News {
        let mut news = News::default();
        let mut bytes = 0;
        for chunk in self.chunks.drain(..count) {
            bytes += usize::from(chunk.length);
            match chunk.fate {
                Fate::InFlight => self.in_flight -= u32::from(chunk.length),
                Fate::Lost => self.lost -= 1,
                Fate::Waiting | Fate::Arrived | Fate::Abandoned => continue,
            }
            news.add(&chunk);
        }
        self.bytes.drain(..bytes);
        self.sent -= count;
        news
    }

    /// Marks the chunks that the gap blocks report. It ignores blocks that are out of order, and so reads each chunk once.
    pub(super) fn read_gaps(&mut self, sack: &Sack<'_>, news: &mut News) {
        let mut from = 1;
        for (first, last) in sack.gaps() {
            let (first, last) = (usize::from(first) - usize::from(first > 0), usize::from(last));
            if first < from || last <= first || last > self.sent {
                continue;
            }
            for index in first..last {
                let chunk = &mut self.chunks[index];
                match chunk.fate {
                    Fate::InFlight => self.in_flight -= u32::from(chunk.length),
                    Fate::Lost => self.lost -= 1,
                    Fate::Waiting | Fate::Arrived | Fate::Abandoned => continue,
                }
                chunk.fate = Fate::Arrived;
                news.add(chunk);
                news.arrived_below = index;
            }
            news.reported_below = last;
            from = last;
        }
        // The other end has dropped a chunk that it once reported (RFC 9260 §6.2.1, D iii).
        if let Some(first) = self.chunks.front_mut()
            && first.fate == Fate::Arrived
        {
            first.fate = Fate::Lost;
            self.lost += 1;
        }
    }

    /// Adds a miss indication to each chunk in flight below an index. `true`: a chunk became `Lost`.
    pub(super) fn count_missing(&mut self, below: usize) -> bool {
        let before = self.lost;
        for chunk in self.chunks.iter_mut().take(below).filter(|chunk| chunk.fate == Fate::InFlight) {
            chunk.missing = chunk.missing.saturating_add(1);
            // Fast retransmit sends a chunk again once; later repeats wait for T3 (RFC 9260 §7.2.4, 5).
            if chunk.missing == MISSING_MAX {
                chunk.fate = Fate::Lost;
                self.in_flight -= u32::from(chunk.length);
                self.lost += 1;
            }
        }
        self.lost > before
    }

    /// Marks all chunks in flight as `Lost`.
    pub(super) fn lose_all(&mut self) {
        for chunk in self.chunks.iter_mut().take(self.sent).filter(|chunk| chunk.fate == Fate::InFlight) {
            chunk.fate = Fate::Lost;
            self.lost += 1;
        }
        self.in_flight = 0;
    }
}

/// The bytes of `slice` from one index up to another, cut at its end.
fn part(slice: &[u8], from: usize, until: usize) -> &[u8] {
    slice.get(from.min(slice.len())..until.min(slice.len())).unwrap_or_default()
}
