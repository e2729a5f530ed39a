//! The control run: the same plan, shortened, without a network, so that its latencies are the generator's own.

use super::super::ice_servers::gathering;
use super::super::outcome::{StartError, Stop};
use super::super::signals::StopSignals;
use super::RunSpec;
use super::prepared_run::{Capture, PreparedRun, play};
use crate::plan::{Plan, ShareOf};
use crate::summary::Control;
use crate::vocabulary::Redactor;
use std::time::Duration;

/// Rooms are added until the plan has this many edges: enough for a p99.
const EDGES_ENOUGH: u64 = 200;

/// Rooms whose last peer is due later than this are left out.
const ARRIVALS_MAX: Duration = Duration::from_secs(10);

/// The most time of steady phase and of drain.
const STEADY_MAX: Duration = Duration::from_secs(2);

/// Runs the first rooms of the plan with signaling in memory, to their end or until a signal or the failure brake.
///
/// # Errors
/// As for `run`.
pub fn control(spec: &RunSpec, mut signals: StopSignals) -> Result<(Control, Option<Stop>), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let plan = shortened(&spec.plan);
    let prepared = PreparedRun {
        plan,
        run_id: spec.run_id.clone(),
        dialect: spec.dialect.clone(),
        redactor: Redactor::default(),
        endpoints: None,
        target_process: None,
        gathering: runtime.block_on(gathering(&spec.plan.profile.engine, &spec.access.route.target_policy))?,
        target: "memory".to_owned(),
        workers: spec.workers,
        share: ShareOf::WHOLE,
        start_at: None,
        show: spec.show,
        status: None,
        metrics: None,
        gates: vec![],
        keep: Capture::default(),
        probe: String::new(),
    };
    let done = runtime.block_on(play(prepared, &mut signals, None))?;
    let summary = done.summary;
    let control = Control {
        peers: summary.counts.peers.planned,
        edges: summary.counts.edges.planned,
        opened: summary.counts.edges.opened,
        duration_us: summary.run.duration_us,
        verdict: summary.validity.verdict,
        timers: summary.timers,
    };
    Ok((control, done.stop))
}

/// The first rooms of the plan, as they are, with shorter phases and no warm-up.
fn shortened(plan: &Plan) -> Plan {
    let mut profile = plan.profile.clone();
    let mut edges = 0;
    let kept = plan.rooms.iter().take_while(|room| {
        let is_kept = edges < EDGES_ENOUGH && room.due.last().is_none_or(|due| *due <= ARRIVALS_MAX);
        edges += room.edges();
        is_kept
    });
    profile.rooms.count = kept.count().max(1) as u32;
    // No guest can join: there is no server to connect to.
    profile.rooms.guests = 0;
    profile.phases.warmup = Duration::ZERO;
    profile.phases.steady = profile.phases.steady.min(STEADY_MAX);
    profile.phases.drain = profile.phases.drain.min(STEADY_MAX);
    Plan::new(profile, plan.seed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{self, ProfileSource};
    use crate::vocabulary::Seed;

    #[test]
    fn the_first_rooms_of_the_plan_are_kept_as_they_are() {
        let check = |text: &str, rooms: usize| {
            let profile = profile::read(ProfileSource { name: "test", text }, &[], &|_| None).unwrap();
            let whole = Plan::new(profile, Seed(1));
            let short = shortened(&whole);
            assert_eq!(short.rooms.len(), rooms, "{text}");
            let due = |plan: &Plan| plan.rooms[..rooms].iter().map(|room| room.due.clone()).collect::<Vec<_>>();
            assert_eq!(due(&short), due(&whole));
        };
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"100/s\"\n", 34);
        check("[rooms]\ncount = 100\nsize = 4\n[arrivals]\nrate = \"4/s\"\n", 10);
        check("[rooms]\ncount = 1\nsize = 50\n[arrivals]\nrate = \"1/s\"\n", 1);
    }
}
