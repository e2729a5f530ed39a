//! The difference between two clocks, from exchanges over the bus.

use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime};

/// A clock less the controller's, in microseconds; `error_us` is half of the least round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    pub offset_us: i64,
    pub error_us: u64,
}

/// One exchange: the local clock before and after, the controller's between. All in microseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockExchange {
    pub before: i64,
    pub remote: i64,
    pub after: i64,
}

impl ClockOffset {
    /// The offset by the exchange of the least round trip; `None` without any.
    pub(super) fn of(exchanges: &[ClockExchange]) -> Option<Self> {
        let round_trip = |exchange: &&ClockExchange| exchange.after.saturating_sub(exchange.before).max(0);
        let best = exchanges.iter().min_by_key(round_trip)?;
        let half = round_trip(&best) / 2;
        let offset_us = best.before.saturating_add(half).saturating_sub(best.remote);
        Some(Self { offset_us, error_us: half.unsigned_abs().max(1) })
    }

    /// The local time of the controller's `at`.
    pub fn local(self, at: SystemTime) -> SystemTime {
        let offset = Duration::from_micros(self.offset_us.unsigned_abs());
        let moved = if self.offset_us < 0 { at.checked_sub(offset) } else { at.checked_add(offset) };
        moved.unwrap_or(at)
    }

    /// The controller's time of the local `at`.
    pub fn remote(self, at: SystemTime) -> SystemTime {
        Self { offset_us: self.offset_us.saturating_neg(), ..self }.local(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::UNIX_EPOCH;

    #[test]
    fn the_exchange_of_the_least_round_trip_tells_the_offset() {
        let quick = ClockExchange { before: 1_000, remote: 4_050, after: 1_100 };
        let slow = ClockExchange { before: 2_000, remote: 9_000, after: 6_000 };
        let offset = ClockOffset::of(&[slow, quick]).unwrap();
        assert_eq!(offset, ClockOffset { offset_us: -3_000, error_us: 50 });
        let at = UNIX_EPOCH + Duration::from_micros(10_000);
        assert_eq!(offset.local(at), UNIX_EPOCH + Duration::from_micros(7_000));
        assert_eq!(offset.remote(offset.local(at)), at);
        assert_eq!(ClockOffset { offset_us: 5, error_us: 1 }.local(at), at + Duration::from_micros(5));
        assert_eq!(ClockOffset::of(&[]), None);
    }
}
