//! Runs inside this process, and what is read off their summaries.

use meshload::controller::{self, RunSpec};
use meshload::dialect::Dialect;
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::server::{self, Routing};
use meshload::summary::{Distribution, Summary};
use meshload::vocabulary::Seed;
use std::time::{Duration, SystemTime};

pub fn plan(profile: &str) -> Plan {
    let profile = profile::read(ProfileSource { name: "accuracy.toml", text: profile }, &[], &|_| None);
    Plan::new(profile.unwrap_or_else(|problems| panic!("{problems:?}")), Seed(1))
}

/// Pairs on engine none that arrive at 40 peers a second, the first ones as a warm-up of that length.
pub fn signaling_pairs(rooms: u32, warmup: &str) -> String {
    format!(
        "[rooms]\ncount = {rooms}\nsize = 2\n[arrivals]\nrate = \"40/s\"\n[engine]\nkind = \"none\"\n\
         [messages]\npattern = \"none\"\n[phases]\nwarmup = \"{warmup}\"\nsteady = \"0s\"\ndrain = \"0s\"\n"
    )
}

/// Plays the profile against `url`, or against an embedded server that routes by room.
pub fn play(profile: &str, url: Option<String>, workers: usize) -> Summary {
    let order = RunSpec {
        url,
        embedded: server::Config { routing: Routing::Room, ..server::Config::default() },
        workers,
        ..RunSpec::new(plan(profile), format!("a{}", std::process::id()), Dialect::named("dashboard").unwrap())
    };
    let summary = controller::run(order).unwrap_or_else(|start_error| panic!("{start_error:?}")).summary;
    summary.counts.conserved().expect("counts add up");
    summary
}

/// When the later peer of each pair is due, in a run that started at `started_at`.
pub fn pairs_due(plan: &Plan, summary: &Summary) -> Vec<SystemTime> {
    let start: jiff::Timestamp = summary.run.started_at.parse().expect("a time");
    let start = SystemTime::UNIX_EPOCH + Duration::from_micros(start.as_microsecond() as u64);
    let later = |room: &meshload::plan::RoomPlan| {
        let seats = room.due.iter().enumerate();
        seats.flat_map(|(seat, due)| std::iter::repeat_n(start + *due, seat)).collect::<Vec<_>>()
    };
    plan.rooms.iter().flat_map(later).collect()
}

/// The sample that `rank` others are greater than, in microseconds.
pub fn from_the_top(distribution: &Distribution, rank: usize) -> u64 {
    let histogram = distribution.histogram().expect("a histogram of ours");
    let count = histogram.count() as f64;
    histogram.quantile_us(((count - rank as f64 - 0.5) / count).max(0.0))
}
