//! Chunks from being queued to being acknowledged, in the order of their TSNs (RFC 9260 §6.1, RFC 3758 §3.5).

use super::wire::{DATA_HEADER_BYTES, PacketWriter, Sack, flag, kind};
use std::collections::VecDeque;
use std::time::Instant;

/// Reports that a chunk is missing after which it is sent again (RFC 9260 §7.2.4).
const MISSING_MAX: u8 = 3;

/// When a message that is not acknowledged is given up (RFC 3758).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Never,
    Retransmits(u32),
    At(Instant),
}

/// A message to be queued.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing<'a> {
    pub stream: u16,
    /// `None`: unordered.
    pub ssn: Option<u16>,
    pub ppid: u32,
    pub limit: Limit,
    /// Not empty.
    pub payload: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Waiting,
    InFlight,
    /// To be sent again.
    Lost,
    /// In a gap block of the other end's.
    Arrived,
    Abandoned,
}

#[derive(Clone, Copy, Debug)]
pub struct QueuedChunk {
    pub fate: Fate,
    pub flags: u8,
    missing: u8,
    pub length: u16,
    pub stream: u16,
    pub ssn: u16,
    ppid: u32,
    /// Where its payload begins, counted from the first byte of the association; wraps.
    start: u32,
    transmits: u32,
    sent_at: Instant,
    limit: Limit,
}

impl QueuedChunk {
    /// Whether its message is to be given up rather than sent (again).
    pub fn is_over(&self, now: Instant) -> bool {
        match self.limit {
            Limit::Never => false,
            Limit::Retransmits(times) => self.transmits > times,
            Limit::At(deadline) => now >= deadline,
        }
    }
}

/// What a SACK tells for the first time.
#[derive(Debug, Default)]
pub struct News {
    pub bytes: u32,
    /// When a chunk that was sent only once left (Karn's rule, RFC 9260 §6.3.1, C5).
    pub sent_once_at: Option<Instant>,
    /// Below this index something arrived later than what is missing.
    pub arrived_below: usize,
    /// As `arrived_below`, with what was reported before.
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

/// Everything that is not acknowledged; exists only while there is something.
#[derive(Debug, Default)]
pub struct Queue {
    /// The first has the TSN after the cumulative TSN ack point.
    pub chunks: VecDeque<QueuedChunk>,
    bytes: VecDeque<u8>,
    /// Chunks before this one were sent, or given up.
    pub sent: usize,
    /// How many are `Lost`.
    pub lost: usize,
    /// Payload of those `InFlight`; in bytes.
    pub in_flight: u32,
}

impl Queue {
    /// Payload that is held; in bytes.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub fn push(&mut self, now: Instant, message: Outgoing<'_>, fragment_bytes_max: usize) {
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
                limit: message.limit,
            });
            start = start.wrapping_add(fragment.len() as u32);
        }
        self.bytes.extend(message.payload);
    }

    /// Appends a chunk to the packet, which puts it in flight. `false`: it does not fit.
    pub fn write(&mut self, index: usize, acked: u32, now: Instant, writer: &mut PacketWriter<'_>) -> bool {
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
    pub fn abandon(&mut self, index: usize) {
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

    /// Forgets the first `count` chunks.
    pub fn acknowledge(&mut self, count: usize) -> News {
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

    /// Marks what the gap blocks report; those that are not in order are ignored, so that each chunk is looked at once.
    pub fn read_gaps(&mut self, sack: &Sack<'_>, news: &mut News) {
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
        // The other end has taken back what it once reported (RFC 9260 §6.2.1, D iii).
        if let Some(first) = self.chunks.front_mut()
            && first.fate == Fate::Arrived
        {
            first.fate = Fate::Lost;
            self.lost += 1;
        }
    }

    /// Counts a report against what is in flight below an index. `true`: something is taken to be lost.
    pub fn count_missing(&mut self, below: usize) -> bool {
        let before = self.lost;
        for chunk in self.chunks.iter_mut().take(below).filter(|chunk| chunk.fate == Fate::InFlight) {
            chunk.missing = chunk.missing.saturating_add(1);
            // Sent again once like this; after that it is the timer's (RFC 9260 §7.2.4, 5).
            if chunk.missing == MISSING_MAX {
                chunk.fate = Fate::Lost;
                self.in_flight -= u32::from(chunk.length);
                self.lost += 1;
            }
        }
        self.lost > before
    }

    /// Takes all that is in flight to be lost.
    pub fn lose_all(&mut self) {
        for chunk in self.chunks.iter_mut().take(self.sent).filter(|chunk| chunk.fate == Fate::InFlight) {
            chunk.fate = Fate::Lost;
            self.lost += 1;
        }
        self.in_flight = 0;
    }
}

/// The bytes of `slice` from one index up to another, as far as it has them.
fn part(slice: &[u8], from: usize, until: usize) -> &[u8] {
    slice.get(from.min(slice.len())..until.min(slice.len())).unwrap_or_default()
}
