//! A point in time of the run in eight bytes, so that an edge's state stays below 200.

use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Microseconds since the start of the run, plus one; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct RunTime(u64);

impl RunTime {
    pub(super) const NEVER: Self = Self(0);

    /// An instant before `start` counts as the start.
    pub(super) fn of(at: Instant, start: Instant) -> Self {
        let since = at.saturating_duration_since(start);
        Self(since.as_secs().saturating_mul(1_000_000).saturating_add(u64::from(since.subsec_micros())) + 1)
    }

    /// The start of the run.
    pub(super) fn of_start() -> Self {
        Self(1)
    }

    pub(super) fn happened(self) -> bool {
        self != Self::NEVER
    }

    /// The later of two times; never if one of them is never.
    pub(super) fn both(self, other: Self) -> Self {
        if self.happened() && other.happened() { self.max(other) } else { Self::NEVER }
    }

    /// The time `us` microseconds before.
    pub(super) fn before(self, us: u32) -> Self {
        Self(self.0.saturating_sub(us.into()))
    }

    /// Microseconds since `earlier`; 0 if `earlier` is the later one.
    pub(super) fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}
