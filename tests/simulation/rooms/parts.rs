//! A run in several parts, as files of several machines: they merge to the summary of one, bit for bit.

use super::churn::{facts, figures};
use super::scenario::Scenario;
use super::world;
use flate2::read::ZlibDecoder;
use meshload::controller::PlayedShare;
use meshload::fleet::{MergeError, MergedRun, Part, PartContext, PlannedWork, Unusable, merge, sealed};
use meshload::gates::Gate;
use meshload::metrics::HealthFigures;
use meshload::plan::ShareOf;
use meshload::profile::{self, ProfileSource};
use meshload::summary::Summary;
use meshload::vocabulary::{Event, Seed};
use proptest::prelude::*;
use rand::RngExt;
use std::io::Read;
use std::time::{Duration, Instant};

/// Magic, version, length and checksum, before the deflated rest.
const HEADER_BYTES: usize = 49;

/// Makes a part one of another run.
type Change = fn(&mut Part);

fn parts(scenario: &Scenario, events: &[Event], of: u32) -> Vec<Part> {
    (0..of).map(|index| part(scenario, events, ShareOf { index, of })).collect()
}

fn part(scenario: &Scenario, events: &[Event], share: ShareOf) -> Part {
    let dialect = scenario.dialect();
    let profile = profile::read(ProfileSource { name: "", text: "" }, &[], &|_| None).unwrap();
    let edges = scenario.rooms.iter().map(|room| (room.len() * (room.len() - 1) / 2) as u64).sum();
    let peers = scenario.rooms.iter().map(|room| room.len() as u64).sum();
    let gate = |metric, expr| Gate::parse(metric, expr).unwrap();
    let mut facts = facts(scenario, vec![]);
    facts.dialect = dialect.name().to_owned();
    let played = PlayedShare {
        facts,
        figures: figures(scenario, events, |room| room as u32 % share.of == share.index),
        health: HealthFigures::default(),
        target_process: None,
    };
    Part {
        context: PartContext {
            share,
            planned: PlannedWork { rooms: scenario.rooms.len() as u64, peers, edges },
            clock: None,
            host: format!("host-{}", share.index),
            gates: vec![gate("time_to_open", "p(95) < 1s"), gate("edges_failed", "rate < 50%")],
            validity: profile.validity,
            profile: String::new(),
            dialect_text: dialect.file_text().map(str::to_owned),
            traces: 20,
            probe: "meshload probe".to_owned(),
            stop: None,
            panics: 0,
        },
        // The same figures, so that the floor that they merge to is known.
        control: Some(played.clone()),
        played,
    }
}

/// The summary of parts that went through their files, in another order than that of the shares.
fn merged(parts: Vec<Part>) -> Summary {
    let mut read: Vec<Part> = parts.iter().map(|part| Part::read(&part.to_bytes()).unwrap()).collect();
    read.reverse();
    let MergedRun { summary, control, .. } = merge(read, Instant::now()).unwrap();
    let (control, counts) = (control.unwrap(), &summary.counts);
    assert_eq!(
        (control.edges, control.opened, control.peers),
        (counts.edges.planned, counts.edges.opened, counts.peers.planned)
    );
    assert_eq!((&control.timers, control.duration_us), (&summary.timers, summary.run.duration_us));
    summary
}

#[test]
fn parts_of_any_number_merge_to_the_summary_of_one_bit_for_bit() {
    let mut opened = 0;
    for troubled in [false, true] {
        for seed in 0..5 {
            let scenario = Scenario::lively(seed, troubled);
            let judge = world::play(&scenario, false);
            let whole = merged(parts(&scenario, &judge.events, 1));
            whole.counts.conserved().unwrap_or_else(|why| panic!("seed {seed}: {why}"));
            assert!(whole.run.complete && whole.missing.is_empty(), "seed {seed}: {:?}", whole.missing);
            for of in [2, 3, 8] {
                let summary = merged(parts(&scenario, &judge.events, of));
                summary.counts.conserved().unwrap_or_else(|why| panic!("seed {seed}, {of} parts: {why}"));
                assert_eq!(summary.fleet.len(), of as usize);
                let fleet = whole.fleet.clone();
                assert_eq!(Summary { fleet, ..summary }, whole, "seed {seed}, {of} parts");
            }
            opened += whole.counts.edges.opened;
        }
    }
    assert!(opened > 0, "{opened} edges");
}

#[test]
fn what_is_missing_is_told_and_strangers_are_refused() {
    let scenario = (0..).map(|seed| Scenario::lively(seed, false)).find(|scenario| scenario.rooms.len() >= 3).unwrap();
    let events = world::play(&scenario, false).events;
    let parts = parts(&scenario, &events, 3);
    // Any one that is missing, of any number, is named, and what is here adds up.
    for of in [2, 3, 8] {
        let all = self::parts(&scenario, &events, of);
        for absent in 0..of as usize {
            let mut here = all.clone();
            let edges = here.remove(absent).played.figures.planned().2;
            let summary = merged(here);
            summary.counts.conserved().unwrap();
            let missing = summary.missing.first().map_or("", String::as_str);
            let name = format!("1 part missing ({}/{of}): measured were ", absent + 1);
            // A share without a room lacks nothing.
            assert_eq!(!summary.run.complete && missing.starts_with(&name), edges > 0, "{missing}");
        }
    }
    let summary = merged(vec![parts[0].clone(), parts[2].clone()]);
    assert!(!summary.run.complete && summary.fleet[1].lost && !summary.fleet[2].lost);
    assert!(summary.missing[0].starts_with("1 part missing (2/3): measured were "), "{:?}", summary.missing);
    let refused = |parts: Vec<Part>| merge(parts, Instant::now()).err().unwrap();
    assert_eq!(refused(vec![]), MergeError::Nothing);
    assert_eq!(refused(vec![parts[1].clone(), parts[1].clone()]), MergeError::Twice(parts[1].context.share));
    let strangers: [(&str, Change); 9] = [
        ("the run's id", |part| part.played.facts.id.push('x')),
        ("the version of meshload", |part| part.played.facts.build.version.push('x')),
        ("plan_sha256", |part| part.played.facts.plan_sha256.push('x')),
        ("the seed", |part| part.played.facts.seed += 1),
        ("the number of shares", |part| part.context.share.of += 1),
        ("the plan's size", |part| part.context.planned.edges += 1),
        ("the dialect", |part| part.context.dialect_text = Some(String::new())),
        ("the gates", |part| part.context.gates.clear()),
        ("--control", |part| part.control = None),
    ];
    for (what, change) in strangers {
        let mut stranger = parts[0].clone();
        change(&mut stranger);
        let error = refused(vec![stranger, parts[1].clone()]);
        assert!(matches!(error, MergeError::Unlike { what: found, .. } if found == what), "{what}: {error}");
    }
}

#[test]
fn a_damaged_part_is_refused_and_a_hostile_one_does_no_harm() {
    let scenario = (0..).map(|seed| Scenario::lively(seed, true)).find(|scenario| !scenario.is_hopeless()).unwrap();
    let file = part(&scenario, &world::play(&scenario, false).events, ShareOf::WHOLE).to_bytes();
    let mut random = Seed(super::number("MESHLOAD_SEED").unwrap_or(1)).stream("hostile parts", 0);
    for _ in 0..200 {
        let mut damaged = file.clone();
        let at = random.random_range(0..damaged.len());
        damaged[at] ^= 1 << random.random_range(0..8);
        assert!(Part::read(&damaged).is_err() && Part::read(&file[..at]).is_err(), "byte {at}");
    }
    let mut later = file.clone();
    later[8] += 1;
    assert_eq!(Part::read(&later).err(), Some(Unusable::Version(file[8] + 1)));
    let mut plain = vec![];
    ZlibDecoder::new(&file[HEADER_BYTES..]).read_to_end(&mut plain).unwrap();
    assert!(Part::read(&sealed(&plain)).is_ok());
    let (began, mut read) = (Instant::now(), 0);
    for _ in 0..3_000 {
        let mut hostile = plain.clone();
        for _ in 0..random.random_range(1..4) {
            let at = random.random_range(0..hostile.len());
            hostile[at] = random.random();
        }
        if let Ok(part) = Part::read(&sealed(&hostile)) {
            read +=
                u32::from(merge(vec![part], Instant::now()).is_ok_and(|merged| !merged.summary.to_json().is_empty()));
        }
        if began.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
    println!("{read} hostile parts were merged");
}

/// Markers of MessagePack that claim four billion items or bytes, wherever they stand in a part.
#[test]
fn a_length_that_lies_allocates_nothing() {
    let scenario = (0..).map(|seed| Scenario::lively(seed, true)).find(|scenario| !scenario.is_hopeless()).unwrap();
    let file = part(&scenario, &world::play(&scenario, false).events, ShareOf::WHOLE).to_bytes();
    let mut plain = vec![];
    ZlibDecoder::new(&file[HEADER_BYTES..]).read_to_end(&mut plain).unwrap();
    let (began, step) = (Instant::now(), (plain.len() / 400).max(1));
    for at in (4..plain.len() - 5).step_by(step) {
        for marker in [0xdd, 0xdf, 0xdb, 0xc6] {
            let mut lies = plain.clone();
            lies[at..at + 5].copy_from_slice(&[marker, 0xff, 0xff, 0xff, 0xff]);
            // Within a text the bytes are only a text.
            let _ = Part::read(&sealed(&lies));
        }
        if began.elapsed() > Duration::from_secs(3) {
            break;
        }
    }
}

proptest! {
    #[test]
    fn what_is_no_part_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..3_000)) {
        let magic = [&b"meshpart\x03"[..], &bytes].concat();
        prop_assert!(Part::read(&bytes).is_err() && Part::read(&magic).is_err() && Part::read(&sealed(&bytes)).is_err());
    }
}
