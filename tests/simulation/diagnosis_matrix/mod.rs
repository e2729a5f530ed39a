//! The confusion matrix: every preset on the virtual clock, diagnosed by the probe; the right cause, and no other.

mod world;

use meshload::diagnosis::Cause;
use meshload::dialect::Dialect;
use meshload::probe::{ProbeSpec, RepeatSpec, probe};
use meshload::server::{RoomModel, Routing, faults};
use meshload::vocabulary::{Approval, HandshakeSettings, Seed, Trigger};
use std::collections::BTreeMap;
use std::time::Duration;
use world::{CachedSettings, Virtual};

/// Presets that only a server with a list of rooms can commit.
const REGISTRY_ONLY: [&str; 2] = ["swallow-join", "stale-roster"];
/// Of each row, so many in a hundred must have the right cause; a healthy server is never blamed.
const RIGHT_PERCENT_MIN: usize = 95;

#[derive(Clone, Copy, Debug)]
struct Case {
    fault: Option<&'static str>,
    kind: RoomModel,
    peers: u16,
    seed: u64,
}

fn diagnosed(case: Case) -> Cause {
    let routing = if case.seed.is_multiple_of(2) { Routing::All } else { Routing::Room };
    let delays_ms = [0, 1, 5, 20, 100];
    let delay_max = Duration::from_millis(delays_ms[case.seed as usize / 2 % delays_ms.len()]);
    let mut world = Virtual::new(case.kind, routing, case.fault, delay_max, Seed(case.seed));
    let order = ProbeSpec { sizes: (2..=case.peers).collect(), ..order(case.seed) };
    let report = probe(&mut world, &order, &mut |_| {});
    assert!(case.fault.is_some() || report.findings.is_empty(), "{case:?}: {:#?}", report.findings);
    let cause = report.diagnosis.cause;
    // A far one is held to its right cause only: experiments there take as many seconds as their round trips add up to.
    let near = delay_max <= Duration::from_millis(20);
    if near {
        check_time(&world, &order, cause, 40 * delay_max, &format!("{case:?}"));
    }
    cause
}

fn order(seed: u64) -> ProbeSpec {
    let handshake =
        HandshakeSettings { trigger: Trigger::PeerReady, ..HandshakeSettings::within(Duration::from_secs(2)) };
    ProbeSpec::new(format!("m{seed}"), Dialect::named("dashboard").unwrap(), handshake, Seed(seed))
}

/// Bounds for a server that is near: 2 s if healthy, else the timeout + 4 s, of which 1.5 s are the age that the connections of
/// the experiments have to reach, which are opened after the handshake so that they do not warm the server up.
fn check_time(world: &Virtual, order: &ProbeSpec, cause: Cause, more: Duration, case: &str) {
    let limit =
        if cause == Cause::None { Duration::from_secs(2) } else { order.handshake.timeout + Duration::from_secs(4) };
    assert!(world.elapsed() <= limit + more, "{case} took {:?}", world.elapsed());
}

/// One row: how often each cause was named.
fn row(fault: Option<&'static str>, seeds: u64) -> BTreeMap<Cause, usize> {
    let mut row = BTreeMap::new();
    let registry_only = fault.is_some_and(|fault| REGISTRY_ONLY.contains(&fault));
    for kind in [RoomModel::Relay, RoomModel::Registry]
        .into_iter()
        .filter(|kind| !registry_only || *kind == RoomModel::Registry)
    {
        for peers in [2, 3] {
            for seed in 1..=seeds {
                *row.entry(diagnosed(Case { fault, kind, peers, seed })).or_default() += 1;
            }
        }
    }
    row
}

/// A healthy server, and the presets that a cause is named for; those that a finding is named for are in rooms/findings.rs.
fn rows() -> impl Iterator<Item = Option<&'static str>> {
    let presets =
        faults::presets().map(|(name, _)| name).filter(|name| Cause::ALL.iter().any(|cause| cause.name() == *name));
    [None].into_iter().chain(presets.map(Some))
}

/// Prints a row, and gives what is wrong with it.
fn judge(fault: Option<&'static str>, row: &BTreeMap<Cause, usize>) -> Option<String> {
    let expected = fault.unwrap_or("none");
    let all: usize = row.values().sum();
    let right: usize = row.iter().filter(|(cause, _)| cause.name() == expected).map(|(_, count)| count).sum();
    let causes: Vec<String> = row.iter().map(|(cause, count)| format!("{count} {cause}")).collect();
    println!("{:<18} {right:>3} of {all:>3} right   {}", fault.unwrap_or("healthy"), causes.join(", "));
    let needed = if fault.is_none() { 100 } else { RIGHT_PERCENT_MIN };
    (right * 100 < all * needed).then(|| format!("{expected}: {right} of {all}"))
}

fn check(seeds: u64) {
    let wrong: Vec<String> = rows().filter_map(|fault| judge(fault, &row(fault, seeds))).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn each_preset_is_named_and_a_healthy_server_never_blamed() {
    check(4);
}

#[test]
#[ignore = "the whole table: just diagnose-matrix"]
fn the_whole_matrix() {
    check(20);
}

/// A peer that reads the room's list learns of the others from the next one, 5 s later: two peers meet by it.
#[test]
fn a_handshake_that_limps_is_not_followed_by_another_that_takes_its_whole_timeout() {
    for timeout_s in [4, 6, 10, 30] {
        let delay = Duration::from_millis(1);
        let mut world = Virtual::new(RoomModel::Registry, Routing::All, Some("timing"), delay, Seed(1));
        let mut order = order(1);
        order.handshake.timeout = Duration::from_secs(timeout_s);
        let report = probe(&mut world, &order, &mut |_| {});
        assert_eq!(report.diagnosis.cause, Cause::Timing, "{timeout_s} s");
        assert_eq!(report.is_open(), timeout_s > 5, "{timeout_s} s");
        check_time(&world, &order, report.diagnosis.cause, Duration::ZERO, &format!("{timeout_s} s"));
    }
}

/// Field case 1 B: the server's handler awaits settings that take 80 ms to load and stay fresh for 150 ms.
#[test]
fn of_fifty_handshakes_the_share_that_fails_is_told_with_what_its_joins_have_in_common() {
    let mut world = Virtual::new(RoomModel::Relay, Routing::Room, None, Duration::from_millis(1), Seed(1));
    world.settings = Some(CachedSettings::new(Duration::from_millis(80), Duration::from_millis(150)));
    let order = ProbeSpec { sizes: vec![2], repeat: Some(RepeatSpec::Times(50)), ..order(1) };
    let report = probe(&mut world, &order, &mut |_| {});
    let repeated = report.repeat.as_ref().unwrap();
    let failed = repeated.tries - repeated.opened;
    println!("{:?} {repeated:#?}", report.diagnosis);
    assert!(repeated.tries == 50 && failed > 0, "the probe's own connections have warmed the server up");
    assert_eq!(report.diagnosis.cause, Cause::Connection);
    assert!(repeated.in_common[0].starts_with(&format!("{failed} of 50 handshakes failed: {failed} in discovery")));
    assert!(repeated.in_common[1].contains("no peer had heard of any other"), "{:?}", repeated.in_common);
}

#[test]
fn a_request_to_be_let_in_that_comes_to_nothing_has_the_cause_that_the_evidence_allows() {
    let check = |approval: Approval, fault: Option<&str>, expected: Cause, evidence: &str| {
        for kind in [RoomModel::Relay, RoomModel::Registry] {
            for peers in [2, 3] {
                let mut world = Virtual::new(kind, Routing::All, fault, Duration::from_millis(1), Seed(1));
                let mut order = ProbeSpec { sizes: (2..=peers).collect(), ..order(1) };
                order.handshake.approval = approval;
                let diagnosis = probe(&mut world, &order, &mut |_| {}).diagnosis;
                let case = format!("{approval:?} {fault:?} {kind:?} {peers}");
                assert_eq!(diagnosis.cause, expected, "{case}: {diagnosis:?}");
                assert!(diagnosis.evidence[0].contains(evidence), "{case}: {diagnosis:?}");
                check_time(&world, &order, diagnosis.cause, Duration::ZERO, &case);
            }
        }
    };
    check(Approval::Approve, None, Cause::None, "all that was said arrived");
    check(Approval::Ignore, None, Cause::NoAnswer, "peer 0, the host, heard it, and never answered");
    check(Approval::Reject, None, Cause::Rejected, "REJECTED_BY_HOST");
    let lost = Some("drop type=join-approved");
    check(Approval::Approve, lost, Cause::NoAnswer, "answered, and the answer never arrived");
    let isolated = Some("drop channel=webrtc-dashboard-access");
    check(Approval::Approve, isolated, Cause::ChannelIsolation, "and no host heard it");
}
