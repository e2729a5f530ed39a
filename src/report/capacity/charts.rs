//! The charts of the planning report.

use super::tables::load;
use crate::capacity::{CapacityResult, Growth, GrowthKind, Probe, ProbeVerdict, TargetLoad};
use crate::report::document::{
    Axis, Chart, ChartColour, Corner, Mark, MarkShape, fractions, log_time, short_count, times,
};
use crate::vocabulary::format::{count, duration, percent};

/// A time of a probe, in microseconds.
type TimeOf = fn(&Probe) -> Option<u64>;

/// The other charts for which there are measurements.
pub(super) fn costs(findings: &CapacityResult) -> Vec<Chart> {
    [failures, reach, cpu, cpu_per_edge].into_iter().filter_map(|chart| chart(findings)).collect()
}

/// Latency over load, with the limit of the gate that failed.
pub(super) fn knee(findings: &CapacityResult) -> Option<Chart> {
    let probes = judged(findings);
    let other = findings.beside.as_deref().filter(|other| other.vary == findings.vary);
    let others = other.map_or(vec![], judged);
    let both = || probes.iter().chain(&others);
    let all = || both().flat_map(|probe| [probe.p50_us, probe.p95_us, probe.p99_us]).flatten();
    let gates: Vec<(u64, &str)> =
        findings.gates.iter().filter_map(|line| Some((line.limit_us?, line.gate.as_str()))).collect();
    let low = all().min()?;
    let high = all().chain(gates.iter().map(|(us, _)| *us)).max()?;
    let (held, broke): (Vec<&Probe>, Vec<&Probe>) =
        probes.iter().partition(|probe| probe.verdict == ProbeVerdict::Held);
    let points = |probes: &[&Probe], of: TimeOf| -> Vec<Corner> {
        probes.iter().filter_map(|probe| Some((probe.load, log_time(of(probe)? as f64)))).collect()
    };
    let percentiles: [(ChartColour, &str, TimeOf); 3] = [
        (ChartColour::Median, "p50", |probe| probe.p50_us),
        (ChartColour::Due, "p95", |probe| probe.p95_us),
        (ChartColour::Tail, "p99", |probe| probe.p99_us),
    ];
    let mut marks = vec![];
    for (colour, name, of) in percentiles {
        marks.push(Mark::line(colour, name, points(&probes, of)));
        marks.push(Mark::new(colour, name, MarkShape::Dots(points(&held, of))));
        marks.push(Mark::new(colour, name, MarkShape::Rings(points(&broke, of))));
    }
    if !others.is_empty() {
        marks.push(Mark::line(ChartColour::Began, "p95 of the search beside", points(&others, |probe| probe.p95_us)));
    }
    let gates = gates
        .into_iter()
        .map(|(us, gate)| Mark::new(ChartColour::Failed, gate, MarkShape::Horizontal(log_time(us as f64))));
    marks.extend(gates.chain(limit(findings)));
    let reading = format!("by {}; full dots held, hollow ones broke", findings.vary.name());
    let says = format!("Time to open against the load; {}", findings.sentence);
    let axes = [loads(both()), times(low, high)];
    Some(Chart { is_large: true, height: 380, ..Chart::new("Time to open by load", reading, says, axes, marks) })
}

/// Failed edges over load.
fn failures(findings: &CapacityResult) -> Option<Chart> {
    let probes = judged(findings);
    let points: Vec<Corner> = probes.iter().filter_map(|probe| Some((probe.load, probe.edges_failed?))).collect();
    let worst = points.iter().map(|(_, failed)| *failed).reduce(f64::max)?;
    let mut marks = vec![
        Mark::line(ChartColour::Failed, "edges failed", points.clone()),
        Mark::new(ChartColour::Failed, "edges failed", MarkShape::Dots(points)),
    ];
    marks.extend(limit(findings));
    let reading = format!("share of the edges planned, by {}", findings.vary.name());
    let says = format!("Edges failed against the load, at most {}", percent(worst));
    Some(of_costs("Failures", reading, says, [loads(probes.iter()), fractions(worst.max(0.01), percent)], marks))
}

/// Receivers of each frame over the number of peers.
fn reach(findings: &CapacityResult) -> Option<Chart> {
    growth(
        findings,
        |findings| Some(&findings.model.fan_out),
        ("Who hears a frame", "peers that hear each frame said, by the peers there are"),
        |probe| probe.fan_out,
        short_count,
    )
}

/// The target's CPU time for each edge over the number of peers.
fn cpu_per_edge(findings: &CapacityResult) -> Option<Chart> {
    growth(
        findings,
        |findings| findings.model.cpu_us_per_edge.as_ref(),
        ("CPU an edge", "CPU of the target for each edge, by the peers there are"),
        |probe| probe.target.as_ref()?.cpu_us_per_edge,
        |us| duration(us as u64),
    )
}

fn growth(
    findings: &CapacityResult,
    fitted: fn(&CapacityResult) -> Option<&Growth>,
    (heading, reading): (&str, &str),
    of: fn(&Probe) -> Option<f64>,
    words: fn(f64) -> String,
) -> Option<Chart> {
    let measured = |findings: &CapacityResult| -> Vec<Corner> {
        let whole = findings.probes.iter().filter(|probe| probe.is_whole());
        whole.filter_map(|probe| Some((probe.peers as f64, of(probe)?))).collect()
    };
    let line = |growth: &Growth, from: f64, to: f64| [from, to].map(|peers| (peers, growth.at(peers)));
    let (growth, points) = (fitted(findings)?, measured(findings));
    let mut highest = points.iter().map(|(_, cost)| *cost).reduce(f64::max)?;
    // A forecast beyond twice the measured range is not credible.
    let mut far = growth.peers_max * 2.0;
    let name = "dots measured, line fitted";
    let mut marks = vec![Mark::new(ChartColour::Due, name, MarkShape::Dots(points))];
    if growth.kind != GrowthKind::Unknown {
        marks.push(Mark::line(ChartColour::Due, name, line(growth, growth.peers_min, growth.peers_max)));
        let beyond = line(growth, growth.peers_max, far);
        marks.push(Mark::line(ChartColour::Extrapolated, "extrapolated (dashed)", beyond));
        highest = highest.max(growth.at(far));
    }
    if let Some(other) = findings.beside.as_deref()
        && let Some(growth) = fitted(other)
    {
        let name = "the search beside: hollow dots, dashed line";
        let points = measured(other);
        highest = points.iter().map(|(_, cost)| *cost).fold(highest, f64::max);
        far = points.iter().map(|(peers, _)| *peers).fold(far, f64::max);
        marks.push(Mark::new(ChartColour::Began, name, MarkShape::Rings(points)));
        if growth.kind != GrowthKind::Unknown {
            marks.push(Mark::line(ChartColour::Began, name, line(growth, growth.peers_min, growth.peers_max)));
        }
    }
    let says = format!("{reading}: {}", findings.model.says.first().map_or("", String::as_str));
    let axes = [fractions(far, |peers| count(peers as u64)), fractions(highest, words)];
    Some(of_costs(heading, reading.to_owned(), says, axes, marks))
}

/// The cores that the target used in its busiest second, over load.
fn cpu(findings: &CapacityResult) -> Option<Chart> {
    let probes = judged(findings);
    let cores = |of: fn(&TargetLoad) -> Option<f64>| -> Vec<Corner> {
        probes.iter().filter_map(|probe| Some((probe.load, of(probe.target.as_ref()?)?))).collect()
    };
    let (most, mean) = (cores(|target| target.cpu_cores_max), cores(|target| target.cpu_cores_mean));
    let highest = most.iter().map(|(_, cores)| *cores).reduce(f64::max)?;
    let marks =
        vec![Mark::line(ChartColour::Tail, "busiest second", most), Mark::line(ChartColour::Median, "mean", mean)];
    let reading = format!("cores, by {}", findings.vary.name());
    let says = format!("Cores that the target used against the load, at most {highest:.2}");
    let axes = [loads(probes.iter()), fractions(highest.max(0.1), |cores| format!("{cores:.2}"))];
    Some(of_costs("The target's CPU", reading, says, axes, marks))
}

fn of_costs(heading: &str, reading: String, says: String, axes: [Axis; 2], marks: Vec<Mark>) -> Chart {
    Chart { height: 260, ..Chart::new(heading, reading, says, axes, marks) }
}

/// The probes that held or broke, by load.
fn judged(findings: &CapacityResult) -> Vec<&Probe> {
    let is_judged = |probe: &&Probe| matches!(probe.verdict, ProbeVerdict::Held | ProbeVerdict::Broke);
    let mut probes: Vec<&Probe> = findings.probes.iter().filter(is_judged).collect();
    probes.sort_by(|one, other| one.load.total_cmp(&other.load));
    probes
}

fn loads<'a>(probes: impl Iterator<Item = &'a &'a Probe>) -> Axis {
    fractions(probes.map(|probe| probe.load).fold(1.0, f64::max), load)
}

fn limit(findings: &CapacityResult) -> Option<Mark> {
    let at = findings.limit?;
    Some(Mark::new(ChartColour::Opened, format!("limit {}", load(at)), MarkShape::Vertical(at)))
}
