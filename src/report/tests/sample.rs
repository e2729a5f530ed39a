//! One literal summary for the tests of all formats, and the same with hostile text in it.

use crate::summary::{
    CauseRow, Clock, Control, Distribution, Doubt, Edges, FailureRow, FindingConfidence, GateResult, Health, Histogram,
    Machine, Messages, Outcome, Peers, PhaseTimes, Rates, Rooms, RowTimer, Run, RunFinding, SCHEMA, SeriesRow,
    Severity, Shares, Signaling, SlowEdge, Summary, Timer, Trace, TraceDiagnosis, TraceStep, Traffic, Unit, Validity,
    Verdict,
};
use crate::vocabulary::{Seed, TraceContext};
use std::collections::BTreeMap;

/// Compares with a file in `tests/snapshots`, because `src` holds only source.
pub(in crate::report) fn check_snapshot(format: &str, report: &str) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots");
    insta::with_settings!({ snapshot_path => folder, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(format!("report_{format}"), report);
    });
}

/// A run of twelve edges, of which eleven opened.
pub(in crate::report) fn run() -> Summary {
    let mut summary = Summary {
        schema: SCHEMA,
        result: Outcome::Failed,
        exit_code: 99,
        amplification: Some(2.5),
        signaling_bytes_per_edge: Some(5_400),
        rates: Rates {
            edges_failed: Some(1.0 / 12.0),
            peers_failed: Some(0.0),
            messages_lost: None,
            mesh_complete: Some(11.0 / 12.0),
        },
        shares: Some(Shares { target: 0.62, peers: 0.355, own_work: 0.02, own_wait: 0.005 }),
        run: Run {
            name: "example".into(),
            id: "m3f9c".into(),
            seed: 1,
            started_at: "2026-02-03T04:05:06.789Z".into(),
            duration_us: 12_500_000,
            dialect: "dashboard".into(),
            engine: "lean".into(),
            target: "ws://127.0.0.1:9000/ws/".into(),
            complete: true,
            machine: Machine { cores: 2.0, cores_host: 8, ..Machine::default() },
            ..Run::default()
        },
        tags: [("env".to_owned(), "staging".to_owned()), ("team".to_owned(), "web".to_owned())].into(),
        ..Summary::default()
    };
    fill_counts(&mut summary);
    fill_timers(&mut summary);
    fill_verdicts(&mut summary);
    fill_rows(&mut summary);
    summary
}

/// `run` with a control run, which had no `message_latency`.
pub(in crate::report) fn controlled() -> Summary {
    let mut summary = run();
    let halved = |timer: &Timer| Timer { due: timer.began.clone(), began: timer.began.clone(), net: None };
    let mut timers: BTreeMap<_, _> = summary.timers.iter().map(|(name, timer)| (name.clone(), halved(timer))).collect();
    timers.remove("message_latency");
    let control = Control { peers: 8, edges: 12, opened: 12, duration_us: 2_100_000, timers, ..Control::default() };
    summary.control = Some(control);
    summary
}

/// Hostile text that an attacker could put into a server's answer, a dialect or a folder name.
pub(in crate::report) fn hostile() -> Summary {
    let nasty = "</script><img onerror=x>\u{1b}[31m\r\n::error::x ##[y] ##vso[z]\u{2028}|`\u{202e}";
    let mut summary = run();
    fill_evidence(&mut summary);
    summary.failures[0].cause = Some(nasty.into());
    if let Some(diagnosis) = &mut summary.diagnosis {
        diagnosis.causes[0].evidence = nasty.into();
        diagnosis.probe = Some("meshload probe --target ws://host/\u{1b}[2J".into());
    }
    summary.traces[0].room = nasty.into();
    summary.traces[0].evidence = Some(nasty.into());
    summary.traces[0].steps[0].what = nasty.into();
    summary.run.name = nasty.into();
    summary.tags.insert(nasty.into(), nasty.into());
    summary.run.stopped_by = Some(nasty.into());
    summary.run.target = "ws://host/\u{1b}[2J".into();
    summary.findings[0].sentence = nasty.into();
    summary.failures[0].detail = nasty.into();
    summary.failures[0].example = nasty.into();
    summary.gates[0].metric = nasty.into();
    summary.validity.reasons[0].observed = nasty.into();
    summary.slowest[0].room = nasty.into();
    let timer = summary.timers["signal_delivery.webrtc-offer"].clone();
    summary.timers.insert(format!("signal_delivery.{nasty}\"\\"), timer);
    summary
}

/// `run` with the diagnosis of the failed edge, and its trace.
pub(in crate::report) fn explained() -> Summary {
    let mut summary = run();
    fill_evidence(&mut summary);
    summary
}

fn fill_evidence(summary: &mut Summary) {
    let evidence = "The offer of peer 4 to peer 7 was said and never arrived.";
    summary.failures[0].cause = Some("100 % lost-first-offer or channel-isolation".into());
    let row = CauseRow {
        causes: vec!["lost-first-offer".into(), "channel-isolation".into()],
        edges: 1,
        evidence: evidence.into(),
        remedy: "A run only watches; meshload probe makes experiments that tell.".into(),
    };
    let probe = Some("meshload probe --target ws://127.0.0.1:9000/ws/".into());
    summary.diagnosis = Some(TraceDiagnosis { traced: 1, causes: vec![row], probe });
    let step = |at_us, from: &str, to: Option<&str>, what: &str, heard_us, outcome: &str| TraceStep {
        at_us,
        from: from.into(),
        to: to.map(str::to_owned),
        what: what.into(),
        heard_us,
        outcome: outcome.into(),
    };
    let steps = vec![
        step(0, "peer 4", None, "dials", None, "ok"),
        step(900, "peer 4", Some("server"), "subscribe", None, "said"),
        step(4_000, "peer 4", Some("peer 7"), "webrtc-offer", None, "never"),
        step(4_100, "peer 7", Some("peer 4"), "peer-ready", Some(5_300), "heard"),
    ];
    summary.traces = vec![Trace {
        room: "room-1".into(),
        peers: [4, 7],
        failure: Some("negotiation rejected (HTTP 429)".into()),
        cause: Some("lost-first-offer or channel-isolation".into()),
        evidence: Some(evidence.into()),
        due_us: None,
        trace_ids: traces(&[4, 7]),
        steps,
    }];
}

fn fill_counts(summary: &mut Summary) {
    let counts = &mut summary.counts;
    counts.peers = Peers { planned: 8, joined: 8, ..Peers::default() };
    counts.edges = Edges { planned: 12, opened: 11, failed: 1, glare: 2, ..Edges::default() };
    counts.rooms = Rooms { planned: 2, complete: 1, incomplete: 1, timed_out: 0 };
    counts.messages = Messages { sent: 1_200, delivered: 1_190, cut: 10, out_of_order: 1, ..Messages::default() };
    let offers = Traffic { sent: 12, received: 84, sent_bytes: 12_000, received_bytes: 47_400 };
    counts.signaling = Signaling {
        sent: 12,
        received: 84,
        sent_bytes: 12_000,
        received_bytes: 47_400,
        concerned: 34,
        elsewhere: 0,
        by_type: [("webrtc-offer".to_owned(), offers)].into(),
    };
}

fn fill_timers(summary: &mut Summary) {
    let spread = |from: u64, to: u64, samples: u64| {
        let mut histogram = Histogram::default();
        (0..samples).for_each(|n| histogram.record_us(from + (to - from) * n / samples.max(1)));
        Distribution::of(&histogram)
    };
    let timers = [
        ("connect", 1_000, 3_000, 8),
        ("join", 300, 900, 11),
        ("discovery", 10_000, 12_000, 11),
        ("negotiation", 8_000, 40_000, 11),
        ("ice", 4_000, 9_000, 11),
        ("dtls", 3_000, 5_000, 11),
        ("channel", 500, 900, 11),
        ("time_to_open", 30_000, 95_000, 12),
        ("message_latency", 90, 800, 1_190),
        ("signal_delivery", 200, 4_000, 34),
        ("signal_delivery.webrtc-offer", 200, 4_000, 34),
    ];
    for (name, from, to, samples) in timers {
        let due = spread(from, to, samples);
        let began = spread(from / 2, to / 2, samples);
        summary.timers.insert(name.into(), Timer { due, began, net: None });
    }
}

fn fill_verdicts(summary: &mut Summary) {
    summary.gates = vec![
        GateResult {
            metric: "time_to_open".into(),
            clock: Some(Clock::Began),
            scenario: None,
            expr: "p(95) < 800ms".into(),
            observed: Some(47_103.0),
            unit: Unit::Us,
            samples: 12,
            net: None,
            decided: Some(true),
            ok: false,
            why: Some("too_few_samples".into()),
            line: Some("profiles/example.toml:41".into()),
        },
        GateResult {
            metric: "mesh_complete".into(),
            clock: None,
            scenario: None,
            expr: "rate >= 90%".into(),
            observed: Some(11.0 / 12.0),
            unit: Unit::Ratio,
            samples: 12,
            net: None,
            decided: Some(true),
            ok: true,
            why: None,
            line: Some("--gate".into()),
        },
    ];
    let doubt = Doubt {
        what: "timers fired late (scheduler lag p99)".into(),
        observed: "12.0 ms".into(),
        limit: "10.0 ms".into(),
        cure: "fewer peers, fewer arrivals a second, or a machine that does nothing else".into(),
    };
    summary.findings = vec![RunFinding {
        id: "server-lost".into(),
        severity: Severity::Fault,
        confidence: FindingConfidence::High,
        sentence: "2 of 8 peers lost the server 9.00 s into the run (closed: close 1006); all came back, after 1.20 s at most.".into(),
        evidence: vec!["At 9.00 s: 2 peers lost, 2 back, 3 failed redials, over after 1.20 s.".into()],
        remedy: "Look at the server's log at that time; if it restarts by plan, let clients dial again ([reconnect]).".into(),
        share: 0.25,
    }];
    summary.validity = Validity { verdict: Verdict::Suspect, reasons: vec![doubt], hints: vec![] };
    let mut lag = Histogram::default();
    (0..1_250).for_each(|n| lag.record_us(if n % 50 == 0 { 12_000 } else { 60 }));
    summary.health = Health {
        lag_us: Distribution::of(&lag),
        cpu_cores: 0.42,
        rss_bytes_max: 48 << 20,
        fds_max: 41,
        late: 1,
        us_per_edge: 1_930,
        ..Health::default()
    };
}

fn row_timers(of: &[(&str, &[u64])]) -> BTreeMap<String, RowTimer> {
    let timer = |(name, samples): &(&str, &[u64])| {
        let mut histogram = Histogram::default();
        samples.iter().for_each(|us| histogram.record_us(*us));
        ((*name).to_owned(), RowTimer::of(&histogram).unwrap())
    };
    of.iter().map(timer).collect()
}

fn traces(peers: &[u32]) -> Vec<String> {
    peers.iter().map(|peer| TraceContext::of(Seed(1), "m3f9c", *peer).trace_id()).collect()
}

fn fill_rows(summary: &mut Summary) {
    summary.failures = vec![FailureRow {
        phase: "negotiation".into(),
        reason: "rejected".into(),
        detail: "HTTP 429".into(),
        count: 1,
        peers: 0,
        example: "peer 4 ↔ peer 7 in room-1: negotiation rejected (HTTP 429)".into(),
        example_peers: vec![4, 7],
        trace_ids: traces(&[4, 7]),
        cause: None,
    }];
    let first = SeriesRow {
        time_to_open: vec![],
        second: 0,
        seconds: 1,
        joined: 8,
        opened: 6,
        failed: 0,
        frames: 120,
        messages: 0,
        time_to_open_p50_us: Some(41_000),
        time_to_open_p99_us: Some(88_000),
        timers: row_timers(&[("time_to_open", &[35_000, 41_000, 88_000])]),
        ..SeriesRow::default()
    };
    let second = SeriesRow {
        second: 1,
        seconds: 1,
        joined: 4,
        opened: 5,
        failed: 1,
        frames: 90,
        messages: 20,
        timers: row_timers(&[("signal_delivery", &[300, 900]), ("message_latency", &[200, 210, 250])]),
        cpu_us: Some(610_000),
        waiting_us: Some(2_000),
        lag_max_us: Some(1_400),
        rss_bytes: Some(52_000_000),
        fds: Some(61),
        ..SeriesRow::default()
    };
    summary.series = vec![first, second];
    let phases = PhaseTimes {
        connect_us: 2_000,
        join_us: 500,
        discovery_us: 11_500,
        negotiation_us: 70_000,
        ice_us: Some(6_000),
        dtls_us: Some(4_000),
        channel_us: Some(1_000),
    };
    let slow =
        SlowEdge { room: "room-1".into(), peers: [4, 6], due_us: 95_000, began_us: 95_000, ..SlowEdge::default() };
    summary.slowest = vec![SlowEdge { phases, trace_ids: traces(&[4, 6]), ..slow }];
}
