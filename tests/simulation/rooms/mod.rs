//! Whole rooms on a virtual clock: peers, server and network grown from one seed, judged by what must always hold.
//!
//! `MESHLOAD_SEEDS=10000` plays more seeds, `MESHLOAD_SEED=n` replays one and prints all that happens in it.

mod capacity;
mod churn;
mod findings;
mod foreign;
mod judge;
mod links;
mod parts;
mod scenario;
mod world;

use scenario::{Fate, Scenario};
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

const SEEDS: u64 = 1_000;

#[test]
fn whatever_the_seed_every_edge_is_decided_in_time_and_no_peer_breaks_a_rule() {
    let (seeds, aloud) = match (number("MESHLOAD_SEED"), number("MESHLOAD_SEEDS")) {
        (Some(seed), _) => (seed..seed + 1, true),
        (None, count) => (0..count.unwrap_or(SEEDS), false),
    };
    let failures = play_all(seeds, aloud);
    let shown: Vec<&str> = failures.iter().take(3).map(|(_, timeline)| timeline.as_str()).collect();
    assert!(failures.is_empty(), "{} seeds failed, the first of them:\n{}", failures.len(), shown.join("\n"));
}

#[test]
fn the_same_seed_plays_the_same_run() {
    for seed in 0..10 {
        let play = || world::play(&Scenario::drawn(seed), false).diary;
        assert_eq!(play(), play(), "seed {seed}");
    }
}

#[test]
fn the_judge_notices_a_mute_peer_that_was_said_to_be_healthy() {
    let mut scenario = (0..).map(Scenario::drawn).find(Scenario::must_open).unwrap();
    scenario.fates[0] = Fate::Mute;
    let judge = world::play(&scenario, false);
    scenario.fates[0] = Fate::Healthy;
    assert!(!judge.verdict(&scenario).is_empty());
}

#[test]
fn a_server_that_names_strangers_draws_no_more_words_than_one_that_does_not() {
    let storm = |seed: u64| {
        let scenario = Scenario::crowded(seed);
        let faults = world::play(&scenario, false).verdict(&scenario);
        let first = faults.into_iter().find(|fault| fault.contains("storms") || fault.contains("comes to rest"));
        first.map(|fault| format!("seed {seed}, {}\n  {fault}", scenario.brief()))
    };
    let seeds = number("MESHLOAD_SEEDS").unwrap_or(SEEDS) / 10;
    // A storm takes a minute to reach the world's bound: the first is enough.
    assert_eq!((0..seeds).find_map(storm), None);
}

/// The faults of each seed that failed, in the order of the seeds.
fn play_all(seeds: Range<u64>, aloud: bool) -> Vec<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let failures = Mutex::new(vec![]);
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    if let Some(timeline) = play_one(seed, aloud) {
                        failures.lock().unwrap().push((seed, timeline));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    failures
}

fn play_one(seed: u64, aloud: bool) -> Option<String> {
    let scenario = Scenario::drawn(seed);
    if aloud {
        println!("{scenario:#?}");
    }
    let faults = world::play(&scenario, aloud).verdict(&scenario);
    let replay = format!("MESHLOAD_SEED={seed} cargo test --test simulation rooms::whatever -- --nocapture");
    (!faults.is_empty()).then(|| {
        let shown: Vec<&str> = faults.iter().take(6).map(String::as_str).collect();
        format!(
            "seed {seed} ({} faults); replay: {replay}\n  {}\n  {}",
            faults.len(),
            scenario.brief(),
            shown.join("\n  ")
        )
    })
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}
