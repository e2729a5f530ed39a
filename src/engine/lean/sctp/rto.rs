//! Retransmission timeout from measured round trips (RFC 9260 §6.3.1).

use std::time::Duration;

/// Timeout before the first measurement, which is while the channel opens; in microseconds. RTO.Initial of RFC 9260 §16 is
/// 1 s, browsers use 500 ms. With a fifth of all datagrams lost, a handshake of 10 s has to hold more than four tries.
const INITIAL_US: u32 = 300_000;

/// Longest timeout before the first measurement; in microseconds.
const UNMEASURED_MAX_US: u32 = 1_000_000;

/// Shortest timeout: twice the 200 ms that an acknowledgement may be delayed; in microseconds. RTO.Min of RFC 9260 §16 is
/// 1 s; browsers use 400 ms, too.
const MIN_US: u32 = 400_000;

/// Longest timeout; in microseconds. RTO.Max of RFC 9260 §16 is 60 s; consent (RFC 7675) ends a connection after 30 s.
const MAX_US: u32 = 10_000_000;

/// The smoothed round trip, its variation, and the timeout that follows; all in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rto {
    smoothed: u32,
    variation: u32,
    timeout: u32,
}

impl Default for Rto {
    fn default() -> Self {
        Self { smoothed: 0, variation: 0, timeout: INITIAL_US }
    }
}

impl Rto {
    pub(super) fn timeout(&self) -> Duration {
        Duration::from_micros(self.timeout.into())
    }

    /// `true`: a round trip was measured.
    pub(super) fn is_measured(&self) -> bool {
        self.smoothed > 0
    }

    /// Doubles the timeout after T3 has run out (RFC 9260 §6.3.3, E2).
    pub(super) fn back_off(&mut self) {
        let max = if self.is_measured() { MAX_US } else { UNMEASURED_MAX_US };
        self.timeout = (self.timeout * 2).min(max);
    }

    /// Takes in the round trip of a chunk that was sent only once.
    pub(super) fn measure(&mut self, round_trip: Duration) {
        let sample = round_trip.as_micros().clamp(1, MAX_US.into()) as u32;
        if !self.is_measured() {
            (self.smoothed, self.variation) = (sample, sample / 2);
        } else {
            self.variation = self.variation / 4 * 3 + self.smoothed.abs_diff(sample) / 4;
            self.smoothed = self.smoothed / 8 * 7 + sample / 8;
        }
        self.smoothed = self.smoothed.max(1);
        self.timeout = (self.smoothed + 4 * self.variation).clamp(MIN_US, MAX_US);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_timeout_follows_the_round_trip_and_doubles_when_nothing_comes() {
        let mut rto = Rto::default();
        assert_eq!(rto.timeout(), Duration::from_millis(300));
        (0..20).for_each(|_| rto.back_off());
        assert_eq!(rto.timeout(), Duration::from_secs(1));
        rto.measure(Duration::from_millis(1));
        assert_eq!(rto.timeout(), Duration::from_millis(400));
        (0..20).for_each(|_| rto.back_off());
        assert_eq!(rto.timeout(), Duration::from_secs(10));
        rto.measure(Duration::from_secs(3_600));
        assert_eq!(rto.timeout(), Duration::from_secs(10));
        (0..99).for_each(|_| rto.measure(Duration::from_secs(1)));
        assert!(rto.timeout() < Duration::from_millis(1_100), "{rto:?}");
    }
}
