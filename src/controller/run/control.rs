//! The control run: the same plan, shortened, without a network, so that its latencies are the generator's own.

use crate::plan::Plan;
use crate::summary::{Control, Summary};
use std::time::Duration;

/// Rooms are added until the plan has this many edges a machine: enough for a p99.
const EDGES_ENOUGH: u64 = 200;

/// Rooms whose last peer is due later than this are left out.
const ARRIVALS_MAX: Duration = Duration::from_secs(10);

/// The most time of steady phase and of drain.
const STEADY_MAX: Duration = Duration::from_secs(2);

/// The plan of the control run of `plan`: its first rooms as they are, enough for so many machines, with shorter phases
/// and no warm-up. It is played with `RunSpec::in_memory`.
pub fn control_plan(plan: &Plan, machines: u32) -> Plan {
    let mut profile = plan.profile.clone();
    let enough = EDGES_ENOUGH * u64::from(machines);
    let mut edges = 0;
    let kept = plan.rooms.iter().take_while(|room| {
        let is_kept = edges < enough && room.due.last().is_none_or(|due| *due <= ARRIVALS_MAX);
        edges += room.edges();
        is_kept
    });
    profile.room_count = kept.count().max(1) as u32;
    // No guest can join: there is no server to connect to.
    profile.scenarios.iter_mut().for_each(|scenario| scenario.rooms.guests = 0);
    profile.phases.warmup = Duration::ZERO;
    profile.phases.steady = profile.phases.steady.min(STEADY_MAX);
    profile.phases.drain = profile.phases.drain.min(STEADY_MAX);
    Plan::new(profile, plan.seed)
}

/// The floor that the summary of a control run shows.
pub fn control_floor(summary: Summary) -> Control {
    Control {
        peers: summary.counts.peers.planned,
        edges: summary.counts.edges.planned,
        opened: summary.counts.edges.opened,
        duration_us: summary.run.duration_us,
        verdict: summary.validity.verdict,
        timers: summary.timers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, ProfileSource};
    use crate::vocabulary::Seed;

    #[test]
    fn the_first_rooms_of_the_plan_are_kept_as_they_are() {
        let check = |text: &str, machines: u32, rooms: usize| {
            let profile = profile::read(ProfileSource { name: "test", text }, &[], &|_| None).unwrap();
            let whole = Plan::new(profile, Seed(1));
            let short = control_plan(&whole, machines);
            assert_eq!(short.rooms.len(), rooms, "{text}");
            let due = |plan: &Plan| plan.rooms[..rooms].iter().map(|room| room.due.clone()).collect::<Vec<_>>();
            assert_eq!(due(&short), due(&whole));
        };
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"100/s\"\n", 1, 34);
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"100/s\"\n", 2, 67);
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"100/s\"\n", 8, 100);
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"4/s\"\n", 8, 10);
        check("[rooms]\ncount = 1\nsize = 50\n[arrivals]\nrate = \"1/s\"\n", 3, 1);
    }
}
