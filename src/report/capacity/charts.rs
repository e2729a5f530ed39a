//! The charts of the planning report, each with its heading, its legend and one sentence on how to read it.

use super::format;
use crate::capacity::{CapacityResult, Growth, GrowthKind, Probe, ProbeVerdict, TargetLoad};
use crate::report::html::axis::{self, Axis};
use crate::report::html::{Chart, ChartColour, Mark, figure, legend, sanitize};
use crate::vocabulary::{format::count, format::duration, format::percent};
use maud::{Markup, html};

const HEIGHT: u32 = 520;
const MARGIN: u32 = 130;

/// Latency over load, with the limit of the gate that failed.
pub(super) fn knee(findings: &CapacityResult) -> Option<Markup> {
    let probes = judged(findings);
    let other = findings.beside.as_deref().filter(|other| other.vary == findings.vary);
    let others = other.map_or(vec![], judged);
    let both = || probes.iter().chain(&others);
    let times = || both().flat_map(|probe| [probe.p50_us, probe.p95_us, probe.p99_us]).flatten();
    let gates: Vec<(u64, &str)> =
        findings.gates.iter().filter_map(|line| Some((line.limit_us?, line.gate.as_str()))).collect();
    let low = times().min()?;
    let high = times().chain(gates.iter().map(|(us, _)| *us)).max()?;
    let (held, broke): (Vec<&Probe>, Vec<&Probe>) =
        probes.iter().partition(|probe| probe.verdict == ProbeVerdict::Held);
    let mut marks = vec![];
    for (role, of) in [
        (ChartColour::Median, (|probe: &Probe| probe.p50_us) as fn(&Probe) -> Option<u64>),
        (ChartColour::Due, |probe| probe.p95_us),
        (ChartColour::Tail, |probe| probe.p99_us),
    ] {
        let points = |probes: &[&Probe]| -> Vec<(f64, f64)> {
            probes.iter().filter_map(|probe| Some((probe.load, axis::log_time(of(probe)? as f64)))).collect()
        };
        marks.push(Mark::Line { role, points: points(&probes) });
        marks.push(Mark::Dots { role, hollow: false, points: points(&held) });
        marks.push(Mark::Dots { role, hollow: true, points: points(&broke) });
    }
    if !others.is_empty() {
        let points =
            others.iter().filter_map(|probe| Some((probe.load, axis::log_time(probe.p95_us? as f64)))).collect();
        marks.push(Mark::Line { role: ChartColour::Began, points });
    }
    for (us, gate) in gates {
        marks.push(Mark::HorizontalLine {
            role: ChartColour::Failed,
            at: axis::log_time(us as f64),
            name: sanitize(gate),
        });
    }
    marks.extend(limit(findings));
    let says = format!("Time to open against the load; {}", sanitize(&findings.sentence));
    let chart = Chart { says, height: HEIGHT, margin: MARGIN, x: loads_of(both()), y: axis::times(low, high), marks };
    let mut key = vec![
        (ChartColour::Median, "p50"),
        (ChartColour::Due, "p95"),
        (ChartColour::Tail, "p99"),
        (ChartColour::Failed, "gate"),
    ];
    key.extend((!others.is_empty()).then_some((ChartColour::Began, "p95 of the search beside")));
    let key = legend(&key);
    Some(figure(
        "The knee",
        &format!("time to open by {}; full dots held, hollow ones broke", vary(findings)),
        &key,
        &chart.draw(),
    ))
}

/// Failed edges over load.
pub(super) fn failures(findings: &CapacityResult) -> Option<Markup> {
    let probes = judged(findings);
    let points: Vec<(f64, f64)> = probes.iter().filter_map(|probe| Some((probe.load, probe.edges_failed?))).collect();
    let worst = points.iter().map(|(_, failed)| *failed).reduce(f64::max)?;
    let mut marks = vec![
        Mark::Line { role: ChartColour::Failed, points: points.clone() },
        Mark::Dots { role: ChartColour::Failed, hollow: false, points },
    ];
    marks.extend(limit(findings));
    let says = format!("Edges failed against the load, at most {}", percent(worst));
    let y = axis::fractions(worst.max(0.01), percent);
    let chart = Chart { says, height: HEIGHT, margin: MARGIN, x: loads(findings), y, marks };
    let reading = format!("share of the edges planned, by {}", vary(findings));
    Some(figure("Failures", &reading, &html! {}, &chart.draw()))
}

/// Receivers of each frame over the number of peers.
pub(super) fn reach(findings: &CapacityResult) -> Option<Markup> {
    growth(
        findings,
        |findings| Some(&findings.model.fan_out),
        ("Who hears a frame", "peers that hear each frame said, by the peers there are"),
        |probe| probe.fan_out,
        axis::short_count,
    )
}

/// The target's CPU time for each edge over the number of peers.
pub(super) fn cpu_per_edge(findings: &CapacityResult) -> Option<Markup> {
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
) -> Option<Markup> {
    let measured = |findings: &CapacityResult| -> Vec<(f64, f64)> {
        let whole = findings.probes.iter().filter(|probe| probe.is_whole());
        whole.filter_map(|probe| Some((probe.peers as f64, of(probe)?))).collect()
    };
    let line = |growth: &Growth, from: f64, to: f64| [from, to].map(|peers| (peers, growth.at(peers))).to_vec();
    let (growth, points) = (fitted(findings)?, measured(findings));
    let mut highest = points.iter().map(|(_, cost)| *cost).reduce(f64::max)?;
    // A forecast beyond twice the measured range is not credible.
    let mut far = growth.peers_max * 2.0;
    let mut marks = vec![Mark::Dots { role: ChartColour::Due, hollow: false, points }];
    if growth.kind != GrowthKind::Unknown {
        marks.push(Mark::Line { role: ChartColour::Due, points: line(growth, growth.peers_min, growth.peers_max) });
        marks.push(Mark::Line { role: ChartColour::Extrapolated, points: line(growth, growth.peers_max, far) });
        highest = highest.max(growth.at(far));
    }
    let mut key =
        vec![(ChartColour::Due, "dots measured, line fitted"), (ChartColour::Extrapolated, "extrapolated (dashed)")];
    if let Some(other) = findings.beside.as_deref()
        && let Some(growth) = fitted(other)
    {
        let points = measured(other);
        highest = points.iter().map(|(_, cost)| *cost).fold(highest, f64::max);
        far = points.iter().map(|(peers, _)| *peers).fold(far, f64::max);
        marks.push(Mark::Dots { role: ChartColour::Began, hollow: true, points });
        if growth.kind != GrowthKind::Unknown {
            marks.push(Mark::Line {
                role: ChartColour::Began,
                points: line(growth, growth.peers_min, growth.peers_max),
            });
        }
        key.push((ChartColour::Began, "the search beside: hollow dots, dashed line"));
    }
    let says = format!("{reading}: {}", findings.model.says.first().map_or(String::new(), |says| sanitize(says)));
    let x = axis::fractions(far, |peers| count(peers as u64));
    let y = axis::fractions(highest, words);
    Some(figure(heading, reading, &legend(&key), &Chart { says, height: HEIGHT, margin: MARGIN, x, y, marks }.draw()))
}

/// The cores that the target used in its busiest second, over load.
pub(super) fn cpu(findings: &CapacityResult) -> Option<Markup> {
    let probes = judged(findings);
    let cores = |of: fn(&TargetLoad) -> Option<f64>| -> Vec<(f64, f64)> {
        probes.iter().filter_map(|probe| Some((probe.load, of(probe.target.as_ref()?)?))).collect()
    };
    let (most, mean) = (cores(|target| target.cpu_cores_max), cores(|target| target.cpu_cores_mean));
    let highest = most.iter().map(|(_, cores)| *cores).reduce(f64::max)?;
    let marks = vec![
        Mark::Line { role: ChartColour::Tail, points: most },
        Mark::Line { role: ChartColour::Median, points: mean },
    ];
    let says = format!("Cores that the target used against the load, at most {highest:.2}");
    let y = axis::fractions(highest.max(0.1), |cores| format!("{cores:.2}"));
    let key = legend(&[(ChartColour::Tail, "busiest second"), (ChartColour::Median, "mean")]);
    let chart = Chart { says, height: HEIGHT, margin: MARGIN, x: loads(findings), y, marks };
    Some(figure("The target's CPU", &format!("cores, by {}", vary(findings)), &key, &chart.draw()))
}

/// The probes that held or broke, by load.
fn judged(findings: &CapacityResult) -> Vec<&Probe> {
    let is_judged = |probe: &&Probe| matches!(probe.verdict, ProbeVerdict::Held | ProbeVerdict::Broke);
    let mut probes: Vec<&Probe> = findings.probes.iter().filter(is_judged).collect();
    probes.sort_by(|one, other| one.load.total_cmp(&other.load));
    probes
}

fn vary(findings: &CapacityResult) -> &'static str {
    findings.vary.name()
}

fn loads(findings: &CapacityResult) -> Axis {
    loads_of(judged(findings).iter())
}

fn loads_of<'a>(probes: impl Iterator<Item = &'a &'a Probe>) -> Axis {
    axis::fractions(probes.map(|probe| probe.load).fold(1.0, f64::max), format::load)
}

fn limit(findings: &CapacityResult) -> Option<Mark> {
    let at = findings.limit?;
    Some(Mark::VerticalLine { role: ChartColour::Opened, at, name: format!("limit {}", format::load(at)) })
}
