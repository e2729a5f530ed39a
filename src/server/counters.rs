//! Counters of connections and frames, readable from any thread while the server runs.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub struct Counters {
    connections: AtomicU64,
    received: AtomicU64,
    delivered: AtomicU64,
    dropped_slow: AtomicU64,
    refused: AtomicU64,
    longest_frame: AtomicU64,
}

/// Values of the counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Clients connected at that moment.
    pub connections: u64,
    /// Text frames read since the start.
    pub received: u64,
    /// Frames written in full since the start, counted once per receiver.
    pub delivered: u64,
    /// Clients disconnected since the start because their queue was full.
    pub dropped_slow: u64,
    /// Subscriptions, rooms, joins and delays refused since the start, as names, lists or held messages were too long.
    pub refused: u64,
    /// The longest text frame sent, in bytes.
    pub longest_frame: u64,
}

impl Counters {
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            connections: self.connections.load(Relaxed),
            received: self.received.load(Relaxed),
            delivered: self.delivered.load(Relaxed),
            dropped_slow: self.dropped_slow.load(Relaxed),
            refused: self.refused.load(Relaxed),
            longest_frame: self.longest_frame.load(Relaxed),
        }
    }

    pub(super) fn set_connections(&self, count: usize) {
        self.connections.store(count as u64, Relaxed);
    }

    pub(super) fn count_received(&self, frames: u64) {
        self.received.fetch_add(frames, Relaxed);
    }

    pub(super) fn count_delivered(&self, frames: u64) {
        self.delivered.fetch_add(frames, Relaxed);
    }

    pub(super) fn set_refused(&self, count: u64) {
        self.refused.store(count, Relaxed);
    }

    pub(super) fn note_frame(&self, bytes: usize) {
        self.longest_frame.fetch_max(bytes as u64, Relaxed);
    }

    pub(super) fn count_dropped_slow(&self) {
        self.dropped_slow.fetch_add(1, Relaxed);
    }
}
