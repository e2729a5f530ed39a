//! The time of edges by phase, the target's phases apart from the peers'.

use crate::report::figures::percentile;
use crate::report::html::axis::{self, Axis};
use crate::report::html::chart::{Chart, Corner, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::sanitize::sanitize;
use crate::report::html::sections::control;
use crate::report::html::sections::glossary::word;
use crate::report::html::table::{Column, figure, table};
use crate::summary::{Clock, PhaseTimes, Shares, SlowEdge, Summary};
use crate::vocabulary::{Phase, format};
use maud::{Markup, html};

/// As many rows as a summary of meshload holds.
const SLOWEST_MAX: usize = 20;

pub(crate) fn section(summary: &Summary) -> Markup {
    html! {
        section {
            h2 { "Where the time goes" }
            @if let Some(shares) = &summary.shares { (shares_in_words(shares)) }
            div.pair {
                (bars(summary))
                (phase_table(summary))
            }
            (control::sentences(summary))
            details {
                summary { "All timers, to the last percentile" }
                (timer_table(summary))
            }
        }
    }
}

fn shares_in_words(shares: &Shares) -> Markup {
    html! {
        p.shares {
            "Of the time that edges took to open, the target had " strong { (format::percent(shares.target)) }
            ", the peers " strong { (format::percent(shares.peers)) }
            ", and making offers and answers, which is this generator's own work, " strong { (format::percent(shares.own_work)) } "."
        }
    }
}

/// Three bars of the mean opened edge: the target's phases, the peers' phases, and all.
fn bars(summary: &Summary) -> Markup {
    let mean = summary.mean_edge.as_ref().map(phases_of).unwrap_or_default();
    if mean.is_empty() {
        return html! { p { "No edge got far enough to tell." } };
    }
    let (target, peers): (Vec<_>, Vec<_>) = mean.iter().partition(|(phase, _)| phase.belongs_to_target());
    let rows = [("target", target), ("peers", peers), ("both", mean.clone())];
    let longest = rows.iter().map(|(_, phases)| sum(phases)).max().unwrap_or(0);
    let spans = rows.iter().map(|(_, phases)| phases.clone()).collect::<Vec<_>>();
    let says = format!("Mean time of each phase: {}; {} in all", in_words(&mean), format::duration(sum(&mean)));
    let chart = stacked(says, 380, 110, rows.iter().map(|(name, _)| (*name).to_owned()), longest, &spans);
    figure(
        "The mean edge, phase by phase",
        "Blue: the target's time. Orange: the peers'. Edges that opened, from when they began.",
        &phase_legend(&mean),
        &chart,
    )
}

fn sum(phases: &[(Phase, u64)]) -> u64 {
    phases.iter().fold(0, |sum, (_, us)| sum.saturating_add(*us))
}

fn in_words(phases: &[(Phase, u64)]) -> String {
    phases
        .iter()
        .map(|(phase, us)| format!("{} {}", phase.name(), format::duration(*us)))
        .collect::<Vec<_>>()
        .join(", ")
}

fn phase_legend(phases: &[(Phase, u64)]) -> Markup {
    let entries: Vec<_> = phases.iter().map(|(phase, _)| (ChartColour::of_phase(phase.name()), phase.name())).collect();
    legend(&entries)
}

/// Rows of stacked bars, each as long as its phase took.
fn stacked(
    says: String,
    height: u32,
    margin: u32,
    names: impl ExactSizeIterator<Item = String>,
    longest_us: u64,
    rows: &[Vec<(Phase, u64)>],
) -> Markup {
    let y: Axis = axis::rows(names);
    let boxes_of = |wanted: Phase| {
        let boxes: Vec<(Corner, Corner, f64)> = rows
            .iter()
            .enumerate()
            .filter_map(|(row, phases)| {
                let before =
                    phases.iter().take_while(|(phase, _)| *phase != wanted).map(|(_, us)| *us as f64).sum::<f64>();
                let (_, us) = phases.iter().find(|(phase, _)| *phase == wanted)?;
                let middle = y.to - row as f64 - 0.5;
                Some(((before, middle - 0.36), (before + *us as f64, middle + 0.36), 1.0))
            })
            .collect();
        Mark::Boxes { role: ChartColour::of_phase(wanted.name()), boxes }
    };
    let marks = Phase::OF_AN_EDGE.into_iter().map(boxes_of).collect();
    Chart { says, height, margin, x: axis::spans(longest_us as f64), y, marks }.draw()
}

fn phase_table(summary: &Summary) -> Markup {
    let mut columns = vec![Column::words("Phase"), Column::words("Whose")];
    columns.extend(["p50", "p95", "p99", "max", "mean"].map(Column::figures));
    if summary.control.is_some() {
        columns.extend(["ours p50", "ours p99"].map(Column::figures));
    }
    let whose = |phase: Phase| if phase.belongs_to_target() { "target" } else { "peers" };
    let phases = Phase::OF_AN_EDGE
        .into_iter()
        .map(|phase| (phase.name(), whose(phase), Some(ChartColour::of_phase(phase.name()))));
    let known = phases.chain([("time_to_open", "both", None), ("room_complete", "both", None)]);
    let rows = known.filter_map(|(name, whose, role)| {
        let due = summary.timers.get(name)?.on(Clock::Due);
        let key = role.map(legend_key);
        let mut row = vec![html! { @if let Some(key) = key { (key) " " } (word(name)) }, html! { (whose) }];
        row.extend(
            [(50.0, due.p.p50), (95.0, due.p.p95), (99.0, due.p.p99)]
                .map(|(at, us)| html! { (percentile(due, at, us)) }),
        );
        row.extend([html! { (format::duration(due.max_us)) }, html! { (format::duration(due.mean_us)) }]);
        row.extend(summary.control.iter().flat_map(|control| control::cells(control, name)));
        Some(row)
    });
    table(
        &html! { "Counted from when each was due; phases hold what completed, time_to_open and room_complete timeouts too" },
        &columns,
        rows,
    )
}

fn legend_key(role: ChartColour) -> Markup {
    html! { span class={ "key " (role.name()) } aria-hidden="true" {} }
}

fn timer_table(summary: &Summary) -> Markup {
    const COLUMNS: [Column; 10] = [
        Column::words("Timer"),
        Column::words("Clock"),
        Column::figures("samples"),
        Column::figures("min"),
        Column::figures("p50"),
        Column::figures("p90"),
        Column::figures("p95"),
        Column::figures("p99"),
        Column::figures("p99.9"),
        Column::figures("max"),
    ];
    let clocks = [(Clock::Due, "due"), (Clock::Began, "began")];
    let rows = summary.timers.iter().flat_map(|(name, timer)| {
        let same = timer.due == timer.began;
        clocks.into_iter().filter(move |(clock, _)| !same || *clock == Clock::Due).map(move |(clock, called)| {
            let distribution = timer.on(clock);
            let p = &distribution.p;
            let mut row = vec![word(&sanitize(name)), html! { (if same { "either" } else { called }) }];
            row.extend([
                html! { (format::count(distribution.count)) },
                html! { (format::duration(distribution.min_us)) },
            ]);
            let at = [(50.0, p.p50), (90.0, p.p90), (95.0, p.p95), (99.0, p.p99), (99.9, p.p99_9)];
            row.extend(at.map(|(at, us)| html! { (percentile(distribution, at, us)) }));
            row.push(html! { (format::duration(distribution.max_us)) });
            row
        })
    });
    table(&html! { "In brackets: fewer samples than that percentile needs" }, &COLUMNS, rows)
}

/// The slowest edges, as bars and as a table.
pub(crate) fn slowest(summary: &Summary) -> Markup {
    let edges = &summary.slowest[..summary.slowest.len().min(SLOWEST_MAX)];
    if edges.is_empty() {
        return html! {};
    }
    let phases: Vec<Vec<(Phase, u64)>> = edges.iter().map(|edge| phases_of(&edge.phases)).collect();
    let longest = phases.iter().map(|phases| sum(phases)).max().unwrap_or(0);
    let says = format!("The {} slowest edges, each split into its phases", edges.len());
    let names = edges.iter().map(|edge| format!("{}–{}", edge.peers[0], edge.peers[1]));
    let height = 90 + 40 * edges.len() as u32;
    let chart = stacked(says, height, 150, names, longest, &phases);
    html! {
        section {
            h2 { "Slowest edges" }
            div.pair {
                (figure("Their time, phase by phase", "Each row is one edge, named by its two peers.", &phase_legend(&phases[0]), &chart))
                (slow_table(edges, &phases))
            }
        }
    }
}

fn slow_table(edges: &[SlowEdge], phases: &[Vec<(Phase, u64)>]) -> Markup {
    const COLUMNS: [Column; 5] = [
        Column::words("Room"),
        Column::words("Peers"),
        Column::figures("due"),
        Column::figures("began"),
        Column::words("mostly in"),
    ];
    let rows = edges.iter().zip(phases).map(|(edge, phases)| {
        let most = phases.iter().max_by_key(|(_, us)| *us);
        vec![
            html! { (sanitize(&edge.room)) },
            html! { span.whole { (edge.peers[0]) "–" (edge.peers[1]) } },
            html! { (format::duration(edge.due_us)) },
            html! { (format::duration(edge.began_us)) },
            html! { @if let Some((phase, us)) = most { span.whole { (phase.name()) " (" (format::duration(*us)) ")" } } },
        ]
    });
    table(&html! { "The slowest edges that opened" }, &COLUMNS, rows)
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
