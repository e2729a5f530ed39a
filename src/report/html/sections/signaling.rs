//! Signaling frames by message type: sent and received, which shows the target's amplification.

use crate::report::html::axis;
use crate::report::html::chart::{Chart, Corner, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::sanitize::sanitize;
use crate::report::html::table::{Column, figure, table};
use crate::summary::{Summary, Traffic};
use crate::vocabulary::format;
use maud::{Markup, html};

/// Most message types shown; summary.json has all.
const TYPES_MAX: usize = 24;

pub(crate) fn section(summary: &Summary) -> Markup {
    let signaling = &summary.counts.signaling;
    let mut types: Vec<(&str, &Traffic)> =
        signaling.by_type.iter().map(|(name, traffic)| (name.as_str(), traffic)).collect();
    types.sort_by_key(|(_, traffic)| std::cmp::Reverse(traffic.received.max(traffic.sent)));
    types.truncate(TYPES_MAX);
    if types.is_empty() {
        return html! {};
    }
    html! {
        section {
            h2 { "Signaling" }
            p {
                "Peers wrote " strong { (format::count(signaling.sent)) } " frames (" (format::bytes(signaling.sent_bytes)) ") and read "
                strong { (format::count(signaling.received)) } " (" (format::bytes(signaling.received_bytes)) ")"
                @if let Some(times) = summary.amplification { ": " strong { (format::number(times)) "×" } " what concerned them" }
                @if let Some(bytes) = summary.signaling_bytes_per_edge { "; " strong { (format::bytes(bytes)) } " for each edge that opened" }
                "."
            }
            div.pair {
                (bars(&types))
                (type_table(&types))
            }
        }
    }
}

fn bars(types: &[(&str, &Traffic)]) -> Markup {
    let names = types.iter().map(|(name, _)| short(&sanitize(name)));
    let y = axis::rows(names);
    let log = |count: u64| (count.max(1) as f64).log10();
    let most = types.iter().map(|(_, traffic)| traffic.sent.max(traffic.received)).max().unwrap_or(1);
    let to = log(most).max(1.0).ceil();
    let ticks = (0..=to as i32).map(|power| (f64::from(power), axis::short_count(10f64.powi(power)))).collect();
    let x = axis::Axis { from: 0.0, to, ticks };
    let rows = |role: ChartColour, above: f64, of: fn(&Traffic) -> u64| Mark::Boxes {
        role,
        boxes: types
            .iter()
            .enumerate()
            .filter(|(_, (_, traffic))| of(traffic) > 0)
            .map(|(row, (_, traffic))| {
                let middle = y.to - row as f64 - 0.5 + above;
                let corners: (Corner, Corner) = ((0.0, middle - 0.17), (log(of(traffic)).max(0.02), middle + 0.17));
                (corners.0, corners.1, 1.0)
            })
            .collect(),
    };
    let marks = vec![
        rows(ChartColour::Sent, 0.19, |traffic| traffic.sent),
        rows(ChartColour::Received, -0.19, |traffic| traffic.received),
    ];
    let says = format!("Frames sent and received by type, on a log scale; the most are {}", format::count(most));
    let height = 80 + 62 * types.len() as u32;
    let chart = Chart { says, height, margin: 300, x, y, marks }.draw();
    let key = legend(&[(ChartColour::Sent, "sent (upper)"), (ChartColour::Received, "received (lower)")]);
    figure("Frames by type", "Log scale: a bar ten times as many is one step longer.", &key, &chart)
}

/// The name, cut to fit beside a bar.
fn short(name: &str) -> String {
    const FITS: usize = 20;
    if name.chars().count() <= FITS { name.into() } else { name.chars().take(FITS - 1).chain(['…']).collect() }
}

fn type_table(types: &[(&str, &Traffic)]) -> Markup {
    const COLUMNS: [Column; 5] = [
        Column::words("Type"),
        Column::figures("sent"),
        Column::figures("received"),
        Column::figures("copies"),
        Column::figures("bytes received"),
    ];
    let rows = types.iter().map(|(name, traffic)| {
        let copies = match (traffic.sent, traffic.received) {
            (0, _) => "–".into(),
            (_, 0) => "0×".into(),
            (sent, received) => format!("{}×", format::number(received as f64 / sent as f64)),
        };
        vec![
            html! { (sanitize(name)) },
            html! { (format::count(traffic.sent)) },
            html! { (format::count(traffic.received)) },
            html! { (copies) },
            html! { (format::bytes(traffic.received_bytes)) },
        ]
    });
    table(&html! { "Copies: how many peers read a frame for each that was sent" }, &COLUMNS, rows)
}
