//! The time of edges by phase, the target's phases apart from the peers'.

use super::figures::{cells, percentile};
use crate::report::document::{
    Bar, Block, Chart, ChartColour, Column, Mark, MarkShape, StyledText, Table, rows, spans,
};
use crate::summary::{Clock, PhaseTimes, SlowEdge, Summary};
use crate::vocabulary::Phase;
use crate::vocabulary::format::{count, duration, percent, plural};

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
        Block::Beside(vec![Block::Charts(mean_edge(summary).into_iter().collect()), Block::Table(timers(summary))]),
        Block::Details(
            "The mean edge in three: the target's, the peers', ours".into(),
            vec![Block::Table(split(summary))],
        ),
        Block::Details("All timers, to the last percentile".into(), vec![Block::Table(all_timers(summary))]),
    ]
}

/// Three bars of the mean opened edge: the target's phases, the peers' phases, and all.
fn mean_edge(summary: &Summary) -> Option<Chart> {
    let mean = phases_of(summary.mean_edge.as_ref()?);
    let (target, peers): (Vec<_>, Vec<_>) = mean.iter().partition(|(phase, _)| phase.belongs_to_target());
    let in_words: Vec<_> = mean.iter().map(|(phase, us)| format!("{} {}", phase.name(), duration(*us))).collect();
    let says = format!("Mean time of each phase: {}; {} in all", in_words.join(", "), duration(sum(&mean)));
    let names = ["target", "peers", "both"].map(str::to_owned).into_iter();
    Some(Chart {
        is_large: false,
        heading: "The mean edge, phase by phase".into(),
        reading: "blue: the target's time; orange: the peers'; of edges that opened, from when they began".into(),
        ..stacked(says, 170, 55, names, &[target, peers, mean])
    })
}

fn sum(phases: &[(Phase, u64)]) -> u64 {
    phases.iter().fold(0, |sum, (_, us)| sum.saturating_add(*us))
}

/// Rows of stacked bars, each as long as its phase took.
fn stacked(
    says: String,
    height: u32,
    margin: u32,
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
    Chart {
        is_large: false,
        heading: String::new(),
        reading: String::new(),
        says,
        height,
        margin,
        x: spans(longest as f64),
        y,
        marks,
    }
}

/// A row for each timer: payer, samples and percentiles on the clock `due`, beside the control run's.
fn timers(summary: &Summary) -> Table {
    let mut columns = vec![Column::Words("timer (due)"), Column::Words("paid by"), Column::Figures("samples")];
    columns.extend(["p50", "p95", "p99", "max"].map(Column::Figures));
    if summary.control.is_some() {
        columns.extend(["ours p50", "ours p99"].map(Column::Figures));
    }
    let payer = |phase: Phase| if phase.belongs_to_target() { "target" } else { "peers" };
    let phases = Phase::OF_AN_EDGE.into_iter().map(|phase| (phase.name(), payer(phase), true));
    let others = OTHER_TIMERS.into_iter().map(|(name, payer)| (name, payer, false));
    let rows = phases.chain(others).filter_map(|(name, payer, is_phase)| {
        let due = &summary.timers.get(name)?.due;
        let key = is_phase.then(|| ChartColour::of_phase(name));
        let mut row = vec![StyledText { key, ..StyledText::term(name) }, payer.into(), count(due.count).into()];
        row.extend(cells(due));
        row.extend(summary.control.iter().flat_map(|control| {
            match control.timers.get(name) {
                Some(timer) => [(50.0, timer.due.p.p50), (99.0, timer.due.p.p99)]
                    .map(|(at, us)| StyledText::from(percentile(&timer.due, at, us))),
                None => ["–"; 2].map(StyledText::from),
            }
        }));
        Some(row)
    });
    Table::new(
        "From when each was due; phases hold what completed, the other timers timeouts too. In brackets: fewer samples than that percentile needs",
        columns,
        rows,
    )
}

/// Each phase of the mean opened edge, split between the target, the peers and this generator.
fn split(summary: &Summary) -> Table {
    let mean = summary.mean_edge.as_ref().map(phases_of).unwrap_or_default();
    let own = summary.mean_edge_own.as_ref().map(phases_of).unwrap_or_default();
    let own_of = |wanted: Phase| own.iter().find(|(phase, _)| *phase == wanted).map_or(0, |(_, us)| *us);
    let rows = mean.iter().map(|(phase, us)| {
        let ours = own_of(*phase).min(*us);
        let (target, peers) = if phase.belongs_to_target() { (us - ours, 0) } else { (0, us - ours) };
        let figures = [*us, target, peers, ours].map(|us| StyledText::from(duration(us)));
        std::iter::once(StyledText::term(phase.name())).chain(figures).collect()
    });
    let columns = ["mean", "target", "peers", "ours"].map(Column::Figures);
    let columns = std::iter::once(Column::Words("phase")).chain(columns).collect::<Vec<_>>();
    Table::new("Ours: own work, and what waited for this process by the kernel's receive stamps", columns, rows)
}

fn all_timers(summary: &Summary) -> Table {
    let mut columns = vec![Column::Words("timer"), Column::Words("clock")];
    columns.extend(["samples", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"].map(Column::Figures));
    let rows = summary.timers.iter().flat_map(|(name, timer)| {
        let same = timer.due == timer.began;
        let clocks = [(Clock::Due, "due"), (Clock::Began, "began"), (Clock::Net, "net")];
        let is_shown = move |clock: Clock| match clock {
            Clock::Due => true,
            Clock::Began => !same,
            Clock::Net => timer.net.is_some(),
        };
        clocks.into_iter().filter(move |(clock, _)| is_shown(*clock)).map(move |(clock, called)| {
            let distribution = timer.on(clock);
            let p = &distribution.p;
            let mut row =
                vec![StyledText::term(name), if same && clock != Clock::Net { "either" } else { called }.into()];
            row.push(count(distribution.count).into());
            row.extend([distribution.min_us, distribution.mean_us].map(|us| StyledText::from(duration(us))));
            let at = [(50.0, p.p50), (90.0, p.p90), (95.0, p.p95), (99.0, p.p99), (99.9, p.p99_9)];
            row.extend(at.map(|(at, us)| StyledText::from(percentile(distribution, at, us))));
            row.push(duration(distribution.max_us).into());
            row
        })
    });
    Table::new("In brackets: fewer samples than that percentile needs", columns, rows)
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
        let (all, ours) = (percentile(all, 50.0, all.p.p50), percentile(ours, 50.0, ours.p.p50));
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
    let phases: Vec<Vec<(Phase, u64)>> = edges.iter().map(|edge| phases_of(&edge.phases)).collect();
    let says = format!("The {}, each split into its phases", plural(edges.len() as u64, "slowest edge"));
    let names = edges.iter().map(|edge| format!("{}–{}", edge.peers[0], edge.peers[1]));
    let chart = Chart {
        is_large: false,
        heading: "Their time, phase by phase".into(),
        reading: "each row is one edge, named by its two peers".into(),
        ..stacked(says, 45 + 20 * edges.len() as u32, 75, names, &phases)
    };
    let table = Block::Table(slow_table(edges));
    vec![Block::Charts(vec![chart]), Block::Details("The same as a table".into(), vec![table])]
}

fn slow_table(edges: &[SlowEdge]) -> Table {
    let mut columns =
        vec![Column::Words("room"), Column::Words("peers"), Column::Figures("due"), Column::Figures("began")];
    columns.extend(Phase::OF_AN_EDGE.map(|phase| Column::Figures(phase.name())));
    let rows = edges.iter().map(|edge| {
        let of = phases_of(&edge.phases);
        let time = |phase: &Phase| {
            of.iter().find(|(known, _)| known == phase).map_or("–".to_owned(), |(_, us)| duration(*us))
        };
        let mut row = vec![StyledText::from(&edge.room), format!("{}–{}", edge.peers[0], edge.peers[1]).into()];
        row.extend([edge.due_us, edge.began_us].map(|us| StyledText::from(duration(us))));
        row.extend(Phase::OF_AN_EDGE.iter().map(|phase| StyledText::from(time(phase))));
        row
    });
    Table::new("The slowest edges that opened", columns, rows)
}

fn phases_of(times: &PhaseTimes) -> Vec<(Phase, u64)> {
    let all = [
        (Phase::Connect, Some(times.connect_us)),
        (Phase::Join, Some(times.join_us)),
        (Phase::Discovery, Some(times.discovery_us)),
        (Phase::Negotiation, Some(times.negotiation_us)),
        (Phase::Ice, times.ice_us),
        (Phase::Dtls, times.dtls_us),
        (Phase::Channel, times.channel_us),
    ];
    all.into_iter().filter_map(|(phase, us)| Some((phase, us?))).collect()
}
