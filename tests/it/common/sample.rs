//! A run as it could have been: seeded, so that it is the same on every machine.

use super::draws::{distribution, latencies, share, timer};
use meshload::summary::Summary;
use meshload::summary::counts::{Counts, Edges, Messages, Peers, Rooms, Signaling, Traffic};
use meshload::summary::distribution::{Clock, Timer};
use meshload::summary::heat;
use meshload::summary::rows::{FailureRow, PhaseTimes, RoomMesh, SeriesRow, Shares, SlowEdge};
use meshload::summary::run::{Build, Machine, Outcome, PhaseSpan, Run};
use meshload::summary::verdict::{GateResult, Unit, Validity};
use meshload::summary::{Rates, SCHEMA};
use meshload::vocabulary::seed::Seed;
use rand::Rng;
use std::collections::BTreeMap;

/// Nearly 5,000 edges in 80 rooms, with a slow stretch in the middle and a few failures.
pub fn summary() -> Summary {
    let mut random = Seed(7).stream("report", 0);
    let random = &mut random;
    let medians = [3_100.0, 1_200.0, 9_400.0, 14_000.0, 11_000.0, 7_800.0, 2_100.0];
    let names = ["connect", "join", "discovery", "negotiation", "ice", "dtls", "channel"];
    let mut timers = BTreeMap::new();
    let phases: Vec<Vec<u64>> = medians.iter().map(|median| latencies(random, *median, 0.55, 4_912)).collect();
    for (name, samples) in names.iter().zip(&phases) {
        timers.insert((*name).to_owned(), timer(samples));
    }
    let began: Vec<u64> = (0..4_912).map(|edge| phases.iter().map(|phase| phase[edge]).sum()).collect();
    let mut due: Vec<u64> = began.iter().map(|us| us + (2_500.0 * -share(random).ln()) as u64).collect();
    due.iter_mut().enumerate().filter(|(edge, _)| edge % 61 == 0).for_each(|(_, us)| *us += 400_000);
    due.extend([10_000_000; 28]);
    timers.insert("time_to_open".into(), Timer { due: distribution(&due), began: distribution(&began) });
    timers.insert("room_complete".into(), timer(&latencies(random, 120_000.0, 0.4, 80)));
    timers.insert("signal_delivery".into(), timer(&latencies(random, 900.0, 0.7, 40_000)));
    let messages = latencies(random, 420.0, 0.6, 60_000);
    let waited: Vec<u64> = messages.iter().map(|us| us + (900.0 * -share(random).ln()) as u64).collect();
    timers.insert("message_latency".into(), Timer { due: distribution(&waited), began: distribution(&messages) });
    Summary {
        schema: SCHEMA,
        result: Outcome::Failed,
        exit_code: 99,
        meshload: Build { version: "0.1.0".into(), git: "d7fcb0a".into() },
        run: run(),
        phases: spans(),
        counts: counts(),
        rates: Rates {
            edges_failed: Some(0.0057),
            peers_failed: Some(0.0),
            messages_lost: Some(0.0),
            mesh_complete: Some(0.9943),
        },
        amplification: Some(34.2),
        signaling_bytes_per_edge: Some(91_400),
        timers,
        shares: Some(Shares { target: 0.541, peers: 0.429, own_work: 0.03 }),
        mean_edge: Some(mean_edge(&phases)),
        failures: failures(),
        gates: gates(),
        validity: Validity::default(),
        health: health(random),
        series: series(random),
        slowest: slowest(random),
        worst_rooms: worst_rooms(),
        ..Summary::default()
    }
}

fn mean_edge(phases: &[Vec<u64>]) -> PhaseTimes {
    let mean = |phase: usize| phases[phase].iter().sum::<u64>() / phases[phase].len() as u64;
    PhaseTimes {
        connect_us: mean(0),
        join_us: mean(1),
        discovery_us: mean(2),
        negotiation_us: mean(3),
        ice_us: Some(mean(4)),
        dtls_us: Some(mean(5)),
        channel_us: Some(mean(6)),
    }
}

fn run() -> Run {
    Run {
        name: "mesh-50".into(),
        id: "m3f9c".into(),
        seed: 1,
        started_at: "2026-11-24T10:30:00.000Z".into(),
        duration_us: 48_200_000,
        plan_sha256: "9b0b6c21f6f2f4f8c9ce1db1f6f0a1cbb0d5c4a2f1f3b7f5a9e8d7c6b5a49382".into(),
        dialect: "dashboard".into(),
        engine: "rtc".into(),
        target: "ws://127.0.0.1:4810/ws/".into(),
        way: None,
        interrupted: false,
        complete: true,
        stopped_by: None,
        profile: Some("name = \"mesh-50\"\n\n[rooms]\ncount = 80\nsize = 12\n\n[arrivals]\nrate = \"30/s\"\n".into()),
        machine: Machine {
            os: "Linux 6.1".into(),
            cpu: "AMD EPYC 7B13".into(),
            cores: 2.0,
            cores_host: 2,
            memory_bytes: 24 << 30,
            nofile: 65_536,
            container: None,
        },
    }
}

fn spans() -> Vec<PhaseSpan> {
    let span = |name: &str, from: u32, to: u32| PhaseSpan {
        name: name.into(),
        started_at: format!("2026-11-24T10:30:{from:02}.000Z"),
        ended_at: format!("2026-11-24T10:30:{to:02}.000Z"),
    };
    vec![span("ramp", 0, 32), span("steady", 32, 46), span("drain", 46, 48)]
}

fn counts() -> Counts {
    let kinds = [
        ("client_count", 0, 921_000u64, 61u64),
        ("subscribe", 3_840, 0, 60),
        ("webrtc-ice", 19_640, 1_208_000, 310),
        ("webrtc-offer", 4_940, 316_000, 1_420),
        ("webrtc-answer", 4_912, 314_000, 1_380),
        ("user-joined-room", 960, 61_400, 240),
        ("participant-joined", 960, 61_400, 190),
        ("peer-ready", 960, 61_400, 150),
        ("server-room-list", 0, 38_200, 9_200),
        ("room-created", 80, 0, 260),
    ];
    let by_type: BTreeMap<String, Traffic> = kinds
        .into_iter()
        .map(|(name, sent, received, bytes)| {
            let traffic = Traffic { sent, received, sent_bytes: sent * bytes, received_bytes: received * bytes };
            (name.to_owned(), traffic)
        })
        .collect();
    let sum = |of: fn(&Traffic) -> u64| by_type.values().map(of).sum::<u64>();
    let (sent, received) = (sum(|t| t.sent), sum(|t| t.received));
    let (sent_bytes, received_bytes) = (sum(|t| t.sent_bytes), sum(|t| t.received_bytes));
    Counts {
        peers: Peers { planned: 960, joined: 960, ..Peers::default() },
        edges: Edges { planned: 4_940, opened: 4_912, failed: 28, one_sided: 3, ..Edges::default() },
        rooms: Rooms { planned: 80, complete: 77, incomplete: 3, timed_out: 0 },
        signaling: Signaling { sent, received, sent_bytes, received_bytes, by_type, ..Signaling::default() },
        messages: Messages { sent: 60_000, delivered: 60_000, ..Messages::default() },
        ..Counts::default()
    }
}

fn failures() -> Vec<FailureRow> {
    let row = |phase: &str, reason: &str, detail: &str, count: u64, example: &str, cause: Option<&str>| FailureRow {
        phase: phase.into(),
        reason: reason.into(),
        detail: detail.into(),
        count,
        peers: 0,
        example: example.into(),
        cause: cause.map(str::to_owned),
    };
    vec![
        row("discovery", "timed_out", "", 21, "room-41: peer 492 never heard of peer 497", Some("timing")),
        row("negotiation", "timed_out", "", 5, "room-41: peer 493's offer to peer 497 was not answered", None),
        row("connect", "rejected", "HTTP 429", 2, "room-63: peer 761", None),
    ]
}

fn gates() -> Vec<GateResult> {
    let gate = |metric: &str, clock, expr: &str, observed, unit, samples, ok, line: u32| GateResult {
        metric: metric.into(),
        clock,
        expr: expr.into(),
        observed,
        unit,
        samples,
        ok,
        why: None,
        line: Some(format!("profiles/mesh-50.toml:{line}")),
    };
    let due = Some(Clock::Due);
    vec![
        gate("mesh_complete", None, "rate >= 99%", Some(0.9943), Unit::Ratio, 4_940, true, 31),
        gate("edges_failed", None, "rate < 0.5%", Some(0.0057), Unit::Ratio, 4_940, false, 32),
        gate("time_to_open", due, "p(95) < 800ms", Some(143_000.0), Unit::Us, 4_940, true, 33),
        gate("message_latency", due, "p(99) < 50ms", Some(4_900.0), Unit::Us, 60_000, true, 35),
        gate("amplification", None, "value < 80", Some(34.2), Unit::Count, 1_672_000, true, 36),
    ]
}

fn health(random: &mut impl Rng) -> meshload::summary::health::Health {
    meshload::summary::health::Health {
        arrivals_waiting_max: 4,
        frames_waiting_max: 12,
        lag_us: distribution(&latencies(random, 180.0, 0.8, 9_600)),
        cpu_cores: 0.91,
        rss_bytes_max: 612 << 20,
        fds_max: 1_988,
        late: 14,
        dropped: 0,
        us_per_edge: 1_720,
        busy_share: 0.0,
        waiting_share: 0.012,
    }
}

fn series(random: &mut impl Rng) -> Vec<SeriesRow> {
    (0..49)
        .map(|second| {
            let arriving = second < 32;
            let slow = if (18..24).contains(&second) { 2.6 } else { 1.0 };
            let opened = if arriving { 120 + (60.0 * share(random)) as usize } else { 0 };
            let mut times: Vec<u32> =
                latencies(random, 62_000.0 * slow, 0.35, opened).into_iter().map(|us| us as u32).collect();
            times.sort_unstable();
            SeriesRow {
                second,
                seconds: 1,
                joined: if arriving { 30 } else { 0 },
                opened: opened as u64,
                failed: if (20..24).contains(&second) { 7 } else { 0 },
                frames: if arriving { 40_000 + second * 900 } else { 1_800 },
                messages: if (32..46).contains(&second) { 4_300 } else { 0 },
                time_to_open_p50_us: times.get(times.len() / 2).map(|us| u64::from(*us)),
                time_to_open_p99_us: times.get(times.len() * 99 / 100).map(|us| u64::from(*us)),
                time_to_open: heat::spread(&times),
                cpu_us: Some(if arriving { 700_000 + second * 9_000 } else { 40_000 }),
                waiting_us: Some(if (18..24).contains(&second) { 90_000 } else { 4_000 }),
                lag_max_us: Some(if (18..24).contains(&second) { 6_400 } else { 900 }),
                rss_bytes: Some(60_000_000 + second * 3_000_000),
                fds: Some(40 + second.min(32) * 60),
            }
        })
        .collect()
}

fn slowest(random: &mut impl Rng) -> Vec<SlowEdge> {
    (0..20u64)
        .map(|place| {
            let mut draw = |us: f64| (us * (0.5 + share(random))) as u64;
            let phases = PhaseTimes {
                connect_us: draw(6_000.0),
                join_us: draw(4_000.0),
                discovery_us: draw(90_000.0) + (20 - place) * 21_000,
                negotiation_us: draw(70_000.0),
                ice_us: Some(draw(40_000.0)),
                dtls_us: Some(draw(22_000.0)),
                channel_us: Some(draw(6_000.0)),
            };
            let peers = [(place * 37 % 940) as u32, (place * 37 % 940 + 5) as u32];
            let began_us = 600_000 - place * 20_000;
            SlowEdge { room: format!("room-{}", place * 3), peers, due_us: began_us + 3_100, began_us, phases }
        })
        .collect()
}

/// One room in which a peer reached nobody, one that lacks two edges, one that was never finished.
fn worst_rooms() -> Vec<RoomMesh> {
    let room = |index: u32, of: fn(u16, u16) -> char| RoomMesh {
        room: format!("room-{index}"),
        first_peer: index * 12,
        size: 12,
        edges: (1..12).flat_map(|high| (0..high).map(move |low| of(high, low))).collect(),
    };
    vec![
        room(41, |high, low| if high == 7 || low == 7 { 'f' } else { 'o' }),
        room(63, |high, low| if high == 11 && low > 8 { 'u' } else { 'o' }),
        room(12, |high, low| if (high, low) == (5, 2) { 's' } else { 'o' }),
    ]
}
