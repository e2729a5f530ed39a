//! The charts of the planning report, each with its heading, its key and one sentence on how to read it.

use super::chart::{Chart, Mark, Scale, shown};
use super::tables;
use crate::capacity::{Findings, Growth, Kind, Probe, Verdict};
use crate::vocabulary::quantity::{count, duration, percent};

/// Load against latency, with the gate that broke.
pub fn knee(findings: &Findings) -> Option<String> {
    let probes = judged(findings);
    let times = || probes.iter().flat_map(|probe| [probe.p50_us, probe.p95_us, probe.p99_us]).flatten();
    let gates: Vec<(u64, &str)> =
        findings.gates.iter().filter_map(|line| Some((line.limit_us?, line.gate.as_str()))).collect();
    let low = times().min()?.max(1) as f64;
    let high = times().chain(gates.iter().map(|(us, _)| *us)).max()? as f64;
    let mut marks = vec![];
    for (class, of) in [
        ("p50", (|probe: &Probe| probe.p50_us) as fn(&Probe) -> Option<u64>),
        ("p95", |probe| probe.p95_us),
        ("p99", |probe| probe.p99_us),
    ] {
        let points = |probes: &[&Probe]| -> Vec<(f64, f64)> {
            probes.iter().filter_map(|probe| Some((probe.load, of(probe)? as f64))).collect()
        };
        let (held, broke): (Vec<&Probe>, Vec<&Probe>) = probes.iter().partition(|probe| probe.verdict == Verdict::Held);
        marks.push(Mark::Line { class, dashed: false, points: points(&probes) });
        marks.push(Mark::Dots { class, hollow: false, points: points(&held) });
        marks.push(Mark::Dots { class, hollow: true, points: points(&broke) });
    }
    for (us, gate) in gates {
        marks.push(Mark::Level { class: "bad", at: us as f64, name: gate.to_owned() });
    }
    marks.extend(limits(findings));
    let says = format!("Time to open against the load; {}", findings.sentence);
    let y = Scale::logarithmic(low, high, "time to open", |us| duration(us as u64));
    let key = "<span class=\"p50\">p50</span> <span class=\"p95\">p95</span> <span class=\"p99\">p99</span>";
    let chart = Chart { says, x: loads(findings), y, marks };
    Some(figure("The knee", &format!("{key} <span>full dots held, hollow ones broke</span>"), &chart))
}

/// Load against failed edges.
pub fn failures(findings: &Findings) -> Option<String> {
    let probes = judged(findings);
    let points: Vec<(f64, f64)> = probes.iter().filter_map(|probe| Some((probe.load, probe.edges_failed?))).collect();
    let worst = points.iter().map(|(_, failed)| *failed).reduce(f64::max)?;
    let says = format!("Edges failed against the load, at most {}", percent(worst));
    let mut marks = vec![
        Mark::Line { class: "bad", dashed: false, points: points.clone() },
        Mark::Dots { class: "bad", hollow: false, points },
    ];
    marks.extend(limits(findings));
    let y = Scale::linear(worst.max(0.01), "edges failed", percent);
    Some(figure("Failures", "<span>share of the edges planned</span>", &Chart { says, x: loads(findings), y, marks }))
}

/// Population against how many hear each frame.
pub fn reach(findings: &Findings) -> Option<String> {
    growth(
        findings,
        "Who hears a frame",
        "peers that hear each frame said",
        &findings.model.fan_out,
        |probe| probe.fan_out,
        |reach| format!("{reach:.1}"),
    )
}

/// Population against the target's CPU for each edge.
pub fn cpu_per_edge(findings: &Findings) -> Option<String> {
    growth(
        findings,
        "CPU an edge",
        "CPU of the target for each edge",
        findings.model.cpu_us_per_edge.as_ref()?,
        |probe| probe.target.as_ref()?.cpu_us_per_edge,
        |us| duration(us as u64),
    )
}

fn growth(
    findings: &Findings,
    heading: &str,
    name: &'static str,
    growth: &Growth,
    of: fn(&Probe) -> Option<f64>,
    words: fn(f64) -> String,
) -> Option<String> {
    let whole = findings.probes.iter().filter(|probe| probe.is_whole());
    let points: Vec<(f64, f64)> = whole.filter_map(|probe| Some((probe.peers as f64, of(probe)?))).collect();
    let highest = points.iter().map(|(_, cost)| *cost).reduce(f64::max)?;
    // Twice what was measured is as far as anybody should look.
    let far = growth.peers_max * 2.0;
    let end = growth.at(far).max(highest);
    let mut marks = vec![Mark::Dots { class: "p95", hollow: false, points }];
    if growth.kind != Kind::Unknown {
        let line = |from: f64, to: f64| [from, to].map(|peers| (peers, growth.at(peers))).to_vec();
        let measured = line(growth.peers_min, growth.peers_max);
        marks.push(Mark::Line { class: "p95", dashed: false, points: measured });
        marks.push(Mark::Line { class: "doubt", dashed: true, points: line(growth.peers_max, far) });
    }
    let says = format!("{name} against the population: {}", findings.model.says.first().map_or("", |says| says));
    let x = Scale::linear(far, "peers", |peers| count(peers as u64));
    let chart = Chart { says, x, y: Scale::linear(end, name, words), marks };
    Some(figure(heading, "<span>dots are measured; the dashed line is extrapolation</span>", &chart))
}

/// Load against the cores that the target used in its busiest second.
pub fn cpu(findings: &Findings) -> Option<String> {
    let probes = judged(findings);
    let cores = |of: fn(&crate::capacity::TargetLoad) -> Option<f64>| -> Vec<(f64, f64)> {
        probes.iter().filter_map(|probe| Some((probe.load, of(probe.target.as_ref()?)?))).collect()
    };
    let (most, mean) = (cores(|target| target.cpu_cores_max), cores(|target| target.cpu_cores_mean));
    let highest = most.iter().map(|(_, cores)| *cores).reduce(f64::max)?;
    let marks = vec![
        Mark::Line { class: "p99", dashed: false, points: most },
        Mark::Line { class: "p50", dashed: false, points: mean },
    ];
    let says = format!("Cores that the target used against the load, at most {highest:.2}");
    let y = Scale::linear(highest.max(0.1), "cores", |cores| format!("{cores:.1}"));
    let key = "<span class=\"p99\">busiest second</span> <span class=\"p50\">mean</span>";
    Some(figure("The target's CPU", key, &Chart { says, x: loads(findings), y, marks }))
}

fn figure(heading: &str, key: &str, chart: &Chart) -> String {
    format!("<figure><figcaption><strong>{}</strong> {key}</figcaption>{}</figure>", shown(heading), chart.draw())
}

/// Probes that say something of the target, by load.
fn judged(findings: &Findings) -> Vec<&Probe> {
    let is_judged = |probe: &&Probe| matches!(probe.verdict, Verdict::Held | Verdict::Broke);
    let mut probes: Vec<&Probe> = findings.probes.iter().filter(is_judged).collect();
    probes.sort_by(|one, other| one.load.total_cmp(&other.load));
    probes
}

fn loads(findings: &Findings) -> Scale {
    let highest = judged(findings).last().map_or(1.0, |probe| probe.load);
    Scale::linear(highest, findings.vary.name(), tables::load)
}

fn limits(findings: &Findings) -> Vec<Mark> {
    let mut marks = vec![];
    if let Some(at) = findings.limit {
        marks.push(Mark::Plumb { class: "good", at, name: format!("limit {}", tables::load(at)) });
    }
    marks
}
