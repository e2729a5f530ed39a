//! Sample counts of gates: those that a plan promises, and those that a probe had.

use crate::capacity::Vary;
use crate::gates::{Gate, Metric};
use crate::plan::{Cost, Plan, RoomPlan};
use crate::profile::Profile;
use crate::summary::GateResult;
use crate::vocabulary::Seed;

/// A gate that can't be judged for lack of samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooFewSamples {
    /// The gate as text, such as `time_to_open: p(95) < 800ms`.
    pub gate: String,
    pub samples: u64,
    pub needed: u64,
}

/// The most doublings of the lowest load in the search for a load with enough samples.
const DOUBLINGS_MAX: usize = 8;
/// The most peers of a plan that is made only to count samples.
const PEERS_MAX: u64 = 100_000;

impl TooFewSamples {
    /// The first gate for which a run of `plan` can't have enough samples, as far as the plan alone tells.
    pub fn planned(plan: &Plan, gates: &[Gate]) -> Option<Self> {
        let lacks = gates.iter().filter_map(|gate| Some(Self::of(gate, planned(plan, &gate.metric)?)));
        lacks.into_iter().find(|lack| lack.samples < lack.needed)
    }

    /// The first gate that a whole probe could not judge; `None` if another gate failed on its samples.
    pub fn observed(gates: &[Gate], results: &[GateResult]) -> Option<Self> {
        let mut failed = gates.iter().zip(results).filter(|(_, result)| !result.ok).peekable();
        let first = failed.peek().map(|(gate, result)| Self::of(gate, result.samples));
        failed.all(|(_, result)| result.why.is_some()).then_some(first).flatten()
    }

    fn of(gate: &Gate, samples: u64) -> Self {
        Self { gate: gate.to_string(), samples, needed: gate.samples_needed().max(1) }
    }

    /// The lack as a sentence about `load`, such as `4 rooms of 4: 18 samples after the warm-up for the gate …`.
    pub fn in_words(&self, load: &str) -> String {
        let Self { gate, samples, needed } = self;
        let samples = if *samples == 0 { "no sample".to_owned() } else { format!("{samples} samples") };
        format!("{load}: {samples} after the warm-up for the gate {gate}, which needs {needed} to be judged")
    }
}

/// The advice against too few samples at load `from`, as the end of a sentence.
pub fn cure(vary: Vary, profile: &Profile, from: f64, to: f64, gates: &[Gate], seed: Seed) -> String {
    let more = || "more rooms (--rooms) or a shorter warm-up (--warmup) give it more".to_owned();
    enough(vary, profile, from, to, gates, seed).map_or_else(more, |load| format!("begin with --from {load}"))
}

/// The first doubling of `from`, up to `to`, with enough samples for all gates; `None` for a variable that adds none.
pub fn enough(vary: Vary, profile: &Profile, from: f64, to: f64, gates: &[Gate], seed: Seed) -> Option<f64> {
    if !matches!(vary, Vary::Rooms | Vary::RoomSize) {
        return None;
    }
    let loads = std::iter::successors(Some(from * 2.0), |load| Some(load * 2.0)).take(DOUBLINGS_MAX);
    let plans = loads.take_while(|load| *load <= to).map(|load| (load, vary.apply(profile, load)));
    let small = plans.take_while(|(_, profile)| Cost::of(profile).peers <= PEERS_MAX);
    small
        .map(|(load, plan)| (load, Plan::new(plan, seed)))
        .find(|(_, plan)| TooFewSamples::planned(plan, gates).is_none())
        .map(|(load, _)| load)
}

/// The samples of a metric that a plan gives if nothing fails; `None` if only a run can tell.
fn planned(plan: &Plan, metric: &Metric) -> Option<u64> {
    let scenario = |room: &RoomPlan| &plan.profile.scenarios[room.scenario].name;
    let reads = |room: &&RoomPlan| !room.warmup && metric.scenario.as_ref().is_none_or(|name| name == scenario(room));
    let measured = || plan.rooms.iter().filter(reads);
    match metric.name.as_str() {
        // Peers that come back add samples.
        _ if plan.rooms.iter().any(|room| !room.departures.is_empty()) => None,
        "time_to_open" | "edges_failed" | "mesh_complete" => Some(measured().map(RoomPlan::edges).sum()),
        "connect" | "join" | "peers_failed" => Some(measured().map(|room| u64::from(room.size())).sum()),
        "room_complete" => Some(measured().count() as u64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{builtin, read};

    fn profile() -> Profile {
        read(builtin::find("capacity").unwrap(), &[], &|_| None).unwrap()
    }

    fn lack(rooms: f64, gate: &str) -> Option<TooFewSamples> {
        let plan = Plan::new(Vary::Rooms.apply(&profile(), rooms), Seed(1));
        TooFewSamples::planned(&plan, &[Gate::parse_line(gate).unwrap()])
    }

    /// Samples of the gate that so many rooms lack, and how many it needs.
    fn check(rooms: f64, gate: &str, expected: Option<(u64, u64)>) {
        assert_eq!(lack(rooms, gate).map(|lack| (lack.samples, lack.needed)), expected, "{rooms} rooms: {gate}");
    }

    #[test]
    fn what_a_plan_gives_too_few_of_is_known_before_anything_runs() {
        check(4.0, "time_to_open: p(95) < 800ms", Some((18, 20)));
        check(8.0, "time_to_open: p(95) < 800ms", None);
        check(8.0, "time_to_open: p(99) < 800ms", Some((36, 100)));
        check(4.0, "room_complete: p(95) < 2s", Some((3, 20)));
        check(4.0, "mesh_complete: rate >= 99%", None);
        check(4.0, "signal_delivery: p(99.9) < 1s", None);
    }

    #[test]
    fn the_cure_is_a_load_that_gives_enough_or_none_is_named() {
        let gates = [Gate::parse_line("time_to_open: p(95) < 800ms").unwrap()];
        let cure = |vary, from, to| cure(vary, &profile(), from, to, &gates, Seed(1));
        assert_eq!(cure(Vary::Rooms, 4.0, 48.0), "begin with --from 8");
        assert!(cure(Vary::Rooms, 4.0, 7.0).starts_with("more rooms"));
        assert!(cure(Vary::Arrivals, 4.0, 48.0).starts_with("more rooms"));
    }

    fn observed(of: &[(&str, bool, Option<&str>)]) -> Option<String> {
        let gates: Vec<Gate> = of.iter().map(|(gate, ..)| Gate::parse_line(gate).unwrap()).collect();
        let result = |(gate, (_, ok, why)): (&Gate, &(&str, bool, Option<&str>))| GateResult {
            metric: gate.metric.name.clone(),
            clock: None,
            scenario: None,
            expr: String::new(),
            observed: None,
            unit: crate::summary::verdict::Unit::Us,
            samples: 3,
            net: None,
            decided: Some(true),
            ok: *ok,
            why: why.map(str::to_owned),
            line: None,
        };
        let results: Vec<GateResult> = gates.iter().zip(of).map(result).collect();
        TooFewSamples::observed(&gates, &results).map(|lack| lack.gate)
    }

    #[test]
    fn a_gate_that_failed_on_what_it_saw_goes_before_one_that_saw_too_little() {
        let (few, late) = ("room_complete: p(95) < 2s", "time_to_open: max < 1s");
        assert_eq!(observed(&[(late, true, None), (few, false, Some("too_few_samples"))]).as_deref(), Some(few));
        assert_eq!(observed(&[(late, false, None), (few, false, Some("too_few_samples"))]), None);
        assert_eq!(observed(&[(late, true, None), (few, true, None)]), None);
    }
}
