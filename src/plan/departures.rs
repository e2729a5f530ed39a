//! Departures and rejoins in the steady phase, drawn room by room from the seed.

use crate::profile::{Churn, Stay};
use crate::vocabulary::{RoomIndex, Seat, Seed};
use rand::RngExt;
use std::time::Duration;

/// The seconds from a departure to the rejoin: long enough that a working server has notified the other peers.
const AWAY_S: std::ops::Range<f64> = 1.0..3.0;

/// The least time from a rejoin to the end of the steady phase, in which the peer's edges can open.
const LAST_RETURN: Duration = Duration::from_secs(1);

/// The way in which a peer leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeaveManner {
    Goodbye,
    /// The sockets close, and no frame announces it.
    Silent,
    /// The signaling socket stays open and silent, as after the loss of a network.
    Vanish,
}

/// One departure. Times count from the start of the steady phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    pub at: Duration,
    pub seat: Seat,
    pub manner: LeaveManner,
    /// The time of the rejoin; `None` if the peer does not rejoin.
    pub back: Option<Duration>,
}

/// Draws the departures of one room, in order of time: each present peer leaves at the same rate, or after a stay,
/// independently of the others. More rooms never change the departures of the first ones.
pub(super) fn draw(churn: Churn, steady: Duration, room: RoomIndex, size: u16, seed: Seed) -> Vec<Departure> {
    let mut departures = vec![];
    if !churn.leaves() {
        return departures;
    }
    let mut draws = seed.stream("churn", room.0.into());
    let first = if churn.host_leaves { 0 } else { 1 };
    for seat in (first..size).map(Seat) {
        let mut present_since = 0.0;
        loop {
            let uniform: f64 = draws.random();
            let present = match churn.stay {
                Some(Stay { min, max }) => min.as_secs_f64() + uniform * (max - min).as_secs_f64(),
                None => -(1.0 - uniform).ln() / churn.leave,
            };
            let at = Duration::try_from_secs_f64(present_since + present);
            let Some(at) = at.ok().filter(|at| *at < steady) else { break };
            let manner = match draws.random::<f64>() {
                drawn if drawn < churn.silent => LeaveManner::Silent,
                drawn if drawn < churn.silent + churn.vanish => LeaveManner::Vanish,
                _ => LeaveManner::Goodbye,
            };
            let back = at + Duration::from_secs_f64(draws.random_range(AWAY_S));
            let back = Some(back).filter(|back| churn.rejoin && *back + LAST_RETURN < steady);
            departures.push(Departure { at, seat, manner, back });
            match back {
                Some(back) => present_since = back.as_secs_f64(),
                None => break,
            }
        }
    }
    departures.sort_by_key(|departure| (departure.at, departure.seat));
    departures
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn churn(leave_a_minute: f64) -> Churn {
        Churn { leave: leave_a_minute / 60.0, stay: None, rejoin: true, host_leaves: true, silent: 0.0, vanish: 0.0 }
    }

    fn of_rooms(churn: Churn, rooms: u32) -> Vec<Departure> {
        (0..rooms).flat_map(|room| draw(churn, MINUTE, RoomIndex(room), 4, Seed(1))).collect()
    }

    #[test]
    fn a_tenth_a_minute_is_a_tenth_of_the_peers() {
        // 400 of 4,000 peers, give or take four deviations.
        let leaves = of_rooms(churn(0.1), 1_000).len();
        assert!((320..480).contains(&leaves), "{leaves}");
        assert_eq!(of_rooms(churn(0.0), 1_000), []);
    }

    #[test]
    fn a_room_depends_on_the_seed_and_its_index_alone() {
        let of = |room, seed| draw(churn(1.0), MINUTE, RoomIndex(room), 8, Seed(seed));
        assert_eq!(of(3, 1), of(3, 1));
        assert_ne!(of(3, 1), of(4, 1));
        assert_ne!(of(3, 1), of(3, 2));
    }

    #[test]
    fn nobody_leaves_while_away_and_all_come_back_a_second_before_the_end() {
        let all = draw(churn(30.0), MINUTE, RoomIndex(0), 4, Seed(1));
        for seat in (0..4).map(Seat) {
            let own: Vec<_> = all.iter().filter(|departure| departure.seat == seat).collect();
            assert!(own.len() > 5, "{own:?}");
            assert!(own.windows(2).all(|two| two[0].back.is_some_and(|back| back <= two[1].at)), "{own:?}");
            assert!(own.iter().all(|departure| departure.back.is_none_or(|back| back + LAST_RETURN < MINUTE)));
        }
        assert!(all.windows(2).all(|two| two[0].at <= two[1].at), "in order");
    }

    #[test]
    fn hosts_stay_unless_asked_and_who_does_not_rejoin_leaves_once() {
        let hosts = of_rooms(Churn { host_leaves: false, ..churn(5.0) }, 50);
        assert!(!hosts.is_empty() && hosts.iter().all(|departure| departure.seat != Seat(0)));
        let once = draw(Churn { rejoin: false, ..churn(50.0) }, MINUTE, RoomIndex(0), 4, Seed(1));
        assert_eq!((once.len(), once.iter().filter(|departure| departure.back.is_some()).count()), (4, 0));
    }

    #[test]
    fn with_stays_each_peer_leaves_after_one_and_stays_as_long_when_it_is_back() {
        let (min, max) = (Duration::from_secs(5), Duration::from_secs(20));
        let stays = Churn { stay: Some(Stay { min, max }), ..churn(0.0) };
        let mut longest = Duration::ZERO;
        for room in 0..50 {
            let all = draw(stays, MINUTE, RoomIndex(room), 4, Seed(1));
            for seat in (0..4).map(Seat) {
                let mut since = Some(Duration::ZERO);
                for departure in all.iter().filter(|departure| departure.seat == seat) {
                    let stay = departure.at - since.expect("the peer is back before it leaves again");
                    assert!(stay >= min && stay <= max, "{stay:?}");
                    longest = longest.max(stay);
                    since = departure.back;
                }
            }
        }
        assert!(longest > Duration::from_secs(18), "{longest:?}");
    }

    #[test]
    fn all_of_the_leavers_are_silent_or_vanish_or_none() {
        let leavers = |silent, vanish, manner| {
            let departures = of_rooms(Churn { silent, vanish, ..churn(1.0) }, 20);
            (departures.iter().filter(|one| one.manner == manner).count(), departures.len())
        };
        assert_eq!(leavers(0.0, 0.0, LeaveManner::Silent).0, 0);
        let (silent, all) = leavers(1.0, 0.0, LeaveManner::Silent);
        assert_eq!(silent, all);
        let (vanished, all) = leavers(0.5, 0.5, LeaveManner::Vanish);
        assert!(vanished * 3 > all && vanished * 3 < 2 * all, "{vanished} of {all}");
    }
}
