//! The figures of the planning report, as tables and facts.

use crate::capacity::{CapacityResult, LimitedBy, LoadFinding, Probe, ProbeVerdict, differences};
use crate::report::document::{Block, Table};
use crate::summary::Doubt;
use crate::vocabulary::format::{bytes, count, duration, known, number, percent, plural};

/// The probes in the order of the search.
pub(super) fn probes(findings: &CapacityResult) -> Block {
    Table::of("Each is a whole, fresh run, in the order of the search", &findings.probes)
        .figures("load", |probe| load(probe.load))
        .words("verdict", |probe| probe.verdict.name())
        .figures("peers", |probe| count(probe.peers))
        .figures("edges", |probe| format!("{} of {}", count(probe.edges_opened), count(probe.edges_planned)))
        .figures("failed", |probe| known(probe.edges_failed, percent))
        .figures("p50", |probe| known(probe.p50_us, duration))
        .figures("p95", |probe| known(probe.p95_us, duration))
        .figures("p99", |probe| known(probe.p99_us, duration))
        .figures("frames/s out", |probe| whole(probe.frames_out_per_second))
        .words("why", |probe| why(probe))
        .into()
}

/// The server's load with other numbers and sizes of rooms.
pub(super) fn forecast(findings: &CapacityResult) -> Block {
    const CAPTION: &str = "At the server while the rooms arrive, in the time that they took here. Frames said are taken to grow with \
                           the edges; how many hear each is the model's. Extrapolated: beyond the populations that were measured";
    Table::of(CAPTION, &findings.forecast)
        .figures("rooms", |cell| count(cell.rooms))
        .figures("of", |cell| count(cell.room_size))
        .figures("edges", |cell| count(cell.edges))
        .figures("frames/s in", |cell| whole(Some(cell.frames_in_per_second)))
        .figures("frames/s out", |cell| whole(Some(cell.frames_out_per_second)))
        .figures("Mbit/s out", |cell| number(cell.mbit_out_per_second))
        .words("how it is known", |cell| match (cell.measured, cell.extrapolated) {
            (true, _) => "measured",
            (false, false) => "modelled",
            (false, true) => "extrapolated",
        })
        .into()
}

/// The cost at each load, smallest load first; of several probes of one load, the last.
pub(super) fn costs(findings: &CapacityResult) -> Block {
    let mut whole: Vec<&Probe> = findings.probes.iter().rev().filter(|probe| probe.is_whole()).collect();
    whole.sort_by(|one, other| one.load.total_cmp(&other.load));
    whole.dedup_by(|later, earlier| later.load == earlier.load);
    let us = |us: f64| duration(us as u64);
    Table::of("Probes in which nearly every edge opened", whole)
        .figures("load", |probe| load(probe.load))
        .figures("frames said an edge", |probe| known(probe.said_per_edge, number))
        .figures("heard by", |probe| known(probe.fan_out, number))
        .figures("notices", |probe| known(probe.notices_share, percent))
        .figures("amplification", |probe| known(probe.amplification, number))
        .figures("bytes an edge", |probe| known(probe.bytes_per_edge, |amount| bytes(amount as u64)))
        .figures("target CPU, cores", |probe| known(probe.target.as_ref().and_then(|of| of.cpu_cores_max), number))
        .figures("target CPU an edge", |probe| known(probe.target.as_ref().and_then(|of| of.cpu_us_per_edge), us))
        .figures("target memory", |probe| known(probe.target.as_ref().and_then(|of| of.rss_bytes_max), bytes))
        .into()
}

/// The reasons to doubt the answer.
pub(super) fn doubts(findings: &CapacityResult) -> Vec<String> {
    let unconfirmed = findings.limit.filter(|_| findings.held_trials < 3);
    let unconfirmed = unconfirmed
        .map(|limit| format!("{} held {} of the 3 times that would confirm it", load(limit), findings.held_trials));
    let invalid = findings.counts_invalid.then(|| {
        "probes counted that were not valid, since the profile says on_invalid = \"warn\": this machine may be the limit".to_owned()
    });
    let found = findings.findings().into_iter().filter(|(_, finding)| !finding.is_about_coverage());
    let found = found.map(|(probe, finding)| format!("finding from {}: {}", load(probe.load), finding.in_words()));
    unconfirmed.into_iter().chain(invalid).chain(found).collect()
}

/// The particulars of the answer: name and text.
pub(super) fn facts(findings: &CapacityResult) -> Vec<(&'static str, String)> {
    let mut facts = vec![("bracket", bracket(findings))];
    if let Some(limit) = findings.limit {
        let confirmed = match findings.held_trials {
            0..=2 => format!("held {} of 3 times that would confirm it", findings.held_trials),
            trials => format!("held {trials} times, each with a seed of its own"),
        };
        facts.push(("limit", format!("{}: {confirmed}", load(limit))));
    }
    for (name, found) in [("slow from", &findings.slow_from), ("broken from", &findings.broken_from)] {
        if let Some(LoadFinding { load: at, peers, why }) = found {
            facts.push((name, format!("{} ({}): {why}", load(*at), plural(*peers, "peer"))));
        }
    }
    if findings.limit.is_some() || findings.limited_by != LimitedBy::Range {
        facts.push(("limited by", findings.limited_by.in_words().to_owned()));
    }
    if let Some(require) = findings.require {
        let met = findings.limit.is_some_and(|limit| limit >= require);
        facts.push(("required", format!("{}: {}", load(require), if met { "met" } else { "not met" })));
    }
    let at_limit = findings.probes.iter().rev().find(|probe| Some(probe.load) == findings.limit && probe.is_whole());
    if let Some(probe) = at_limit {
        facts.push((
            "at the limit",
            format!(
                "{} frames/s in, {} frames/s out, {} Mbit/s out of the server while the peers arrive",
                whole(probe.frames_in_per_second),
                whole(probe.frames_out_per_second),
                known(probe.mbit_out_per_second, number)
            ),
        ));
    }
    facts.extend(findings.model.says.iter().map(|says| ("growth", says.clone())));
    facts.extend(findings.target_says.iter().map(|says| ("target", says.clone())));
    let doubts = findings.beside.as_ref().map_or(vec![], |other| differences(findings, other));
    facts.extend(doubts.into_iter().map(|doubt| ("side by side", doubt)));
    let scope = &findings.scope;
    facts.push((
        "search",
        format!(
            "{} probes in {}, {} engine, {} dialect, against {}",
            findings.probes.len(),
            duration(scope.duration_us),
            scope.engine,
            scope.dialect,
            scope.target
        ),
    ));
    let machine = format!("{}, {} cores granted, {}", scope.machine.cpu, scope.machine.cores, scope.machine.os);
    facts.extend([("this machine", machine), ("git", scope.meshload.git.clone())]);
    facts
}

fn bracket(findings: &CapacityResult) -> String {
    let mut parts = vec![];
    parts.push(findings.bracket.held.map_or("nothing held".to_owned(), |held| format!("{} held", load(held))));
    if let Some(broke) = findings.bracket.broke {
        parts.push(format!("{} broke", load(broke)));
    }
    if let Some(not_valid) = findings.bracket.not_valid {
        parts.push(format!("{} was more than this machine could make", load(not_valid)));
    }
    parts.join(", ")
}

/// The reason of the verdict; nothing if the load held.
fn why(probe: &Probe) -> String {
    match probe.verdict {
        ProbeVerdict::Held | ProbeVerdict::Interrupted => String::new(),
        ProbeVerdict::NotJudged if probe.edges_opened == 0 => "nobody reached the target".to_owned(),
        ProbeVerdict::NotJudged => match probe.gates.iter().find(|gate| !gate.ok) {
            Some(gate) => format!("{} {}: too few samples, {}", gate.metric_in_words(), gate.expr, gate.samples),
            None => String::new(),
        },
        ProbeVerdict::Broke => probe.why_broke().unwrap_or_default(),
        ProbeVerdict::NotValid => probe.validity.reasons.first().map_or("incomplete".to_owned(), Doubt::in_short),
    }
}

/// Three digits for a number that is not whole.
pub(super) fn load(load: f64) -> String {
    if load.fract() == 0.0 && load.abs() < 1e15 { count(load as u64) } else { number(load) }
}

pub(super) fn whole(value: Option<f64>) -> String {
    known(value, |value| count(value.round() as u64))
}
