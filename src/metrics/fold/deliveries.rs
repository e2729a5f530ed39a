//! Matches each received signaling frame with the time at which it was sent, for `signal_delivery`.

use crate::metrics::run_time::RunTime;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;

/// Writes kept for each sender, addressee and type; the oldest is dropped first.
const DEPTH: usize = 64;
const ALL: u16 = u16::MAX;

/// Frames of one type from one peer to another arrive in the order of their writes, so a read belongs to the
/// oldest write. If a write was lost, the frames' sizes identify the one that was read.
#[derive(Clone, Debug, Default)]
pub(in crate::metrics) struct Deliveries {
    written: FxHashMap<u64, Written>,
    /// By sender, reader and type: the ordinal of the next broadcast that the reader can read.
    next: FxHashMap<u64, u32>,
    /// Emptied queues, reused to save allocations.
    spare: Vec<VecDeque<Write>>,
    expiry_us: u64,
}

#[derive(Clone, Debug, Default)]
struct Written {
    /// The ordinal of the oldest write that is kept.
    first: u32,
    writes: VecDeque<Write>,
}

#[derive(Clone, Copy, Debug)]
struct Write {
    at: RunTime,
    bytes: u32,
}

/// A frame that was read, to be matched with its write.
#[derive(Clone, Copy, Debug)]
pub(in crate::metrics) struct Read {
    pub at: RunTime,
    /// The sender's index in the plan, and the reader's seat.
    pub from: u32,
    pub seat: u16,
    pub kind: u8,
    pub bytes: u32,
    /// The time at which the reader joined; earlier broadcasts did not go to it.
    pub joined: RunTime,
}

impl Deliveries {
    /// A write is matched for at most `expiry_us` microseconds; later it counts as lost.
    pub(crate) fn new(expiry_us: u64) -> Self {
        Self { expiry_us, ..Self::default() }
    }

    /// Keeps a write. `to` is a seat, or `None` for a broadcast to the room.
    pub(crate) fn write(&mut self, at: RunTime, from: u32, to: Option<u16>, kind: u8, bytes: u32) {
        let spare = &mut self.spare;
        let written = self
            .written
            .entry(key(from, to.unwrap_or(ALL), kind))
            .or_insert_with(|| Written { first: 0, writes: spare.pop().unwrap_or_default() });
        if written.writes.len() == DEPTH {
            written.writes.pop_front();
            written.first += 1;
        }
        written.writes.push_back(Write { at, bytes });
    }

    /// The time at which the frame was written; `None` if no write matches.
    pub(crate) fn read(&mut self, read: Read) -> Option<RunTime> {
        let own = key(read.from, read.seat, read.kind);
        let shared = key(read.from, ALL, read.kind);
        let to_me = self.find(own, 0, read);
        let next = self.next.get(&own).copied().unwrap_or(0);
        let to_all = if read.joined.happened() { self.find(shared, next, read) } else { None };
        match (to_me, to_all) {
            (Some(mine), Some(all)) if all.exact && !mine.exact => Some(self.take_shared(own, all)),
            (Some(mine), _) => Some(self.take_own(own, mine)),
            (None, Some(all)) => Some(self.take_shared(own, all)),
            (None, None) => None,
        }
    }

    fn find(&self, key: u64, next: u32, read: Read) -> Option<MatchedRead> {
        let written = self.written.get(&key)?;
        let since = if is_shared(key) { read.joined } else { RunTime::NEVER };
        let candidates = || {
            written.writes.iter().enumerate().filter(move |(index, write)| {
                written.first + *index as u32 >= next
                    && write.at >= since
                    && write.at <= read.at
                    && read.at.since(write.at) <= self.expiry_us
            })
        };
        let exact = candidates().find(|(_, write)| write.bytes == read.bytes);
        let (index, write) = exact.or_else(|| candidates().next())?;
        Some(MatchedRead { index, ordinal: written.first + index as u32, at: write.at, exact: exact.is_some() })
    }

    fn take_own(&mut self, own: u64, found: MatchedRead) -> RunTime {
        if let Some(written) = self.written.get_mut(&own) {
            written.writes.drain(..=found.index);
            written.first = found.ordinal + 1;
            if written.writes.is_empty() {
                let emptied = self.written.remove(&own).map(|written| written.writes);
                self.spare.extend(emptied.filter(|_| self.spare.len() < DEPTH));
            }
        }
        found.at
    }

    fn take_shared(&mut self, own: u64, found: MatchedRead) -> RunTime {
        self.next.insert(own, found.ordinal + 1);
        found.at
    }
}

#[derive(Clone, Copy, Debug)]
struct MatchedRead {
    index: usize,
    ordinal: u32,
    at: RunTime,
    /// The sizes agree.
    exact: bool,
}

fn key(from: u32, seat: u16, kind: u8) -> u64 {
    u64::from(from) << 24 | u64::from(seat) << 8 | u64::from(kind)
}

fn is_shared(key: u64) -> bool {
    (key >> 8) as u16 == ALL
}
