//! The generator's health: what it used, and how late it was.

use super::latency::{percentile_chart, points};
use crate::report::document::{Block, Chart, ChartColour, Mark, amounts, seconds};
use crate::summary::{SeriesRow, Summary, TargetProcess};
use crate::vocabulary::format::{bytes, count, duration, number, percent};

/// Most of the target's own metrics shown; summary.json has all.
const METRICS_MAX: usize = 8;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let health = &summary.health;
    let lag = &health.lag_us;
    let facts = [
        ("timers late p99", super::figures::percentile(lag, 99.0, lag.p.p99)),
        ("max", duration(lag.max_us)),
        ("CPU used", format!("{:.2} of {} cores", health.cpu_cores, summary.run.machine.cores)),
        ("nearly all of it used", format!("{} of the run", percent(health.busy_share))),
        ("waiting for a CPU", format!("{} of the run", percent(health.waiting_share))),
        ("CPU an edge", duration(health.us_per_edge)),
        ("memory at most", bytes(health.rss_bytes_max)),
        ("descriptors at most", count(health.fds_max)),
        ("arrivals started late", count(health.late)),
        ("not started", count(health.dropped)),
        ("arrivals waiting at most", count(health.arrivals_waiting_max)),
        ("frames waiting at most", count(health.frames_waiting_max)),
    ];
    let clocks = &health.arrival_clocks;
    let clocks = [("frames arrive by", clocks.signaling), ("datagrams arrive by", clocks.engine)];
    let clocks = clocks.into_iter().filter_map(|(what, counts)| Some((what, counts.in_words()?)));
    let reading = "how late our own timers fired: no figure here can be finer";
    let target = summary.target_process.iter().flat_map(target_facts);
    let charts = [
        percentile_chart("Scheduler lag", reading, &[(ChartColour::Due, "lag", points(lag))], &[]),
        second_by_second(summary),
    ];
    vec![Block::Beside(vec![
        Block::facts(facts.into_iter().chain(clocks).chain(target)),
        Block::Charts(charts.into_iter().flatten().collect()),
    ])]
}

/// The target's processes on this machine.
fn target_facts(process: &TargetProcess) -> Vec<(&'static str, String)> {
    let pids: Vec<String> = process.pids.iter().map(u32::to_string).collect();
    let found = match pids.is_empty() {
        true => "elsewhere; what follows is by its own metrics".to_owned(),
        false => format!("{}, pid {}", process.name, pids.join(", ")),
    };
    let last: Vec<String> = process.series.iter().rev().find(|row| !row.metrics.is_empty()).map_or(vec![], |row| {
        row.metrics.iter().take(METRICS_MAX).map(|(name, value)| format!("{name} {}", number(*value))).collect()
    });
    let mut facts = vec![
        ("the target's process", found),
        ("its CPU", format!("{:.2} cores, at most {:.2}", process.cpu_cores, process.cpu_cores_max)),
        ("its wait for a CPU", format!("{} of the run", percent(process.waiting_share))),
        ("its memory at most", bytes(process.rss_bytes_max)),
        ("its descriptors at most", process.fds_max.map_or("–".to_owned(), count)),
        ("its threads at most", count(process.threads_max)),
    ];
    facts.extend((!last.is_empty()).then(|| ("its metrics at the end", last.join(", "))));
    facts.extend(process.in_words().into_iter().map(|said| ("of the target", said)));
    facts
}

/// Cores in use and cores waited for; a row without a sample leaves a gap.
fn second_by_second(summary: &Summary) -> Option<Chart> {
    let cores = |row: &SeriesRow, us: u64| us as f64 / 1e6 / row.seconds.max(1) as f64;
    let all = summary.series.iter().flat_map(|row| [row.cpu_us, row.waiting_us].map(|us| Some(cores(row, us?))));
    let most = all.flatten().reduce(f64::max)?;
    let line = |colour: ChartColour, name: &str, of: fn(&SeriesRow) -> Option<u64>| {
        let point = |row: &SeriesRow| {
            (row.second as f64 + row.seconds as f64 / 2.0, of(row).map_or(f64::NAN, |us| cores(row, us)))
        };
        Mark::line(colour, name, summary.series.iter().map(point))
    };
    Some(Chart {
        is_large: false,
        heading: "CPU, second by second".into(),
        reading: "cores".into(),
        says: format!("Cores in use in each second, at most {most:.2} of {}", summary.run.machine.cores),
        height: 220,
        margin: 48,
        x: seconds(summary.series.last().map_or(0, |row| row.second.saturating_add(row.seconds)) as f64),
        y: amounts(most.max(summary.run.machine.cores), |cores| format!("{cores:.1}")),
        marks: vec![
            line(ChartColour::Due, "in use", |row| row.cpu_us),
            line(ChartColour::Failed, "waited for, by the worker that waited longest", |row| row.waiting_us),
        ],
    })
}
