//! Repeated handshakes with jittered joins, for faults that show only sometimes.

use super::environment::Environment;
use super::handshake_runner::{HandshakeRunner, Variation};
use super::report::Repeated;
use super::spec::RepeatSpec;
use crate::diagnosis::{SeriesHandshake, Timeline, in_common};
use crate::vocabulary::Seed;
use rand::RngExt;
use std::time::Duration;

/// The most time between two joins, and before the first: what a server keeps at hand for a moment may hide a fault.
const JITTER_MAX: Duration = Duration::from_millis(400);
/// The most handshakes of one repetition.
const TRIES_MAX: u32 = 1_000_000;
/// The most handshakes that are compared.
const KEPT_MAX: usize = 100_000;

/// Repeats handshakes; returns the counts, and the first handshake that failed.
pub(super) fn repeat(
    runner: &mut HandshakeRunner<'_>,
    environment: &mut dyn Environment,
    repeat: RepeatSpec,
    on_step: &mut dyn FnMut(&str),
) -> (Repeated, Option<Timeline>) {
    let spec = runner.spec;
    let until = match repeat {
        RepeatSpec::Times(_) => None,
        RepeatSpec::UntilFailure(at_most) => Some(environment.now() + at_most),
    };
    let tries_max = match repeat {
        RepeatSpec::Times(times) => times,
        RepeatSpec::UntilFailure(_) => TRIES_MAX,
    };
    let mut repeated = Repeated::default();
    let mut first = None;
    let (mut series, mut dialled) = (vec![], None);
    for index in 0..tries_max {
        if until.is_some_and(|until| until <= environment.now()) {
            break;
        }
        let begins = jittered(spec.seed, index.into(), spec.sizes.last().copied().unwrap_or(2));
        let timeline = runner.play(environment, Variation::with_begins(spec, begins), &mut |_| {});
        repeated.tries += 1;
        if series.len() < KEPT_MAX {
            series.push(SeriesHandshake::of(&timeline, &runner.words, &mut dialled));
        }
        if timeline.opened() == timeline.planned() {
            repeated.opened += 1;
            continue;
        }
        let name = timeline.worst_edge().map_or("unknown", |(_, _, failure)| failure.phase.name());
        *repeated.stopped.entry(name.to_owned()).or_default() += 1;
        on_step(&format!("try {} stopped in {name}", repeated.tries));
        first.get_or_insert(timeline);
        if until.is_some() {
            break;
        }
    }
    repeated.in_common = in_common(&series, &runner.words);
    (repeated, first)
}

/// Begins of `size` peers, each drawn from 0 to `JITTER_MAX` after the one before, and the first after the start; `index`
/// counts the tries.
fn jittered(seed: Seed, index: u64, size: u16) -> Vec<Duration> {
    let mut draws = seed.stream("probe", index);
    let mut at = Duration::ZERO;
    let longest = JITTER_MAX.as_micros() as u64;
    let begin = |_| {
        at += Duration::from_micros(draws.random_range(0..=longest));
        at
    };
    (0..size).map(begin).collect()
}
