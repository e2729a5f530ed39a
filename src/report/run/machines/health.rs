//! The generator's health: what it used, and how late it was.

use crate::report::document::{Block, Chart, ChartColour, Mark, fractions};
use crate::report::run::latency::percentile_chart;
use crate::report::run::load::{axis, middle_of};
use crate::summary::{Summary, TargetProcess};
use crate::vocabulary::format::{bytes, count, duration, known, number, percent};

/// Most of the target's own metrics shown; summary.json has all.
const METRICS_MAX: usize = 8;

pub(in crate::report::run) fn blocks(summary: &Summary) -> Vec<Block> {
    let health = &summary.health;
    let lag = &health.lag_us;
    let facts = [
        ("timers late p99", crate::report::run::figures::percentile(lag, 99.0)),
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
    let charts =
        [percentile_chart("Scheduler lag", reading, &[(ChartColour::Due, "lag", lag.curve())], &[]), own_cpu(summary)];
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
        ("its descriptors at most", known(process.fds_max, count)),
        ("its threads at most", count(process.threads_max)),
    ];
    facts.extend((!last.is_empty()).then(|| ("its metrics at the end", last.join(", "))));
    facts.extend(process.in_words().into_iter().map(|said| ("of the target", said)));
    facts
}

/// The CPU of this process in each second.
fn own_cpu(summary: &Summary) -> Option<Chart> {
    let looks = summary.series.iter().map(|row| (middle_of(row), row.seconds, [row.cpu_us, row.waiting_us]));
    cpu(summary, "CPU, second by second", ["cores", "waited for, by the worker that waited longest"], looks)
}

/// The CPU of the target's processes in each second, if they run on this machine.
pub(in crate::report::run) fn target_cpu(summary: &Summary) -> Option<Chart> {
    let looks = summary
        .target_process
        .as_ref()?
        .spans()
        .map(|(row, seconds)| (row.second as f64 - seconds as f64 / 2.0, seconds, [row.cpu_us, row.waiting_us]));
    let words = ["cores of its process on this machine", "waited for, by the thread that waited longest"];
    cpu(summary, "The target's CPU, second by second", words, looks)
}

/// Cores in use and cores waited for. A look has the middle of the time that it covers, in seconds of the run, its
/// seconds, and the times used and waited in microseconds; one that measured nothing leaves a gap.
fn cpu(
    summary: &Summary,
    heading: &str,
    [reading, waited]: [&str; 2],
    looks: impl Iterator<Item = (f64, u64, [Option<u64>; 2])>,
) -> Option<Chart> {
    let cores = |us: Option<u64>, seconds: u64| us.map_or(f64::NAN, |us| us as f64 / 1e6 / seconds.max(1) as f64);
    let cores: Vec<_> = looks.map(|(at, seconds, both)| (at, both.map(|us| cores(us, seconds)))).collect();
    let most = cores.iter().flat_map(|(_, both)| *both).filter(|cores| !cores.is_nan()).reduce(f64::max)?;
    let line = |colour: ChartColour, name: &str, which: usize| {
        Mark::line(colour, name, cores.iter().map(|(at, both)| (*at, both[which])))
    };
    let granted = summary.run.machine.cores;
    let says = format!("Cores in use in each second, at most {most:.2} of {granted}");
    let axes = [axis(&summary.series), fractions(most.max(granted.min(1.0)), |cores| format!("{cores:.2}"))];
    let marks = vec![line(ChartColour::Due, "in use", 0), line(ChartColour::Failed, waited, 1)];
    Some(Chart::new(heading, reading, says, axes, marks))
}
