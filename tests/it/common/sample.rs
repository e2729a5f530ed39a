//! The committed sample run (reports/sample), grown until it has as much to show as a page can hold.

use super::draws::{latencies, timer};
use meshload::summary::{Edges, FailureRow, GateResult, Outcome, RoomMesh, SeriesRow, Summary, Unit};
use meshload::vocabulary::Seed;

/// Times that the sample run's 150 edges are there.
const GROWTH: u64 = 33;
const SECONDS: u64 = 49;

/// 4,950 edges, of which some failed, and so a gate did. Seeded: the same on every machine.
pub fn summary() -> Summary {
    let committed = include_str!("../../../reports/sample/summary.json");
    let mut summary = Summary::read(committed).expect("the committed sample");
    let mut random = Seed(7).stream("report", 0);
    for known in summary.timers.values_mut() {
        let median_us = known.due.p.p50 as f64;
        *known = timer(&latencies(&mut random, median_us, 0.55, (GROWTH * known.due.count) as usize));
    }
    let once = summary.series.clone();
    let grown = once.iter().cycle().zip(0..SECONDS).map(|(row, second)| SeriesRow { second, ..row.clone() });
    summary.series = grown.collect();
    fail(&mut summary);
    summary
}

fn fail(summary: &mut Summary) {
    summary.result = Outcome::Failed;
    summary.exit_code = 99;
    let planned = GROWTH * summary.counts.edges.planned;
    summary.counts.edges =
        Edges { planned, opened: planned - 28, failed: 28, one_sided: 3, ..summary.counts.edges.clone() };
    let failed_share = 28.0 / planned as f64;
    summary.rates.edges_failed = Some(failed_share);
    summary.rates.mesh_complete = Some(1.0 - failed_share);
    let gate = GateResult {
        metric: "edges_failed".into(),
        clock: None,
        scenario: None,
        expr: "rate < 0.5%".into(),
        observed: Some(failed_share),
        unit: Unit::Ratio,
        samples: planned,
        net: None,
        decided: Some(true),
        ok: false,
        why: None,
        line: Some("ci:22".into()),
    };
    summary.gates.insert(0, gate);
    let row = |phase: &str, reason: &str, detail: &str, count: u64, example: &str, cause: Option<&str>| FailureRow {
        phase: phase.into(),
        reason: reason.into(),
        detail: detail.into(),
        count,
        peers: 0,
        example: example.into(),
        cause: cause.map(str::to_owned),
        ..FailureRow::default()
    };
    summary.failures = vec![
        row("discovery", "timed_out", "", 21, "room-41: peer 492 never heard of peer 497", Some("timing")),
        row("negotiation", "timed_out", "", 5, "room-41: peer 493's offer to peer 497 was not answered", None),
        row("connect", "rejected", "HTTP 429", 2, "room-63: peer 761", None),
    ];
    let room = |index: u32, of: fn(u16, u16) -> char| RoomMesh {
        room: format!("room-{index}"),
        first_peer: index * 12,
        size: 12,
        edges: (1..12).flat_map(|high| (0..high).map(move |low| of(high, low))).collect(),
    };
    // A peer that reached nobody, two edges that were never finished, one that only one side saw open.
    summary.worst_rooms = vec![
        room(41, |high, low| if high == 7 || low == 7 { 'f' } else { 'o' }),
        room(63, |high, low| if high == 11 && low > 8 { 'u' } else { 'o' }),
        room(12, |high, low| if (high, low) == (5, 2) { 's' } else { 'o' }),
    ];
}
