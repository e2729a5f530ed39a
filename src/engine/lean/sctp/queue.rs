//! Chunks from the queueing to the acknowledgement, in the order of their TSNs (RFC 9260 §6.1, RFC 3758 §3.5).

use super::wire::{DATA_HEADER_BYTES, PacketWriter, Sack, flag, kind};
use crate::vocabulary::Reliability;
use bytes::Bytes;
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

#[derive(Debug)]
pub(super) struct QueuedChunk {
    pub fate: Fate,
    pub flags: u8,
    missing: u8,
    pub stream: u16,
    pub ssn: u16,
    ppid: u32,
    payload: Bytes,
    transmits: u32,
    sent_at: Instant,
    queued_at: Instant,
    reliability: Reliability,
}

impl QueuedChunk {
    /// Payload in bytes.
    pub(super) fn length(&self) -> u32 {
        self.payload.len() as u32
    }

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
        self.bytes += chunk.length();
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
    /// Payload of all chunks.
    pub bytes: usize,
    /// Chunks before this index were sent, or given up.
    pub sent: usize,
    /// Number of chunks that are `Lost`.
    pub lost: usize,
    /// Payload of the chunks that are `InFlight`; in bytes.
    pub in_flight: u32,
}

impl Queue {
    pub(super) fn push(&mut self, now: Instant, message: Outgoing<'_>, fragment_bytes_max: usize) {
        let mut rest = Bytes::copy_from_slice(message.payload);
        let mut begins = flag::BEGINS;
        self.bytes += rest.len();
        while !rest.is_empty() {
            let payload = rest.split_to(rest.len().min(fragment_bytes_max));
            let ends = if rest.is_empty() { flag::ENDS } else { 0 };
            let order = if message.ssn.is_none() { flag::UNORDERED } else { 0 };
            self.chunks.push_back(QueuedChunk {
                fate: Fate::Waiting,
                flags: order | std::mem::take(&mut begins) | ends,
                missing: 0,
                stream: message.stream,
                ssn: message.ssn.unwrap_or(0),
                ppid: message.ppid,
                payload,
                transmits: 0,
                sent_at: now,
                queued_at: now,
                reliability: message.reliability,
            });
        }
    }

    /// Changes a chunk's fate, and the counts that depend on it.
    fn set(&mut self, index: usize, fate: Fate) {
        let chunk = &mut self.chunks[index];
        match chunk.fate {
            Fate::InFlight => self.in_flight -= chunk.length(),
            Fate::Lost => self.lost -= 1,
            Fate::Waiting | Fate::Arrived | Fate::Abandoned => {}
        }
        match fate {
            Fate::InFlight => self.in_flight += chunk.length(),
            Fate::Lost => self.lost += 1,
            Fate::Waiting | Fate::Arrived | Fate::Abandoned => {}
        }
        chunk.fate = fate;
    }

    /// Appends a chunk to the packet, and marks it `InFlight`. `false`: it does not fit.
    pub(super) fn write(&mut self, index: usize, acked: u32, now: Instant, writer: &mut PacketWriter<'_>) -> bool {
        let chunk = &mut self.chunks[index];
        if writer.room() < (DATA_HEADER_BYTES + chunk.payload.len()).next_multiple_of(4) {
            return false;
        }
        chunk.transmits += 1;
        chunk.sent_at = now;
        writer.chunk(kind::DATA, chunk.flags, |body| {
            body.extend_from_slice(&acked.wrapping_add(1 + index as u32).to_be_bytes());
            body.extend_from_slice(&chunk.stream.to_be_bytes());
            body.extend_from_slice(&chunk.ssn.to_be_bytes());
            body.extend_from_slice(&chunk.ppid.to_be_bytes());
            body.extend_from_slice(&chunk.payload);
        });
        self.set(index, Fate::InFlight);
        true
    }

    /// Gives up the message that the chunk is a part of.
    pub(super) fn abandon(&mut self, index: usize) {
        let has = |chunk: &QueuedChunk, flag: u8| chunk.flags & flag != 0;
        let first = (0..=index).rev().find(|at| has(&self.chunks[*at], flag::BEGINS)).unwrap_or(0);
        let after = (index..self.chunks.len()).find(|at| has(&self.chunks[*at], flag::ENDS)).map_or(index, |at| at + 1);
        (first..after).for_each(|at| self.set(at, Fate::Abandoned));
    }

    /// Marks a chunk that a SACK reports as arrived. `true`: that is news.
    fn arrive(&mut self, index: usize, news: &mut News) -> bool {
        let is_new = matches!(self.chunks[index].fate, Fate::InFlight | Fate::Lost);
        if is_new {
            self.set(index, Fate::Arrived);
            news.add(&self.chunks[index]);
        }
        is_new
    }

    /// Removes the first `count` chunks.
    pub(super) fn acknowledge(&mut self, count: usize) -> News {
        let mut news = News::default();
        for index in 0..count {
            self.arrive(index, &mut news);
        }
        self.bytes -= self.chunks.drain(..count).map(|chunk| chunk.payload.len()).sum::<usize>();
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
                if self.arrive(index, news) {
                    news.arrived_below = index;
                }
            }
            news.reported_below = last;
            from = last;
        }
        // The other end has dropped a chunk that it once reported (RFC 9260 §6.2.1, D iii).
        if self.chunks.front().is_some_and(|first| first.fate == Fate::Arrived) {
            self.set(0, Fate::Lost);
        }
    }

    /// Adds a miss indication to each chunk in flight below an index. `true`: a chunk became `Lost`.
    pub(super) fn count_missing(&mut self, below: usize) -> bool {
        let before = self.lost;
        for index in 0..below {
            let chunk = &mut self.chunks[index];
            if chunk.fate == Fate::InFlight {
                chunk.missing = chunk.missing.saturating_add(1);
                // Fast retransmit sends a chunk again once; later repeats wait for T3 (RFC 9260 §7.2.4, 5).
                if chunk.missing == MISSING_MAX {
                    self.set(index, Fate::Lost);
                }
            }
        }
        self.lost > before
    }

    /// Marks all chunks in flight as `Lost`.
    pub(super) fn lose_all(&mut self) {
        for index in 0..self.sent {
            if self.chunks[index].fate == Fate::InFlight {
                self.set(index, Fate::Lost);
            }
        }
    }
}
