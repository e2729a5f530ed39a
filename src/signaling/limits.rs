//! Bounds on what a server may send, and on what waits for it to read: for one connection, and for all of a run.

use crate::vocabulary::{Failure, Phase, Reason};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Frames that may wait to be written on one connection.
const FRAMES_MAX: usize = 1_024;

/// Bytes that may wait to be written on one connection, and on all that share their limits.
const BYTES_MAX: usize = 1024 * 1024;
const TOTAL_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The limits of a run's connections. Clones count the same total.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Longest message accepted from a server, in any number of fragments (docs/spec/faults.md 1), in bytes. A longer one
    /// is not sent either.
    pub message_bytes_max: usize,
    total: Arc<AtomicUsize>,
}

impl Limits {
    pub fn new(message_bytes_max: usize) -> Self {
        Self { message_bytes_max, total: Arc::default() }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new(256 * 1024)
    }
}

/// The frames of one connection that wait to be written.
#[derive(Debug)]
pub(super) struct Waiting {
    limits: Limits,
    frames: usize,
    bytes: usize,
}

impl Waiting {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, frames: 0, bytes: 0 }
    }

    /// Counts a frame of ours.
    ///
    /// # Errors
    /// The frame is longer than one that would be accepted, or there is no room for it, since the server has `stopped`.
    pub(super) fn admit(&mut self, bytes: usize, stopped: &'static str) -> Result<(), Failure> {
        let bytes_max = self.limits.message_bytes_max;
        if bytes > bytes_max {
            let detail = format!("a frame of our own over {} KiB", bytes_max / 1024);
            return Err(Failure::new(Phase::Join, Reason::GeneratorLimit, detail));
        }
        match self.add(bytes) {
            true => Ok(()),
            false => Err(Failure::new(Phase::Join, Reason::Closed, stopped)),
        }
    }

    /// Counts a frame; false if there is no room for it, here or in the total.
    fn add(&mut self, bytes: usize) -> bool {
        let bytes_max = BYTES_MAX.max(self.limits.message_bytes_max);
        if self.frames >= FRAMES_MAX || self.bytes + bytes > bytes_max {
            return false;
        }
        if self.limits.total.fetch_add(bytes, Ordering::Relaxed) + bytes > TOTAL_BYTES_MAX {
            self.limits.total.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.frames += 1;
        self.bytes += bytes;
        true
    }

    /// The frames that wait, counted until all are written.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// All frames are written.
    pub(super) fn clear(&mut self) {
        self.limits.total.fetch_sub(self.bytes, Ordering::Relaxed);
        (self.frames, self.bytes) = (0, 0);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_has_room_for_so_many_frames_and_so_many_bytes() {
        let mut few = Waiting::new(Limits::default());
        assert!(few.add(BYTES_MAX) && !few.add(1));
        few.clear();
        assert!((0..FRAMES_MAX).all(|_| few.add(1)) && !few.add(0));
    }

    #[test]
    fn all_connections_together_have_less_room_and_one_that_ends_gives_its_own_back() {
        let limits = Limits::default();
        let fill = || {
            let mut waiting = Waiting::new(limits.clone());
            waiting.add(BYTES_MAX).then_some(waiting)
        };
        let mut all: Vec<Waiting> = std::iter::from_fn(fill).collect();
        assert_eq!(all.len(), TOTAL_BYTES_MAX / BYTES_MAX);
        assert!(fill().is_none());
        all.pop();
        assert!(fill().is_some());
    }
}
