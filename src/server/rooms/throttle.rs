//! Rate limit of one action per interval that never loses the last request.

use std::time::{Duration, Instant};

/// Earliest time of the next action; an interval of zero permits every request at once.
#[derive(Debug)]
pub(super) struct Throttle {
    interval: Duration,
    last: Option<Instant>,
    due: Option<Instant>,
}

impl Throttle {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, last: None, due: None }
    }

    /// Requests the action as soon as the interval permits.
    pub(super) fn request(&mut self, now: Instant) {
        let earliest = self.last.map_or(now, |last| now.max(last + self.interval));
        self.due.get_or_insert(earliest);
    }

    /// True if the action is due; it then counts as done.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let taken = self.due.is_some_and(|due| due <= now);
        if taken {
            self.last = Some(now);
            self.due = None;
        }
        taken
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_at_once_and_the_last_of_a_burst_at_the_end_of_the_interval() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut throttle = Throttle::new(Duration::from_millis(100));
        throttle.request(at(0));
        assert!(throttle.take(at(0)));
        throttle.request(at(10));
        throttle.request(at(60));
        assert!(!throttle.take(at(99)));
        assert_eq!(throttle.wake_at(), Some(at(100)));
        assert!(throttle.take(at(100)));
        assert!(!throttle.take(at(300)), "nothing was asked for since");
    }

    #[test]
    fn no_interval_lets_each_through() {
        let now = Instant::now();
        let mut throttle = Throttle::new(Duration::ZERO);
        for _ in 0..3 {
            throttle.request(now);
            assert!(throttle.take(now));
        }
    }
}
