//! For what fails only sometimes: fresh handshakes with jittered joins, until one fails or enough have opened.

use super::cast::Cast;
use super::lab::Lab;
use super::order::Repeat;
use super::report::Repeated;
use crate::diagnosis::Story;
use crate::vocabulary::seed::Seed;
use rand::RngExt;
use std::time::Duration;

/// The longest that a peer joins after the one before it.
const JITTER_MAX: Duration = Duration::from_millis(400);
/// However fast they are, there is an end.
const TRIES_MAX: u32 = 1_000_000;

/// What came of it, and the first handshake that failed.
pub fn repeat(
    cast: &mut Cast<'_>,
    lab: &mut Lab<'_>,
    repeat: Repeat,
    tell: &mut dyn FnMut(&str),
) -> (Repeated, Option<Story>) {
    let order = cast.order;
    let until = match repeat {
        Repeat::Times(_) => None,
        Repeat::UntilFailure(at_most) => Some(lab.world.now() + at_most),
    };
    let tries_max = match repeat {
        Repeat::Times(times) => times,
        Repeat::UntilFailure(_) => TRIES_MAX,
    };
    let mut repeated = Repeated::default();
    let mut first = None;
    for index in 0..tries_max {
        if until.is_some_and(|until| until <= lab.world.now()) {
            break;
        }
        let begins = jittered(order.seed, index.into(), order.sizes.last().copied().unwrap_or(2));
        let story = cast.play(lab, &begins, order.trigger, order.settle, &mut |_| {});
        repeated.tries += 1;
        if story.opened() == story.planned() {
            repeated.opened += 1;
            continue;
        }
        let phase = story.worst_edge().map(|(_, _, failure)| failure.phase);
        let phase = phase.or_else(|| story.peer_failure().map(|(_, failure)| failure.phase));
        let name = phase.map_or("unknown", |phase| phase.name());
        *repeated.stopped.entry(name.to_owned()).or_default() += 1;
        tell(&format!("try {} stopped in {name}", repeated.tries));
        first.get_or_insert(story);
        if until.is_some() {
            break;
        }
    }
    (repeated, first)
}

fn jittered(seed: Seed, index: u64, size: u16) -> Vec<Duration> {
    let mut draws = seed.stream("probe", index);
    let mut at = Duration::ZERO;
    let longest = JITTER_MAX.as_micros() as u64;
    let begin = |_| {
        let begin = at;
        at += Duration::from_micros(draws.random_range(0..=longest));
        begin
    };
    (0..size).map(begin).collect()
}
