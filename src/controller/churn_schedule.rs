//! What churn has planned for a worker's rooms: who leaves and who comes back, in order, from the begin of the steady phase.

use crate::plan::RoomPlan;
use crate::vocabulary::ids::Seat;
use rustc_hash::FxHashSet;
use std::time::{Duration, Instant};

/// A turn that has come; `room` counts among the worker's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChurnStep {
    pub at: Duration,
    pub room: usize,
    pub seat: Seat,
    pub action: ChurnAction,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChurnAction {
    /// `returns`: it is to come back.
    Leave {
        silent: bool,
        returns: bool,
    },
    Return,
}

/// All turns, and how far they are taken.
#[derive(Debug)]
pub struct ChurnSchedule {
    turns: Vec<ChurnStep>,
    next: usize,
    /// When the steady phase began; before that nothing is due.
    since: Option<Instant>,
    away: FxHashSet<(usize, Seat)>,
}

impl ChurnSchedule {
    pub fn new(plans: &[RoomPlan]) -> Self {
        let mut turns = vec![];
        for (room, plan) in plans.iter().enumerate() {
            for departure in &plan.departures {
                let seat = departure.seat;
                let action = ChurnAction::Leave { silent: departure.silent, returns: departure.back.is_some() };
                turns.push(ChurnStep { at: departure.at, room, seat, action });
                turns.extend(departure.back.map(|at| ChurnStep { at, room, seat, action: ChurnAction::Return }));
            }
        }
        turns.sort_unstable();
        Self { turns, next: 0, since: None, away: FxHashSet::default() }
    }

    /// The steady phase begins.
    pub fn begin(&mut self, now: Instant) {
        self.since.get_or_insert(now);
    }

    /// The steady phase is over: nobody leaves or comes back any more.
    pub fn end(&mut self) {
        self.next = self.turns.len();
        self.away.clear();
    }

    /// How many have left and are to come back.
    pub fn away(&self) -> u64 {
        self.away.len() as u64
    }

    pub fn next_due(&self) -> Option<Instant> {
        Some(self.since? + self.turns.get(self.next)?.at)
    }

    /// The turn that comes next, with when it is due. Who was not seen off does not come back.
    pub fn take(&mut self) -> Option<(Instant, ChurnStep)> {
        let due = self.next_due()?;
        let turn = self.turns[self.next];
        self.next += 1;
        let comes = turn.action != ChurnAction::Return || self.away.remove(&(turn.room, turn.seat));
        comes.then_some((due, turn))
    }

    /// Somebody has left, and is to come back.
    pub fn seen_off(&mut self, room: usize, seat: Seat) {
        self.away.insert((room, seat));
    }

    /// How often a seat of the room is told of somebody who leaves or comes back, at most.
    pub fn turns_of(plan: &RoomPlan) -> usize {
        2 * plan.departures.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Departure;
    use crate::vocabulary::ids::{PeerIndex, RoomIndex};

    const SECOND: Duration = Duration::from_secs(1);

    fn churn(departures: &[(u32, u16, Option<u32>)]) -> ChurnSchedule {
        let departure = |(at, seat, back): &(u32, u16, Option<u32>)| Departure {
            at: SECOND * *at,
            seat: Seat(*seat),
            silent: false,
            back: back.map(|back| SECOND * back),
        };
        ChurnSchedule::new(&[RoomPlan {
            index: RoomIndex(0),
            id: "room".to_owned(),
            first: PeerIndex(0),
            due: vec![Duration::ZERO; 3],
            warmup: false,
            departures: departures.iter().map(departure).collect(),
        }])
    }

    #[test]
    fn turns_come_in_order_from_when_the_steady_phase_began() {
        let mut churn = churn(&[(1, 0, Some(4)), (2, 1, None)]);
        assert_eq!(churn.next_due(), None);
        let now = Instant::now();
        churn.begin(now);
        churn.begin(now + SECOND);
        let mut take = || {
            let (due, turn) = churn.take()?;
            if let ChurnAction::Leave { returns: true, .. } = turn.action {
                churn.seen_off(turn.room, turn.seat);
            }
            Some((due - now, turn.seat, turn.action, churn.away()))
        };
        let leave = |returns| ChurnAction::Leave { silent: false, returns };
        assert_eq!(take(), Some((SECOND, Seat(0), leave(true), 1)));
        assert_eq!(take(), Some((SECOND * 2, Seat(1), leave(false), 1)));
        assert_eq!(take(), Some((SECOND * 4, Seat(0), ChurnAction::Return, 0)));
        assert_eq!(take(), None);
    }

    #[test]
    fn who_was_not_there_to_leave_does_not_come_back() {
        let mut churn = churn(&[(1, 0, Some(4))]);
        churn.begin(Instant::now());
        assert!(churn.take().is_some());
        assert_eq!(churn.take(), None, "nobody has seen it off");
    }

    #[test]
    fn after_the_end_nobody_is_waited_for() {
        let mut churn = churn(&[(1, 0, Some(4))]);
        churn.begin(Instant::now());
        churn.take();
        churn.seen_off(0, Seat(0));
        churn.end();
        assert_eq!((churn.away(), churn.next_due()), (0, None));
    }
}
