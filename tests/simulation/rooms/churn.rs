//! Churn, cut sockets and a server that restarts, over many seeds: the books add up, and what may open does.

use super::scenario::Scenario;
use super::world;
use meshload::metrics::{HealthFigures, Recorder, RoomFacts, RunFacts, RunFigures, TraceSample, summarize};
use meshload::profile::{self, ProfileSource};
use meshload::summary::{Build, Machine, Outage, PhaseSpan, Summary};
use meshload::vocabulary::{EngineKind, Event, EventKind, PeerEvent, PeerIndex, RoomIndex};
use std::time::{Duration, Instant, SystemTime};

const SEEDS: u64 = 300;

/// The books of a run that is over.
fn recorder(scenario: &Scenario, events: &[Event]) -> Summary {
    books(scenario, events, vec![]).0
}

/// The summary of a run that is over, and the figures that it is made of.
pub fn books(scenario: &Scenario, events: &[Event], phases: Vec<PhaseSpan>) -> (Summary, RunFigures) {
    let figures = figures(scenario, events, |_| true);
    (summarize(&figures, &HealthFigures::default(), facts(scenario, phases)), figures)
}

/// The figures of the rooms that are `own`, by their index.
pub fn figures(scenario: &Scenario, events: &[Event], own: impl Fn(usize) -> bool) -> RunFigures {
    let start = events.iter().map(|event| event.at).min().unwrap_or_else(Instant::now);
    let mut first = 0;
    let facts = |(index, due): (usize, &Vec<Duration>)| {
        let room = RoomFacts {
            index: RoomIndex(index as u32),
            first: PeerIndex(first),
            due: due.clone(),
            warmup: false,
            meshes: true,
            scenario: 0,
            timeout: scenario.timeout,
            guests: 0,
            label: index.to_string(),
        };
        first += due.len() as u32;
        room
    };
    let rooms: Vec<RoomFacts> = scenario.rooms.iter().enumerate().map(facts).collect();
    let sizes = rooms.iter().map(|room| (room.index, room.due.len() as u16));
    let sample = TraceSample::of(sizes, 0);
    let rooms: Vec<RoomFacts> = rooms.into_iter().filter(|room| own(room.index.0 as usize)).collect();
    let kinds = scenario.dialect().kinds().len();
    let mut recorder = Recorder::new(&rooms, start, kinds).tracing(&sample);
    let ours = events.iter().filter(|event| own(event.place.room.0 as usize));
    ours.for_each(|event| recorder.record(event));
    assert!(recorder.all_decided(), "an edge is decided by nobody");
    recorder.into_figures(false)
}

pub fn facts(scenario: &Scenario, phases: Vec<PhaseSpan>) -> RunFacts {
    let profile = profile::read(ProfileSource { name: "", text: "" }, &[], &|_| None).unwrap();
    RunFacts {
        way: Default::default(),
        build: Build::default(),
        name: String::new(),
        id: String::new(),
        seed: scenario.seed.0,
        started_at: SystemTime::UNIX_EPOCH,
        duration: Duration::from_secs(1),
        plan_sha256: String::new(),
        dialect: String::new(),
        engine: EngineKind::None,
        target: String::new(),
        interrupted: false,
        complete: true,
        stopped_by: None,
        machine: Machine::default(),
        phases,
        kinds: scenario.dialect().kinds().iter().map(|kind| (*kind).to_owned()).collect(),
        thresholds: profile.validity.thresholds,
        traced: false,
        tags: Default::default(),
        scenarios: vec![],
    }
}

fn count(events: &[Event], is: impl Fn(&EventKind) -> bool) -> u64 {
    events.iter().filter(|event| is(&event.kind)).count() as u64
}

/// Seeds in which something can open at all.
fn scenarios(troubled: bool) -> impl Iterator<Item = (u64, Scenario)> {
    let scenarios = (0..SEEDS).map(move |seed| (seed, Scenario::lively(seed, troubled)));
    scenarios.filter(|(_, scenario)| !scenario.is_hopeless())
}

#[test]
fn whoever_leaves_and_comes_back_the_books_add_up_and_every_edge_between_those_who_stay_opens() {
    let (mut rejoins, mut noticed) = (0, 0);
    for (seed, scenario) in scenarios(false) {
        let judge = world::play(&scenario, false);
        assert_eq!(judge.breaches(), [""; 0], "seed {seed}: {}", scenario.brief());
        let summary = recorder(&scenario, &judge.events);
        summary.counts.conserved().unwrap_or_else(|timeline| panic!("seed {seed}: {timeline}"));
        let (peers, edges) = (&summary.counts.peers, &summary.counts.edges);
        let returned =
            count(&judge.events, |what| matches!(what, EventKind::Peer(PeerEvent::Began { .. }))) - peers.planned;
        assert_eq!((peers.rejoins, peers.failed, peers.reconnects), (returned, 0, 0), "seed {seed}");
        assert_eq!(edges.failed, 0, "seed {seed}: {:#?}, {}", summary.failures, scenario.brief());
        assert_eq!(edges.closed_early, edges.left, "seed {seed}: nothing closes but by a leave");
        assert!(edges.opened + edges.unfinished == edges.planned + edges.rejoins, "seed {seed}: {edges:?}");
        rejoins += edges.rejoins;
        noticed += summary.timers.get("leave_notice").map_or(0, |timer| timer.due.count);
    }
    assert!(rejoins > 200 && noticed > 200, "{rejoins} edges planned anew, {noticed} leaves noticed");
}

#[test]
fn whatever_is_cut_or_restarted_the_books_add_up_and_all_who_are_lost_come_back() {
    let (mut lost, mut recovered) = (0, 0);
    for (seed, scenario) in scenarios(true) {
        let judge = world::play(&scenario, false);
        assert_eq!(judge.breaches(), [""; 0], "seed {seed}: {}", scenario.brief());
        let summary = recorder(&scenario, &judge.events);
        summary.counts.conserved().unwrap_or_else(|timeline| panic!("seed {seed}: {timeline}"));
        let outages = &summary.outages;
        let sum = |of: fn(&Outage) -> u64| outages.iter().map(of).sum::<u64>();
        let again = sum(|outage| outage.losses) - sum(|outage| outage.lost);
        // Who was back and is lost again counts once, as it was at last.
        assert_eq!(summary.counts.peers.reconnects, sum(|outage| outage.back) + again, "seed {seed}");
        for outage in outages {
            // Who left by plan before it was back is lost and not back.
            assert!(outage.back <= outage.lost && outage.lost > 0, "seed {seed}: {outage:#?}");
            assert!(outage.back == 0 || outage.recovery_us.is_some(), "seed {seed}: {outage:#?}");
            // A dial each half second at first, and never a storm.
            assert!(outage.redials <= outage.losses * 20, "seed {seed}: {outage:#?}");
        }
        lost += outages.iter().map(|outage| outage.lost).sum::<u64>();
        recovered += sum(|outage| outage.back);
    }
    assert!(lost > 300 && recovered * 10 > lost * 8, "{recovered} of {lost} came back");
}
