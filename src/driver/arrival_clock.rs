//! Maps the kernel's receive stamps, which are of the wall clock, to the monotonic clock of the run.

use crate::summary::ArrivalClocks;
use std::time::{Duration, Instant, SystemTime};

/// The offset of the two clocks is read anew after this long: NTP may slew the wall clock by 0.5 ms in a second.
const OFFSET_AGE_MAX: Duration = Duration::from_secs(1);

/// A stamp that claims a longer wait than this, or lies in the future, is trusted only after a fresh look at the offset.
const DOUBTFUL: Duration = Duration::from_millis(1);

/// The two clocks are read together within this; a pause between the reads would shift every stamp.
const READ_TOGETHER: Duration = Duration::from_micros(20);

/// One moment by both clocks.
#[derive(Clone, Copy, Debug)]
struct ClockPair {
    at: Instant,
    wall: SystemTime,
}

impl ClockPair {
    /// Reads both clocks; of up to 8 readings the one with the shortest pause between them.
    fn read() -> Self {
        let mut best: Option<(Duration, Self)> = None;
        for _ in 0..8 {
            let before = Instant::now();
            let wall = SystemTime::now();
            let paused = before.elapsed();
            if best.is_none_or(|(least, _)| paused < least) {
                best = Some((paused, Self { at: before + paused / 2, wall }));
            }
            if paused <= READ_TOGETHER {
                break;
            }
        }
        best.map_or_else(|| Self { at: Instant::now(), wall: SystemTime::now() }, |(_, pair)| pair)
    }

    /// The instant of a wall-clock time; `None` if it precedes the monotonic clock.
    fn instant(&self, wall: SystemTime) -> Option<Instant> {
        match wall.duration_since(self.wall) {
            Ok(later) => self.at.checked_add(later),
            Err(earlier) => self.at.checked_sub(earlier.duration()),
        }
    }

    /// True if the wall clock moved against the monotonic one between the two moments, by more than NTP may slew it.
    fn stepped(&self, later: &Self) -> bool {
        let Some(expected) = self.instant(later.wall) else { return true };
        let error = expected.saturating_duration_since(later.at) + later.at.saturating_duration_since(expected);
        error > DOUBTFUL + later.at.saturating_duration_since(self.at) / 1_000
    }
}

/// The clock of one worker, and the frames and datagrams handled so far.
#[derive(Debug)]
pub(super) struct ArrivalClock {
    pair: ClockPair,
    counts: ArrivalClocks,
}

/// The kind of socket that an input was read from.
#[derive(Clone, Copy, Debug)]
pub enum ArrivalSource {
    Signaling,
    Engine,
}

impl Default for ArrivalClock {
    fn default() -> Self {
        Self { pair: ClockPair::read(), counts: ArrivalClocks::default() }
    }
}

impl ArrivalClock {
    /// The arrival of what is handled at `now` and was stamped at `stamp`, never after `now`; `None` without a stamp that
    /// can be used.
    pub(super) fn arrival(
        &mut self,
        source: ArrivalSource,
        stamp: Option<SystemTime>,
        now: Instant,
    ) -> Option<Instant> {
        let arrival = self.arrival_by(stamp, now, ClockPair::read);
        let counts = match source {
            ArrivalSource::Signaling => &mut self.counts.signaling,
            ArrivalSource::Engine => &mut self.counts.engine,
        };
        match arrival {
            Some(_) => counts.stamped += 1,
            None => counts.unstamped += 1,
        }
        arrival
    }

    pub(super) fn counts(&self) -> ArrivalClocks {
        self.counts
    }

    fn arrival_by(&mut self, stamp: Option<SystemTime>, now: Instant, read: impl Fn() -> ClockPair) -> Option<Instant> {
        Some(self.mapped(stamp?, now, read)?.min(now))
    }

    /// `None` for a stamp from before a step of the wall clock, or after one that has just been noticed.
    fn mapped(&mut self, stamp: SystemTime, now: Instant, read: impl Fn() -> ClockPair) -> Option<Instant> {
        let at = self.pair.instant(stamp);
        let plausible = at.is_some_and(|at| at <= now + DOUBTFUL && now.saturating_duration_since(at) <= DOUBTFUL);
        if plausible && now.saturating_duration_since(self.pair.at) < OFFSET_AGE_MAX {
            return at;
        }
        let last = std::mem::replace(&mut self.pair, read());
        if last.stepped(&self.pair) {
            self.counts.wall_clock_steps += 1;
            return None;
        }
        self.pair.instant(stamp).filter(|at| *at <= now + DOUBTFUL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WALL: Duration = Duration::from_secs(1_800_000_000);

    /// A clock whose wall clock is `WALL` at `start`, and readings of both after `ms`, with the wall clock moved `by_ms`.
    fn clock() -> (ArrivalClock, Instant, impl Fn(u64, i64) -> ClockPair) {
        let start = Instant::now() + Duration::from_secs(100);
        let pair = move |ms: u64, by_ms: i64| ClockPair {
            at: start + Duration::from_millis(ms),
            wall: wall(ms as i64 + by_ms),
        };
        (ArrivalClock { pair: pair(0, 0), counts: ArrivalClocks::default() }, start, pair)
    }

    fn wall(ms: i64) -> SystemTime {
        let start = SystemTime::UNIX_EPOCH + WALL;
        if ms < 0 { start - Duration::from_millis(ms.unsigned_abs()) } else { start + Duration::from_millis(ms as u64) }
    }

    #[test]
    fn a_stamp_is_mapped_and_without_one_there_is_no_arrival() {
        let (mut clock, start, pair) = clock();
        let ms = |ms| start + Duration::from_millis(ms);
        assert_eq!(clock.arrival_by(Some(wall(300)), ms(500), || pair(500, 0)), Some(ms(300)));
        assert_eq!(clock.arrival_by(None, ms(500), || pair(500, 0)), None);
        let late = clock.arrival_by(Some(wall(501)), ms(500), || pair(500, 0));
        assert_eq!(late, Some(ms(500)), "never after it was handled");
    }

    #[test]
    fn a_step_of_the_wall_clock_is_no_wait_whichever_way_it_goes() {
        for by_ms in [-2_000, 2_000, -3, 3] {
            let (mut clock, start, pair) = clock();
            let ms = |ms| start + Duration::from_millis(ms);
            // Stamped after the step, which nobody has seen yet.
            let stamp = wall(400 + by_ms);
            assert_eq!(clock.arrival_by(Some(stamp), ms(400), || pair(400, by_ms)), None, "{by_ms}");
            assert_eq!(clock.counts().wall_clock_steps, 1, "{by_ms}");
            // From then on waits are told again.
            let stamp = wall(450 + by_ms);
            assert_eq!(clock.arrival_by(Some(stamp), ms(460), || pair(460, by_ms)), Some(ms(450)), "{by_ms}");
        }
    }

    #[test]
    fn a_slewed_clock_is_followed_and_is_no_step() {
        let (mut clock, start, pair) = clock();
        for second in 1..100 {
            // 0.5 ms a second, in whole milliseconds every other second.
            let (now, by) = (second * 1_000, second as i64 / 2);
            let at =
                clock.arrival_by(Some(wall(now as i64 + by)), start + Duration::from_millis(now), || pair(now, by));
            assert_eq!(at, Some(start + Duration::from_millis(now)));
        }
        assert_eq!(clock.counts().wall_clock_steps, 0);
    }

    #[test]
    fn the_two_clocks_agree_with_themselves() {
        let mut clock = ArrivalClock::default();
        let (stamp, now) = (SystemTime::now(), Instant::now());
        let arrival = clock.arrival(ArrivalSource::Engine, Some(stamp), now).unwrap();
        assert!(now.saturating_duration_since(arrival) < Duration::from_millis(500));
        assert_eq!(clock.arrival(ArrivalSource::Signaling, None, now), None);
        let counts = clock.counts();
        assert_eq!((counts.engine.stamped, counts.engine.unstamped), (1, 0));
        assert_eq!((counts.signaling.stamped, counts.signaling.unstamped), (0, 1));
    }
}
