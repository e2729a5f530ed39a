//! The figures of the planning report, as tables and facts.

use crate::capacity::{CapacityResult, ForecastCell, LimitedBy, LoadFinding, Probe, ProbeVerdict, differences};
use crate::report::document::{Column, StyledText, Table};
use crate::vocabulary::{format::bytes, format::count, format::duration, format::percent, format::plural};

/// The probes in the order of the search.
pub(super) fn probes(findings: &CapacityResult) -> Table {
    let mut columns = vec![Column::Figures("load"), Column::Words("verdict")];
    columns.extend(["peers", "edges", "failed", "p50", "p95", "p99", "frames/s out"].map(Column::Figures));
    columns.push(Column::Words("why"));
    let rows = findings.probes.iter().map(|probe| {
        let time = |us: Option<u64>| us.map_or("–".to_owned(), duration);
        cells([
            load(probe.load),
            verdict(probe.verdict).to_owned(),
            count(probe.peers),
            format!("{} of {}", count(probe.edges_opened), count(probe.edges_planned)),
            probe.edges_failed.map_or("–".to_owned(), percent),
            time(probe.p50_us),
            time(probe.p95_us),
            time(probe.p99_us),
            whole(probe.frames_out_per_second),
            why(probe),
        ])
    });
    Table::new("Each is a whole, fresh run, in the order of the search", columns, rows)
}

fn cells<const N: usize>(cells: [String; N]) -> Vec<StyledText> {
    cells.map(StyledText::from).into()
}

/// The server's load with other numbers and sizes of rooms.
pub(super) fn forecast(findings: &CapacityResult) -> Table {
    const CAPTION: &str = "At the server while the rooms arrive, in the time that they took here. Frames said are taken to grow with \
                           the edges; how many hear each is the model's. Extrapolated: beyond the populations that were measured";
    let mut columns =
        ["rooms", "of", "edges", "frames/s in", "frames/s out", "Mbit/s out"].map(Column::Figures).to_vec();
    columns.push(Column::Words("how it is known"));
    let rows = findings.forecast.iter().map(|cell| {
        cells([
            count(cell.rooms),
            count(cell.room_size),
            count(cell.edges),
            whole(Some(cell.frames_in_per_second)),
            whole(Some(cell.frames_out_per_second)),
            number(Some(cell.mbit_out_per_second)),
            known(cell).to_owned(),
        ])
    });
    Table::new(CAPTION, columns, rows)
}

fn known(cell: &ForecastCell) -> &'static str {
    match (cell.measured, cell.extrapolated) {
        (true, _) => "measured",
        (false, false) => "modelled",
        (false, true) => "extrapolated",
    }
}

/// The cost at each load, smallest load first; of several probes of one load, the last.
pub(super) fn costs(findings: &CapacityResult) -> Table {
    const HEADS: [&str; 9] = [
        "load",
        "frames said an edge",
        "heard by",
        "notices",
        "amplification",
        "bytes an edge",
        "target CPU, cores",
        "target CPU an edge",
        "target memory",
    ];
    let mut whole: Vec<&Probe> = findings.probes.iter().filter(|probe| probe.is_whole()).collect();
    whole.sort_by(|one, other| one.load.total_cmp(&other.load));
    let row = |probe: &Probe| {
        let target = probe.target.clone().unwrap_or_default();
        cells([
            load(probe.load),
            number(probe.said_per_edge),
            number(probe.fan_out),
            probe.notices_share.map_or("–".to_owned(), percent),
            number(probe.amplification),
            probe.bytes_per_edge.map_or("–".to_owned(), |amount| bytes(amount as u64)),
            number(target.cpu_cores_max),
            target.cpu_us_per_edge.map_or("–".to_owned(), |us| duration(us as u64)),
            target.rss_bytes_max.map_or("–".to_owned(), bytes),
        ])
    };
    let mut rows: Vec<Vec<StyledText>> = whole.into_iter().map(row).collect();
    rows.dedup_by(|later, earlier| later[0] == earlier[0]);
    Table::new("Probes in which nearly every edge opened", HEADS.map(Column::Figures), rows)
}

/// The reasons to doubt the answer.
pub(super) fn doubts(findings: &CapacityResult) -> Vec<String> {
    let unconfirmed = findings.limit.filter(|_| findings.held_trials < 3);
    let unconfirmed = unconfirmed
        .map(|limit| format!("{} held {} of the 3 times that would confirm it", load(limit), findings.held_trials));
    let invalid = findings.counts_invalid.then(|| {
        "probes counted that were not valid, since the profile says on_invalid = \"warn\": this machine may be the limit".to_owned()
    });
    unconfirmed.into_iter().chain(invalid).collect()
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
        facts.push(("limited by", limited_by(findings.limited_by).to_owned()));
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
                number(probe.mbit_out_per_second)
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

fn verdict(verdict: ProbeVerdict) -> &'static str {
    match verdict {
        ProbeVerdict::Held => "held",
        ProbeVerdict::Broke => "broke",
        ProbeVerdict::NotValid => "not valid",
        ProbeVerdict::NotJudged => "not judged",
        ProbeVerdict::Interrupted => "stopped",
    }
}

/// The first gate that failed, or else the first reason against validity.
fn why(probe: &Probe) -> String {
    match probe.verdict {
        ProbeVerdict::Held | ProbeVerdict::Interrupted => String::new(),
        ProbeVerdict::NotJudged if probe.edges_opened == 0 => "nobody reached the target".to_owned(),
        ProbeVerdict::NotJudged => match probe.gates.iter().find(|gate| !gate.ok) {
            Some(gate) => format!("{} {}: too few samples, {}", gate.metric, gate.expr, gate.samples),
            None => String::new(),
        },
        ProbeVerdict::Broke if probe.restarts > 0 => "the target's process restarted".to_owned(),
        ProbeVerdict::Broke => match probe.gates.iter().find(|gate| !gate.ok) {
            Some(gate) => format!("{} {}: {}", gate.metric, gate.expr, gate.observed_in_words()),
            None => "too much failed".to_owned(),
        },
        ProbeVerdict::NotValid => {
            let doubt = probe.validity.reasons.first();
            doubt.map_or("incomplete".to_owned(), |doubt| format!("{}: {}", doubt.what, doubt.observed))
        }
    }
}

pub(super) fn limited_by(limited_by: LimitedBy) -> &'static str {
    match limited_by {
        LimitedBy::Target => "the target: it broke a gate",
        LimitedBy::Generator => "this generator: the target may hold more",
        LimitedBy::Range => "the range of the search: the target may hold more",
    }
}

/// Three digits for a number that is not whole.
pub(super) fn load(load: f64) -> String {
    if load.fract() == 0.0 && load.abs() < 1e15 { count(load as u64) } else { number(Some(load)) }
}

pub(super) fn whole(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| count(value.round() as u64))
}

pub(super) fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value.abs() >= 100.0 => count(value.round() as u64),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) => format!("{value:.2}"),
    }
}
