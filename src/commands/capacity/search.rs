//! Checks the loads and gates of a capacity search before it starts.

use crate::capacity::{LoadRange, Probe, Vary};
use crate::capacity_run::{CapacityRun, TooFewSamples, cure, enough};
use crate::cli::{Load, SearchArgs};
use crate::gates::Gate;
use crate::plan::Plan;
use crate::profile::Profile;
use crate::vocabulary::Seed;

/// Default of `--to`, as a multiple of `--from`.
const SPAN: f64 = 1_000.0;

/// Range of loads to search.
///
/// # Errors
/// One sentence about an unusable range, or a gate that can't be judged at the lowest load.
pub(super) fn range(search: &SearchArgs, profile: &Profile, gates: &[Gate], seed: Seed) -> Result<LoadRange, String> {
    let range = loads(search, profile)?;
    check_gates(search.vary, gates)?;
    let plan = Plan::new(search.vary.apply(profile, range.from), seed);
    if let Some(problem) = plan.problems().into_iter().next() {
        return Err(problem);
    }
    match TooFewSamples::planned(&plan, gates) {
        None => Ok(range),
        Some(lack) => {
            let cure = cure(search.vary, profile, range.from, range.to, gates, seed);
            Err(format!("{}: {cure}", lack.in_words(&search.vary.label(profile, range.from))))
        }
    }
}

fn loads(search: &SearchArgs, profile: &Profile) -> Result<LoadRange, String> {
    let vary = search.vary;
    let own = vary.load_of(profile)?;
    let typed = |option: &str, load: Option<Load>| match load {
        Some(Load { number, is_rate: true }) if vary.is_whole() => {
            Err(format!("{option} {number}/s: {} are a number, not a rate", vary.name()))
        }
        load => Ok(load.map(|load| load.number)),
    };
    let (asked_from, asked_to) = (typed("--from", search.from)?, typed("--to", search.to)?);
    let require = typed("--require", search.require)?;
    let (least, most) = (vary.least(), vary.most(profile));
    let from = asked_from.unwrap_or(own);
    let to = asked_to.unwrap_or_else(|| (from * SPAN).max(require.unwrap_or(0.0)).min(most));
    let mut wanted = vec![("--from", from), ("--to", to)];
    for step in &search.steps {
        wanted.extend(typed("--steps", Some(*step))?.map(|load| ("--steps", load)));
    }
    for (option, load) in wanted {
        if vary.is_whole() && load.fract() != 0.0 && load < most {
            return Err(format!("{option} {load}: {} come in whole numbers", vary.name()));
        }
        if load < least || load > most {
            let least = if vary.is_whole() { least.to_string() } else { "1/h".to_owned() };
            return Err(format!("{option} {load}: {} go from {least} to {most:.0}", vary.name()));
        }
    }
    if from > to && asked_from.is_none() {
        return Err(format!(
            "--to {to} is below the profile's own {own}, where the search begins: give --from as well"
        ));
    }
    if from > to {
        return Err(format!("--from {from} is above --to {to}"));
    }
    if let Some(require) = require.filter(|require| *require > to) {
        return Err(format!("--require {require} is above --to {to}, so it could never be met"));
    }
    if search.resolution <= 0.0 {
        return Err("--resolution: it takes more than 0% to be reached".to_owned());
    }
    if search.headroom >= 1.0 {
        return Err("--headroom: all of it leaves nothing to plan for".to_owned());
    }
    let whole = vary.is_whole();
    Ok(LoadRange { from, to: if whole { to.floor() } else { to }, whole, resolution: search.resolution })
}

/// Checks that a gate can fail as the load grows.
fn check_gates(vary: Vary, gates: &[Gate]) -> Result<(), String> {
    if gates.is_empty() {
        return Err("a search needs a gate that says what holds, and the profile has none: \
                    add --gate 'time_to_open: p(95) < 800ms', or a section [gates]"
            .to_owned());
    }
    if vary == Vary::MessageRate && !gates.iter().any(|gate| gate.metric.name.starts_with("message")) {
        return Err("--vary message-rate: no gate is on messages, so none could break: \
                    add --gate 'message_latency: p(99) < 200ms'"
            .to_owned());
    }
    Ok(())
}

/// Advice after a probe with too few samples for a gate.
pub(super) fn too_few_samples_advice(run: &CapacityRun, lack: &TooFewSamples, probe: Option<&Probe>) -> String {
    let CapacityRun { vary, profile, range, gates, .. } = run;
    let load = probe.map_or(range.from, |probe| probe.load);
    let cure = match lack.samples {
        0 => "nothing in this profile gives it any, so leave the gate out".to_owned(),
        samples if *vary != Vary::Arrivals => {
            let more = load * lack.needed as f64 / samples as f64;
            let about = if vary.is_whole() { more.ceil() } else { more };
            let enough = enough(*vary, profile, load, range.to, gates, Seed(run.seed));
            enough.map_or(format!("begin at about --from {about:.0}"), |load| format!("begin with --from {load}"))
        }
        _ => "more rooms (--rooms) give it more".to_owned(),
    };
    format!("{}: {cure}", lack.in_words(&vary.label(profile, load)))
}
