//! Each finding, played on purpose by a fault of the server and named, and none of them in healthy runs.

use super::churn::books;
use super::foreign::Flaw;
use super::scenario::{Deed, Foreign, Scenario, Turn};
use super::world;
use meshload::diagnosis::findings::{RunRecord, dialect_facts, findings};
use meshload::server::{RoomModel, faults};
use meshload::summary::{PhaseSpan, RunFinding, Summary};
use meshload::vocabulary::Trigger;
use rand::RngExt;
use std::collections::BTreeMap;
use std::time::Duration;

/// Of each row, so many in a hundred must be named.
const RIGHT_PERCENT_MIN: usize = 95;
/// The steady phase of a run with churn, from the last arrival.
const STEADY: std::ops::Range<u64> = 12..72;

/// A fault, the finding that it must lead to, and what the run needs for it.
struct Row<Fault> {
    fault: Fault,
    finding: &'static str,
    shape: fn(&mut Scenario),
}

const ROWS: [Row<&str>; 13] = [
    Row { fault: "no-leave-notice", finding: "notices-missing", shape: untold },
    Row { fault: "idle-close 6s", finding: "idle-close", shape: lively },
    Row { fault: "limit-by-address 20", finding: "limit-by-address", shape: |_| {} },
    Row { fault: "unlisted", finding: "never-listed", shape: |scenario| scenario.kind = RoomModel::Registry },
    Row { fault: "partition", finding: "islands", shape: |_| {} },
    Row { fault: "split 3", finding: "rooms-split", shape: |_| {} },
    Row { fault: "misroute", finding: "misrouted", shape: |_| {} },
    Row { fault: "repeat", finding: "repeated", shape: |_| {} },
    Row { fault: "alter-candidate", finding: "altered-candidates", shape: trickling },
    Row { fault: "sdp-rewrite", finding: "altered-description", shape: |_| {} },
    Row { fault: "timing", finding: "early-words-lost", shape: announced },
    Row { fault: "delay 2s p=50% type=webrtc-offer", finding: "two-populations", shape: |_| {} },
    Row { fault: "drift", finding: "drift", shape: lively },
];

/// Dialects besides the reference server's own.
const FOREIGN: [&str; 4] = ["relay", "relay-global", "relay-open", "y-webrtc"];

/// Faults of their servers.
const FOREIGN_ROWS: [Row<Flaw>; 9] = [
    Row { fault: Flaw::Partition, finding: "islands", shape: |_| {} },
    Row { fault: Flaw::Misroute, finding: "misrouted", shape: |_| {} },
    Row { fault: Flaw::Repeat, finding: "repeated", shape: |_| {} },
    Row { fault: Flaw::AlterCandidates, finding: "altered-candidates", shape: trickling },
    Row { fault: Flaw::AlterFingerprints, finding: "altered-description", shape: |_| {} },
    Row { fault: Flaw::SlowOffers, finding: "two-populations", shape: |_| {} },
    Row { fault: Flaw::Drift, finding: "drift", shape: lively },
    Row { fault: Flaw::IdleClose(Duration::from_secs(6)), finding: "idle-close", shape: lively },
    Row { fault: Flaw::IdleBothWays(Duration::from_secs(6)), finding: "idle-close", shape: lively },
];

/// Eight rooms of five, on a server that is near.
fn scenario(seed: u64) -> Scenario {
    let mut scenario = Scenario::drawn(seed);
    let draws = &mut scenario.seed.stream("findings", 0);
    let mut at = Duration::ZERO;
    scenario.rooms = (0..8)
        .map(|_| {
            let mut begins = vec![];
            for _ in 0..5 {
                begins.push(at);
                at += Duration::from_millis(draws.random_range(20..180));
            }
            begins
        })
        .collect();
    scenario.fates = vec![super::Fate::Healthy; 40];
    scenario.lame_per_mille = 0;
    scenario.redials = true;
    scenario.delay_max = Duration::from_millis(draws.random_range(0..20));
    scenario.settle = Duration::ZERO;
    scenario.list_interval = Duration::from_millis(100);
    scenario.no_webrtc = true;
    if scenario.is_hopeless() {
        scenario.trigger = Trigger::PeerReady;
    }
    scenario
}

/// Peers send candidates one by one.
fn trickling(scenario: &mut Scenario) {
    scenario.no_webrtc = false;
    scenario.trickle = true;
}

/// Peers learn of each other by announcements on the chat channel.
fn announced(scenario: &mut Scenario) {
    scenario.trigger = Trigger::PeerReady;
    scenario.kind = RoomModel::Relay;
}

/// Peers leave and come back at a steady rate.
fn lively(scenario: &mut Scenario) {
    let last = scenario.rooms.iter().flatten().copied().max().unwrap_or_default();
    let draws = &mut scenario.seed.stream("leaves", 0);
    for second in STEADY {
        // Two rooms a second, so that each peer that leaves is back before its room's turn comes again.
        for room in [second as usize % 8, (second as usize + 4) % 8] {
            let peer = room * 5 + 1 + (second as usize / 4) % 4;
            let at = last + Duration::from_secs(second) + Duration::from_millis(draws.random_range(0..200));
            scenario.turns.push(Turn { at, peer, deed: Deed::Depart { silent: false } });
            scenario.turns.push(Turn { at: at + Duration::from_millis(1_500), peer, deed: Deed::Return });
        }
    }
}

/// Peers leave for good, one of each room every ten seconds: the others hear of it, and say nothing.
fn dwindling(scenario: &mut Scenario) {
    let last = scenario.rooms.iter().flatten().copied().max().unwrap_or_default();
    for (room, nth) in (0..8).flat_map(|room| (1..4).map(move |nth| (room, nth))) {
        let at = last + Duration::from_millis(10_000 * nth as u64 - 6_000 + 250 * room as u64);
        scenario.turns.push(Turn { at, peer: room * 5 + nth, deed: Deed::Depart { silent: false } });
    }
}

/// Nothing tells of a leave but its goodbye: a registry would by its list.
fn untold(scenario: &mut Scenario) {
    lively(scenario);
    scenario.kind = RoomModel::Relay;
    if scenario.is_hopeless() {
        scenario.trigger = Trigger::PeerReady;
    }
}

fn steady(scenario: &Scenario) -> PhaseSpan {
    let last = scenario.rooms.iter().flatten().copied().max().unwrap_or_default().as_millis() as i64;
    let at = |second: u64| jiff::Timestamp::from_millisecond(last + second as i64 * 1_000).unwrap().to_string();
    PhaseSpan { name: "steady".into(), started_at: at(STEADY.start), ended_at: at(STEADY.end) }
}

fn concluded(scenario: &Scenario) -> (Vec<RunFinding>, Summary) {
    let judge = world::play(scenario, false);
    let (summary, recorder) = books(scenario, &judge.events, vec![steady(scenario)]);
    let evidence = recorder.evidence(dialect_facts(&scenario.dialect()));
    (findings(&RunRecord { summary: &summary, evidence: &evidence }), summary)
}

/// Counts the findings of so many seeds, prints them, and gives what is wrong with them.
fn named_in(seeds: u64, title: &str, finding: &str, scenario: impl Fn(u64) -> Scenario) -> Option<String> {
    let mut named = BTreeMap::<String, usize>::new();
    for seed in 1..=seeds {
        for found in concluded(&scenario(seed)).0 {
            println!("  {seed} {}", found.in_words());
            *named.entry(found.id).or_default() += 1;
        }
    }
    let right = named.get(finding).copied().unwrap_or(0);
    println!("{title:<36} {finding:<20} {right} of {seeds}   {named:?}");
    (right * 100 < seeds as usize * RIGHT_PERCENT_MIN)
        .then(|| format!("{title}: {finding} {right} of {seeds}: {named:?}"))
}

fn judge(row: &Row<&str>, seeds: u64) -> Option<String> {
    named_in(seeds, row.fault, row.finding, |seed| {
        let mut scenario = scenario(seed);
        scenario.rules = faults::rules(row.fault).unwrap();
        (row.shape)(&mut scenario);
        scenario
    })
}

/// The same on a server of another dialect.
fn foreign(dialect: &'static str, flaw: Flaw, shape: fn(&mut Scenario), seed: u64) -> Scenario {
    let mut scenario = scenario(seed);
    scenario.kind = RoomModel::Relay;
    shape(&mut scenario);
    scenario.foreign = Some(Foreign { dialect, flaw });
    scenario
}

/// `dialects`: how many others play each flaw.
fn check(seeds: u64, dialects: usize) {
    let of_reference = ROWS.iter().filter_map(|row| judge(row, seeds));
    let rows = FOREIGN_ROWS.iter().enumerate().flat_map(|(nth, row)| {
        let others = FOREIGN.iter().cycle().skip(nth).take(dialects);
        others.map(move |dialect| (*dialect, row))
    });
    let of_others = rows.filter_map(|(dialect, Row { fault, finding, shape })| {
        named_in(seeds, &format!("{dialect}: {fault:?}"), finding, |seed| foreign(dialect, *fault, *shape, seed))
    });
    let wrong: Vec<String> = of_reference.chain(of_others).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn each_fault_is_named_by_its_finding() {
    check(1, 1);
}

/// A server that counts its clients' words, and a proxy that counts those of both.
#[test]
fn an_idle_close_says_whose_words_count() {
    let patience = Duration::from_secs(6);
    let client = "closes a connection that has said nothing for 6.";
    let both = "closes a connection on which nothing was said in either direction for 6.";
    for (flaw, words) in [(Flaw::IdleClose(patience), client), (Flaw::IdleBothWays(patience), both)] {
        for seed in 1..=3 {
            let found = concluded(&foreign("relay", flaw, dwindling, seed)).0;
            let idle = found.iter().find(|finding| finding.id == "idle-close");
            let idle = idle.unwrap_or_else(|| panic!("{flaw:?}, seed {seed}: {found:#?}"));
            assert!(idle.sentence.contains(words), "{flaw:?}, seed {seed}: {idle:#?}");
        }
    }
}

#[test]
#[ignore = "the whole table: just diagnose-matrix"]
fn the_whole_matrix_of_findings() {
    check(20, FOREIGN.len());
    check_healthy(200);
}

#[test]
fn a_server_that_restarts_is_told_with_how_many_came_back() {
    for seed in 1..=3 {
        let mut scenario = scenario(seed);
        let deed = Deed::Restart { down: Duration::from_secs(2) };
        scenario.turns.push(Turn { at: Duration::from_secs(20), peer: 0, deed });
        let (found, summary) = concluded(&scenario);
        let lost = found.iter().find(|finding| finding.id == "server-lost");
        let lost = lost.unwrap_or_else(|| panic!("seed {seed}: {found:#?}"));
        assert!(lost.sentence.contains("all came back"), "seed {seed}: {}", lost.sentence);
        assert_eq!((summary.counts.peers.stayed, summary.counts.peers.lost), (40, 0), "seed {seed}");
    }
}

#[test]
fn a_healthy_run_has_no_finding() {
    check_healthy(20);
}

fn check_healthy(seeds: u64) {
    let mut wrong = vec![];
    for seed in 1_000..1_000 + seeds {
        let mut scenario = match seed % 5 {
            // Any shape, with any delay and any pause.
            0..3 => (seed..).step_by(1_000).map(Scenario::drawn).find(Scenario::must_open).unwrap(),
            3 => scenario(seed),
            _ => foreign(FOREIGN[seed as usize / 5 % FOREIGN.len()], Flaw::None, |_| {}, seed),
        };
        if seed % 10 == 4 {
            lively(&mut scenario);
        }
        let found = concluded(&scenario).0;
        wrong.extend(found.iter().map(|found| format!("seed {seed}, {}: {}", scenario.brief(), found.in_words())));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
