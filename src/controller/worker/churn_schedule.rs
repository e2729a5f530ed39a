//! The planned departures and returns of a worker's rooms, in order; times count from the begin of the steady phase.

use crate::plan::{LeaveManner, RoomPlan};
use crate::vocabulary::Seat;
use rustc_hash::FxHashSet;
use std::time::{Duration, Instant};

/// One departure or return. `at` counts from the begin of the steady phase, `room` among the worker's rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChurnStep {
    pub at: Duration,
    pub room: usize,
    pub seat: Seat,
    pub action: ChurnAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ChurnAction {
    /// `returns`: the plan has it come back.
    Leave {
        manner: LeaveManner,
        returns: bool,
    },
    Return,
}

/// All steps, and the index of the next one.
#[derive(Debug)]
pub(super) struct ChurnSchedule {
    steps: Vec<ChurnStep>,
    next: usize,
    /// Begin of the steady phase; before it no step is due.
    since: Option<Instant>,
    /// Peers that left and are to come back.
    away: FxHashSet<(usize, Seat)>,
}

impl ChurnSchedule {
    pub(super) fn new(plans: &[RoomPlan]) -> Self {
        let mut steps = vec![];
        for (room, plan) in plans.iter().enumerate() {
            for departure in &plan.departures {
                let seat = departure.seat;
                let action = ChurnAction::Leave { manner: departure.manner, returns: departure.back.is_some() };
                steps.push(ChurnStep { at: departure.at, room, seat, action });
                steps.extend(departure.back.map(|at| ChurnStep { at, room, seat, action: ChurnAction::Return }));
            }
        }
        steps.sort_unstable();
        Self { steps, next: 0, since: None, away: FxHashSet::default() }
    }

    /// Starts the schedule, once.
    pub(super) fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// Drops the steps that are left: after the steady phase no peer leaves by plan or comes back.
    pub(super) fn end(&mut self) {
        self.next = self.steps.len();
        self.away.clear();
    }

    /// Peers that left and are to come back.
    pub(super) fn away(&self) -> u64 {
        self.away.len() as u64
    }

    /// The time at which the next step is due; `None` before `begin` and after the last step.
    pub(super) fn next_due(&self) -> Option<Instant> {
        Some(self.since? + self.steps.get(self.next)?.at)
    }

    /// Takes the next step with the time at which it is due; `None` for the return of a peer that is not `mark_away`.
    pub(super) fn take(&mut self) -> Option<(Instant, ChurnStep)> {
        let due = self.next_due()?;
        let step = self.steps[self.next];
        self.next += 1;
        let is_wanted = step.action != ChurnAction::Return || self.away.remove(&(step.room, step.seat));
        is_wanted.then_some((due, step))
    }

    /// Notes that a peer has left and is to come back.
    pub(super) fn mark_away(&mut self, room: usize, seat: Seat) {
        self.away.insert((room, seat));
    }

    /// The most departures and returns that a peer of the room is told of.
    pub(super) fn steps_max(plan: &RoomPlan) -> usize {
        2 * plan.departures.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Departure;
    use crate::vocabulary::{PeerIndex, RoomIndex};

    const SECOND: Duration = Duration::from_secs(1);

    fn churn(departures: &[(u32, u16, Option<u32>)]) -> ChurnSchedule {
        let departure = |(at, seat, back): &(u32, u16, Option<u32>)| Departure {
            at: SECOND * *at,
            seat: Seat(*seat),
            manner: LeaveManner::Goodbye,
            back: back.map(|back| SECOND * back),
        };
        ChurnSchedule::new(&[RoomPlan {
            scenario: 0,
            scenario_peers_before: 0,
            index: RoomIndex(0),
            id: "room".to_owned(),
            first: PeerIndex(0),
            due: vec![Duration::ZERO; 3],
            warmup: false,
            departures: departures.iter().map(departure).collect(),
        }])
    }

    #[test]
    fn steps_come_in_order_from_when_the_steady_phase_began() {
        let mut churn = churn(&[(1, 0, Some(4)), (2, 1, None)]);
        assert_eq!(churn.next_due(), None);
        let now = Instant::now();
        churn.begin(now);
        churn.begin(now + SECOND);
        let mut take = || {
            let (due, step) = churn.take()?;
            if let ChurnAction::Leave { returns: true, .. } = step.action {
                churn.mark_away(step.room, step.seat);
            }
            Some((due - now, step.seat, step.action, churn.away()))
        };
        let leave = |returns| ChurnAction::Leave { manner: LeaveManner::Goodbye, returns };
        assert_eq!(take(), Some((SECOND, Seat(0), leave(true), 1)));
        assert_eq!(take(), Some((SECOND * 2, Seat(1), leave(false), 1)));
        assert_eq!(take(), Some((SECOND * 4, Seat(0), ChurnAction::Return, 0)));
        assert_eq!(take(), None);
    }

    #[test]
    fn a_peer_that_was_not_there_to_leave_does_not_come_back() {
        let mut churn = churn(&[(1, 0, Some(4))]);
        churn.begin(Instant::now());
        assert!(churn.take().is_some());
        assert_eq!(churn.take(), None, "it has not left");
    }

    #[test]
    fn after_the_end_no_peer_is_away() {
        let mut churn = churn(&[(1, 0, Some(4))]);
        churn.begin(Instant::now());
        churn.take();
        churn.mark_away(0, Seat(0));
        churn.end();
        assert_eq!((churn.away(), churn.next_due()), (0, None));
    }
}
