//! The phases of a run as a pure state machine, and the brake that ends a run in which too much fails.

use crate::metrics::Tally;
use crate::peer::PeerCommand;
use std::time::{Duration, Instant};

/// The brake stops warm-up or ramp when, for `FAILING_MAX`, more than this share of what is decided in a second fails.
const FAILING_SHARE: f64 = 0.5;
/// See `FAILING_SHARE`.
const FAILING_MAX: Duration = Duration::from_secs(10);

/// The interval at which the brake compares tallies.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A phase of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RunPhase {
    Warmup,
    Ramp,
    Steady,
    Drain,
}

impl RunPhase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Warmup => "warmup",
            Self::Ramp => "ramp",
            Self::Steady => "steady",
            Self::Drain => "drain",
        }
    }
}

/// The planned lengths of phases; the ramp lasts until the last edge is decided, and `drain` is an upper bound.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PhaseLengths {
    pub warmup: Duration,
    pub steady: Duration,
    pub drain: Duration,
}

/// The state of a run's phases.
#[derive(Debug)]
pub(crate) struct PhaseMachine {
    lengths: PhaseLengths,
    phase: RunPhase,
    /// Begin of each phase so far.
    begun: Vec<(RunPhase, Instant)>,
    brake: FailureBrake,
    /// The last command to the peers.
    command: Option<PeerCommand>,
}

impl PhaseMachine {
    pub(crate) fn new(start: Instant, lengths: PhaseLengths) -> Self {
        let phase = if lengths.warmup.is_zero() { RunPhase::Ramp } else { RunPhase::Warmup };
        let brake = FailureBrake { looked_at: start, before: Tally::default(), failing_since: None };
        Self { lengths, phase, begun: vec![(phase, start)], brake, command: None }
    }

    pub(crate) fn phase(&self) -> RunPhase {
        self.phase
    }

    /// The phases so far, each with its begin; the last one still runs.
    pub(crate) fn begun(&self) -> &[(RunPhase, Instant)] {
        &self.begun
    }

    /// The begin of the current phase, and its planned length (none for the ramp).
    pub(crate) fn current(&self) -> (Instant, Option<Duration>) {
        let (_, since) = self.begun[self.begun.len() - 1];
        let length = match self.phase {
            RunPhase::Warmup => Some(self.lengths.warmup),
            RunPhase::Ramp => None,
            RunPhase::Steady => Some(self.lengths.steady),
            RunPhase::Drain => Some(self.lengths.drain),
        };
        (since, length)
    }

    /// Moves to the phase that `tally` and the time allow, and returns the last command for the peers; `None` while
    /// they arrive.
    pub(crate) fn step(&mut self, now: Instant, tally: &Tally) -> Option<PeerCommand> {
        let is_empty = tally.peers_waiting == 0 && tally.peers_alive == 0;
        if is_empty {
            self.command = Some(PeerCommand::Leave);
        }
        while self.command != Some(PeerCommand::Leave) && self.is_over(now, tally) {
            let next = match self.phase {
                RunPhase::Warmup => RunPhase::Ramp,
                RunPhase::Ramp => {
                    self.command = Some(PeerCommand::StartTraffic);
                    RunPhase::Steady
                }
                RunPhase::Steady => {
                    self.command = Some(PeerCommand::StopTraffic);
                    RunPhase::Drain
                }
                RunPhase::Drain => {
                    self.command = Some(PeerCommand::Leave);
                    break;
                }
            };
            self.phase = next;
            self.begun.push((next, now));
        }
        self.command
    }

    /// Tells if warm-up or ramp must end because too much fails, for too long; see `FAILING_SHARE`.
    pub(crate) fn should_brake(&mut self, now: Instant, tally: &Tally) -> bool {
        matches!(self.phase, RunPhase::Warmup | RunPhase::Ramp) && self.brake.update(now, tally)
    }

    fn is_over(&self, now: Instant, tally: &Tally) -> bool {
        let (since, _) = self.current();
        let lasted = now.saturating_duration_since(since);
        match self.phase {
            RunPhase::Warmup => lasted >= self.lengths.warmup,
            RunPhase::Ramp => {
                tally.peers_waiting == 0 && tally.edges_undecided == 0 && tally.guest_edges_undecided == 0
            }
            RunPhase::Steady => lasted >= self.lengths.steady,
            RunPhase::Drain => {
                let arrived = tally.messages_delivered + tally.messages_cut >= tally.messages_sent;
                lasted >= self.lengths.drain || (arrived && tally.edges_undecided == 0)
            }
        }
    }
}

/// Compares the tally once a `LOOK_EVERY`.
#[derive(Debug)]
struct FailureBrake {
    looked_at: Instant,
    before: Tally,
    failing_since: Option<Instant>,
}

impl FailureBrake {
    fn update(&mut self, now: Instant, tally: &Tally) -> bool {
        if now.saturating_duration_since(self.looked_at) >= LOOK_EVERY {
            let failed = |tally: &Tally| tally.edges_failed + tally.peers_failed;
            let good = |tally: &Tally| tally.edges_opened + tally.peers_joined;
            let failed = failed(tally) - failed(&self.before);
            let decided = failed + good(tally) - good(&self.before);
            if decided > 0 {
                let failing = failed as f64 > FAILING_SHARE * decided as f64;
                self.failing_since = failing.then(|| self.failing_since.unwrap_or(self.looked_at));
            }
            self.looked_at = now;
            self.before = *tally;
        }
        self.failing_since.is_some_and(|since| now.saturating_duration_since(since) >= FAILING_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn phases(warmup: u32, steady: u32, drain: u32) -> (PhaseMachine, Instant) {
        let start = Instant::now();
        let lengths = PhaseLengths { warmup: SECOND * warmup, steady: SECOND * steady, drain: SECOND * drain };
        (PhaseMachine::new(start, lengths), start)
    }

    fn alive() -> Tally {
        Tally { peers_alive: 2, ..Tally::default() }
    }

    #[test]
    fn a_run_goes_through_its_phases_in_order() {
        let (mut phases, start) = phases(2, 10, 5);
        let arriving = Tally { peers_waiting: 1, ..alive() };
        let talking = Tally { messages_sent: 5, messages_delivered: 4, ..alive() };
        let settled = Tally { messages_sent: 5, messages_delivered: 5, ..alive() };
        let mut step = |at: u32, tally: &Tally| {
            let command = phases.step(start + SECOND * at, tally);
            (phases.phase(), command)
        };
        assert_eq!(step(1, &arriving), (RunPhase::Warmup, None));
        assert_eq!(step(2, &arriving), (RunPhase::Ramp, None));
        assert_eq!(step(60, &arriving), (RunPhase::Ramp, None));
        assert_eq!(step(61, &talking), (RunPhase::Steady, Some(PeerCommand::StartTraffic)));
        assert_eq!(step(70, &talking), (RunPhase::Steady, Some(PeerCommand::StartTraffic)));
        assert_eq!(step(71, &talking), (RunPhase::Drain, Some(PeerCommand::StopTraffic)));
        assert_eq!(step(72, &settled), (RunPhase::Drain, Some(PeerCommand::Leave)));
    }

    #[test]
    fn a_drain_ends_at_its_bound_whatever_is_in_flight() {
        let (mut phases, start) = phases(0, 0, 5);
        let talking = Tally { messages_sent: 5, messages_delivered: 4, ..alive() };
        assert_eq!(phases.step(start, &talking), Some(PeerCommand::StopTraffic));
        assert_eq!(
            phases.step(start + SECOND * 5 - Duration::from_millis(1), &talking),
            Some(PeerCommand::StopTraffic)
        );
        assert_eq!(phases.step(start + SECOND * 5, &talking), Some(PeerCommand::Leave));
    }

    #[test]
    fn a_run_ends_as_soon_as_no_peer_is_alive_or_waiting() {
        let (mut phases, start) = phases(0, 10, 5);
        assert_eq!(phases.step(start, &Tally { peers_waiting: 1, ..Tally::default() }), None);
        assert_eq!(phases.step(start, &Tally::default()), Some(PeerCommand::Leave));
    }

    #[test]
    fn ten_seconds_of_failures_stop_the_ramp_and_nine_do_not() {
        let (mut phases, start) = phases(0, 10, 5);
        let at =
            |second: u32| Tally { edges_failed: u64::from(second) * 6, edges_opened: u64::from(second) * 5, ..alive() };
        for second in 1..10 {
            assert!(!phases.should_brake(start + SECOND * second, &at(second)), "after {second} s");
        }
        assert!(phases.should_brake(start + SECOND * 10, &at(10)));
    }

    #[test]
    fn half_failing_is_not_more_than_half() {
        let (mut phases, start) = phases(0, 10, 5);
        for second in 1..30 {
            let each = u64::from(second) * 5;
            let tally = Tally { edges_failed: each, edges_opened: each, ..alive() };
            assert!(!phases.should_brake(start + SECOND * second, &tally));
        }
    }
}
