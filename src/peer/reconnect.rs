//! Reconnect backoff with full jitter: each pause is drawn from 0 to a bound that doubles up to a cap.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::time::{Duration, Instant};

/// The pauses of one peer. Full jitter spreads the reconnects of peers that lost the server at the same time.
#[derive(Clone, Debug)]
pub struct ReconnectBackoff {
    first: Duration,
    cap: Duration,
    rng: ChaCha8Rng,
    /// The number of pauses since a connection last stayed up for the cap.
    pauses: u32,
    joined_at: Option<Instant>,
}

impl ReconnectBackoff {
    pub fn new(first: Duration, cap: Duration, rng: ChaCha8Rng) -> Self {
        Self { first, cap, rng, pauses: 0, joined_at: None }
    }

    /// Records a join, from which the connection's lifetime counts.
    pub(super) fn joined(&mut self, now: Instant) {
        self.joined_at = Some(now);
    }

    /// The pause before the next dial. Only a connection that stayed up for the cap resets the bound.
    pub(super) fn pause(&mut self, now: Instant) -> Duration {
        if self.joined_at.take().is_some_and(|at| now.saturating_duration_since(at) >= self.cap) {
            self.pauses = 0;
        }
        let bound = self.first.saturating_mul(1 << self.pauses.min(24)).min(self.cap);
        self.pauses += 1;
        bound.mul_f64(self.rng.random::<f64>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Seed;

    const FIRST: Duration = Duration::from_millis(250);
    const CAP: Duration = Duration::from_secs(5);

    fn backoff(peer: u64) -> ReconnectBackoff {
        ReconnectBackoff::new(FIRST, CAP, Seed(1).stream("redial", peer))
    }

    #[test]
    fn the_bound_doubles_up_to_the_cap_and_pauses_fill_it() {
        let now = Instant::now();
        let mut longest = [Duration::ZERO; 8];
        for mut backoff in (0..200).map(backoff) {
            for longest in &mut longest {
                *longest = backoff.pause(now).max(*longest);
            }
        }
        let bounds = [250, 500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000].map(Duration::from_millis);
        for (longest, bound) in longest.iter().zip(bounds) {
            assert!(*longest <= bound && *longest > bound.mul_f64(0.9), "{longest:?} of {bound:?}");
        }
    }

    #[test]
    fn only_a_socket_that_was_good_for_as_long_as_the_cap_starts_afresh() {
        let check = |good: Duration, fresh: bool| {
            let now = Instant::now();
            let mut backoff = backoff(1);
            (0..9).for_each(|_| _ = backoff.pause(now));
            backoff.joined(now);
            backoff.pause(now + good);
            assert_eq!(backoff.pauses == 1, fresh, "{good:?}");
        };
        check(CAP, true);
        check(CAP - Duration::from_micros(1), false);
    }
}
