//! Signaling frames by message type: sent and received, which shows the target's amplification.

use super::figures::with_spread;
use super::verdict::amplification_advice;
use crate::report::document::{Axis, Bar, Block, Chart, ChartColour, Mark, MarkShape, Table, rows, short_count};
use crate::report::escape::bounded;
use crate::summary::{Summary, Traffic, metric::DELIVERY_OF_A_KIND};
use crate::vocabulary::format::{bytes, count, number, plural};

/// Most message types shown; summary.json has all.
const TYPES_MAX: usize = 24;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let signaling = &summary.counts.signaling;
    let mut types: Vec<(&str, &Traffic)> =
        signaling.by_type.iter().map(|(name, traffic)| (name.as_str(), traffic)).collect();
    types.sort_by_key(|(_, traffic)| std::cmp::Reverse(traffic.received.max(traffic.sent)));
    types.truncate(TYPES_MAX);
    let sent = format!(
        "{} sent ({}), {} received ({})",
        plural(signaling.sent, "frame"),
        bytes(signaling.sent_bytes),
        count(signaling.received),
        bytes(signaling.received_bytes)
    );
    let per_edge =
        summary.signaling_bytes_per_edge.map(|per_edge| format!("{} for each edge that opened", bytes(per_edge)));
    let chart = if types.is_empty() { vec![] } else { vec![bars(&types)] };
    vec![
        Block::list([Some(sent), per_edge, amplification_advice(summary)].into_iter().flatten()),
        Block::Charts(chart),
        Block::Details("Frames by type".into(), vec![by_type(&types)]),
        Block::Details("Delivery by message type".into(), vec![deliveries(summary)]),
    ]
}

fn bars(types: &[(&str, &Traffic)]) -> Chart {
    let y = rows(types.iter().map(|(name, _)| bounded(name, 20).into_owned()));
    let log = |count: u64| (count.max(1) as f64).log10();
    let most = types.iter().map(|(_, traffic)| traffic.sent.max(traffic.received)).max().unwrap_or(1);
    let to = log(most).max(1.0).ceil();
    let ticks = (0..=to as i32).map(|power| (f64::from(power), short_count(10f64.powi(power)))).collect();
    let bars = |colour: ChartColour, name: &str, above: f64, of: fn(&Traffic) -> u64| {
        let shown = types.iter().enumerate().filter(|(_, (_, traffic))| of(traffic) > 0);
        let bars = shown.map(|(row, (kind, traffic))| {
            let middle = y.to - row as f64 - 0.5 + above;
            let says = format!("{kind}, {name}: {}", count(of(traffic)));
            Bar { from: (0.0, middle - 0.17), to: (log(of(traffic)).max(0.02), middle + 0.17), strength: 1.0, says }
        });
        Mark::new(colour, name, MarkShape::Boxes(bars.collect()))
    };
    let marks = vec![
        bars(ChartColour::Sent, "sent (upper)", 0.19, |traffic| traffic.sent),
        bars(ChartColour::Received, "received (lower)", -0.19, |traffic| traffic.received),
    ];
    let reading = "log scale: a bar of ten times as many is one step longer";
    let says = format!("Frames sent and received by type, on a log scale; the most are {}", count(most));
    let x = Axis { from: 0.0, to, ticks, words: |log| count(10f64.powf(log) as u64) };
    Chart { height: 40 + 31 * types.len() as u32, ..Chart::new("Frames by type", reading, says, [x, y], marks) }
}

fn by_type(types: &[(&str, &Traffic)]) -> Block {
    let copies = |traffic: &Traffic| match (traffic.sent, traffic.received) {
        (0, _) => "–".to_owned(),
        (_, 0) => "0×".to_owned(),
        (sent, received) => format!("{}×", number(received as f64 / sent as f64)),
    };
    Table::of("Copies: the number of peers that read a frame, for each that was sent", types)
        .words("type", |(name, _)| *name)
        .figures("sent", |(_, traffic)| count(traffic.sent))
        .figures("received", |(_, traffic)| count(traffic.received))
        .figures("copies", |(_, traffic)| copies(traffic))
        .figures("bytes received", |(_, traffic)| bytes(traffic.received_bytes))
        .into()
}

/// `signal_delivery` by message type.
fn deliveries(summary: &Summary) -> Block {
    let kinds =
        summary.timers.iter().filter_map(|(name, timer)| Some((name.strip_prefix(DELIVERY_OF_A_KIND)?, &timer.due)));
    let table = Table::of("From one peer's socket to another's, through the target", kinds)
        .words("type", |(kind, _)| *kind)
        .figures("samples", |(_, due)| count(due.count));
    with_spread(table, |(_, due)| due).into()
}
