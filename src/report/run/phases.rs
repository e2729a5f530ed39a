//! The time of edges by phase, the target's phases apart from the peers'.

use super::figures::{percentile, with_spread};
use crate::report::document::{Bar, Block, Chart, ChartColour, Mark, MarkShape, StyledText, Table, rows, spans};
use crate::summary::{PhaseTimes, SlowEdge, Summary};
use crate::vocabulary::Phase;
use crate::vocabulary::format::{count, duration, known, percent, plural};

/// As many rows as a summary of meshload holds.
const SLOWEST_MAX: usize = 20;
/// The timers after those of the phases, each with the side that pays for it.
const OTHER_TIMERS: [(&str, &str); 9] = [
    ("before", "target"),
    ("time_to_open", "both"),
    ("room_complete", "both"),
    ("own_work", "meshload"),
    ("own_wait", "meshload"),
    ("signal_delivery", "target"),
    ("leave_notice", "peers"),
    ("message_latency", "peers"),
    ("message_rtt", "peers"),
];

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let shares = summary.shares.map(|shares| {
        format!(
            "Of the time that edges took to open, the target's share is {}, the peers' {}, our own work, making offers and answers, {}, and what waited for us {}",
            percent(shares.target),
            percent(shares.peers),
            percent(shares.own_work),
            percent(shares.own_wait)
        )
    });
    vec![
        Block::Paragraph(shares.unwrap_or_default().into()),
        Block::Beside(vec![Block::Charts(mean_edge(summary).into_iter().collect()), timers(summary)]),
        Block::Details("The mean edge in three: the target's, the peers', ours".into(), vec![split(summary)]),
        Block::Details("All timers, to the last percentile".into(), vec![all_timers(summary)]),
    ]
}

/// Three bars of the mean opened edge: the target's phases, the peers' phases, and all.
fn mean_edge(summary: &Summary) -> Option<Chart> {
    let mean = summary.mean_edge.as_ref()?.by_phase();
    let (target, peers): (Vec<_>, Vec<_>) = mean.iter().partition(|(phase, _)| phase.belongs_to_target());
    let in_words: Vec<_> = mean.iter().map(|(phase, us)| format!("{} {}", phase.name(), duration(*us))).collect();
    let says = format!("Mean time of each phase: {}; {} in all", in_words.join(", "), duration(sum(&mean)));
    let names = ["target", "peers", "both"].map(str::to_owned).into_iter();
    let reading = "blue: the target's time; orange: the peers'; of edges that opened, from when they began";
    Some(stacked("The mean edge, phase by phase", reading, says, 170, names, &[target, peers, mean]))
}

fn sum(phases: &[(Phase, u64)]) -> u64 {
    phases.iter().fold(0, |sum, (_, us)| sum.saturating_add(*us))
}

/// Rows of stacked bars, each as long as its phase took.
fn stacked(
    heading: &str,
    reading: &str,
    says: String,
    height: u32,
    names: impl ExactSizeIterator<Item = String>,
    bars: &[Vec<(Phase, u64)>],
) -> Chart {
    let y = rows(names);
    let longest = bars.iter().map(|phases| sum(phases)).max().unwrap_or(0);
    let boxes_of = |wanted: Phase| {
        let bar = |(row, phases): (usize, &Vec<(Phase, u64)>)| {
            let (_, us) = phases.iter().find(|(phase, _)| *phase == wanted)?;
            let before = phases.iter().take_while(|(phase, _)| *phase != wanted).map(|(_, us)| *us as f64).sum::<f64>();
            let middle = y.to - row as f64 - 0.5;
            let (from, to) = ((before, middle - 0.36), (before + *us as f64, middle + 0.36));
            Some(Bar { from, to, strength: 1.0, says: format!("{} {}", wanted.name(), duration(*us)) })
        };
        let boxes: Vec<_> = bars.iter().enumerate().filter_map(bar).collect();
        let name = if boxes.is_empty() { "" } else { wanted.name() };
        Mark::new(ChartColour::of_phase(wanted.name()), name, MarkShape::Boxes(boxes))
    };
    let marks = Phase::OF_AN_EDGE.into_iter().map(boxes_of).collect();
    Chart { height, ..Chart::new(heading, reading, says, [spans(longest as f64), y], marks) }
}

/// A row for each timer: payer, samples and percentiles on the clock `due`, beside the control run's.
fn timers(summary: &Summary) -> Block {
    const CAPTION: &str = "From when each was due; phases hold what completed, the other timers timeouts too. In brackets: fewer samples than that percentile needs";
    let payer = |phase: Phase| if phase.belongs_to_target() { "target" } else { "peers" };
    let key = |phase: Phase| Some(ChartColour::of_phase(phase.name()));
    let phases = Phase::OF_AN_EDGE.into_iter().map(|phase| (phase.name(), payer(phase), key(phase)));
    let others = OTHER_TIMERS.into_iter().map(|(name, payer)| (name, payer, None));
    let measured = phases.chain(others).filter_map(|named| Some((named, &summary.timers.get(named.0)?.due)));
    let table = Table::of(CAPTION, measured)
        .words("timer (due)", |((name, _, key), _)| StyledText { key: *key, ..StyledText::term(*name) })
        .words("paid by", |((_, payer, _), _)| *payer)
        .figures("samples", |(_, due)| count(due.count));
    let table = with_spread(table, |(_, due)| due);
    let Some(control) = &summary.control else { return table.into() };
    [("ours p50", 50.0), ("ours p99", 99.0)]
        .into_iter()
        .fold(table, |table, (head, at)| {
            table.figures(head, |((name, ..), _)| known(control.timers.get(*name), |timer| percentile(&timer.due, at)))
        })
        .into()
}

/// Each phase of the mean opened edge, split between the target, the peers and this generator.
fn split(summary: &Summary) -> Block {
    let mean = summary.mean_edge.as_ref().map(PhaseTimes::by_phase).unwrap_or_default();
    let own = summary.mean_edge_own.as_ref().map(PhaseTimes::by_phase).unwrap_or_default();
    let own_of = |wanted: Phase| own.iter().find(|(phase, _)| *phase == wanted).map_or(0, |(_, us)| *us);
    let parts = mean.iter().map(|(phase, us)| (*phase, *us, own_of(*phase).min(*us)));
    let share = |(phase, us, ours): &(Phase, u64, u64), of_target: bool| {
        duration(if phase.belongs_to_target() == of_target { us - ours } else { 0 })
    };
    Table::of("Ours: own work, and what waited for this process by the kernel's receive stamps", parts)
        .words("phase", |(phase, ..)| StyledText::term(phase.name()))
        .figures("mean", |(_, us, _)| duration(*us))
        .figures("target", |part| share(part, true))
        .figures("peers", |part| share(part, false))
        .figures("ours", |(_, _, ours)| duration(*ours))
        .into()
}

fn all_timers(summary: &Summary) -> Block {
    let clocks = summary.timers.iter().flat_map(|(name, timer)| {
        let (due, began) = ((name, "due", &timer.due), (name, "began", &timer.began));
        let counted = if timer.due == timer.began { vec![(name, "either", &timer.due)] } else { vec![due, began] };
        counted.into_iter().chain(timer.net.iter().map(move |net| (name, "net", net)))
    });
    let table = Table::of("In brackets: fewer samples than that percentile needs", clocks)
        .words("timer", |(name, ..)| StyledText::term(*name))
        .words("clock", |(_, clock, _)| *clock)
        .figures("samples", |(.., of)| count(of.count))
        .figures("min", |(.., of)| duration(of.min_us))
        .figures("mean", |(.., of)| duration(of.mean_us));
    [("p50", 50.0), ("p90", 90.0), ("p95", 95.0), ("p99", 99.0), ("p99.9", 99.9)]
        .into_iter()
        .fold(table, |table, (head, at)| table.figures(head, |(.., of)| percentile(of, at)))
        .figures("max", |(.., of)| duration(of.max_us))
        .into()
}

/// The generator's own part in the target's figures; empty without a control run.
pub(super) fn control(summary: &Summary) -> Vec<String> {
    const OF_THE_TARGET: [&str; 6] = ["connect", "join", "discovery", "negotiation", "signal_delivery", "time_to_open"];
    let Some(control) = &summary.control else { return vec![] };
    let opened = format!(
        "{} of {} opened in {}, with signaling passed in memory; validity {}",
        count(control.opened),
        plural(control.edges, "edge"),
        duration(control.duration_us),
        control.verdict.name()
    );
    let parts = OF_THE_TARGET.into_iter().filter_map(|name| {
        let (all, ours) = (&summary.timers.get(name)?.due, &control.timers.get(name)?.due);
        let is_all_ours = ours.p.p50 >= all.p.p50;
        let (all, ours) = (percentile(all, 50.0), percentile(ours, 50.0));
        Some(if is_all_ours {
            format!("{name} p50 {all}, all of it ours: the control run took {ours}")
        } else {
            format!("{name} p50 {all}, of which {ours} is ours")
        })
    });
    std::iter::once(opened).chain(parts).collect()
}

/// The slowest edges, as bars and as a table.
pub(super) fn slowest(summary: &Summary) -> Vec<Block> {
    let edges = &summary.slowest[..summary.slowest.len().min(SLOWEST_MAX)];
    if edges.is_empty() {
        return vec![];
    }
    let phases: Vec<Vec<(Phase, u64)>> = edges.iter().map(|edge| edge.phases.by_phase()).collect();
    let says = format!("The {}, each split into its phases", plural(edges.len() as u64, "slowest edge"));
    let names = edges.iter().map(|edge| format!("{}–{}", edge.peers[0], edge.peers[1]));
    let (reading, height) = ("each row is one edge, named by its two peers", 45 + 20 * edges.len() as u32);
    let chart = stacked("Their time, phase by phase", reading, says, height, names, &phases);
    vec![Block::Charts(vec![chart]), Block::Details("The same as a table".into(), vec![slow_table(edges)])]
}

fn slow_table(edges: &[SlowEdge]) -> Block {
    let time = |edge: &SlowEdge, wanted: Phase| {
        let found = edge.phases.by_phase().into_iter().find(|(phase, _)| *phase == wanted);
        known(found, |(_, us)| duration(us))
    };
    let table = Table::of("The slowest edges that opened", edges)
        .words("room", |edge| &edge.room)
        .words("peers", |edge| format!("{}–{}", edge.peers[0], edge.peers[1]))
        .figures("due", |edge| duration(edge.due_us))
        .figures("began", |edge| duration(edge.began_us));
    let phases = Phase::OF_AN_EDGE.into_iter();
    let table = phases.fold(table, |table, phase| table.figures(phase.name(), |edge| time(edge, phase)));
    let has_traces = edges.iter().any(|edge| !edge.trace_ids.is_empty());
    if has_traces { table.words("traces", |edge| edge.trace_ids.join(" ")).into() } else { table.into() }
}
