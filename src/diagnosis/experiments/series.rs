//! Handshakes in series: how many failed, and what the failed ones have in common.

use super::super::timeline::Timeline;
use super::super::words::Words;
use crate::vocabulary::format::{duration, micros, plural};
use crate::vocabulary::{Event, EventKind, FrameKind, PeerEvent, Phase, Seat};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// One handshake of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeriesHandshake {
    /// The phase in which it stopped; `None` if every channel opened.
    pub stopped: Option<Phase>,
    /// No peer had heard of any other.
    pub is_deaf: bool,
    /// The ages of its connections at the first message of their joins, least and most.
    pub join_ages: Option<(Duration, Duration)>,
    /// The longest time before one of its dials in which the probe had dialled nothing; `None` for the first dial.
    pub pause: Option<Duration>,
}

impl SeriesHandshake {
    /// `dialled`: the last dial before it, which becomes its own last one.
    pub fn of(timeline: &Timeline, words: &Words, dialled: &mut Option<Instant>) -> Self {
        let is_open = timeline.opened() == timeline.planned();
        let stopped = timeline.worst_edge().map_or(Phase::Connect, |(_, _, failure)| failure.phase);
        let ages = || timeline.seats().filter_map(|seat| join_age(timeline, words, seat));
        let mut pause = None;
        for event in timeline.events() {
            if matches!(event.kind, EventKind::Peer(PeerEvent::Began { .. })) {
                pause = pause.max(dialled.map(|before| event.at.saturating_duration_since(before)));
                *dialled = Some(event.at);
            }
        }
        Self {
            stopped: (!is_open).then_some(stopped),
            is_deaf: timeline.directions().all(|(own, other)| timeline.met(own, other).is_none()),
            join_ages: ages().min().zip(ages().max()),
            pause,
        }
    }
}

/// The age of a peer's connection when it said the first message of its join.
fn join_age(timeline: &Timeline, words: &Words, seat: Seat) -> Option<Duration> {
    let first: FrameKind = *words.join.first()?;
    let is_join = |event: &&Event| {
        event.place.seat == seat && matches!(event.kind, EventKind::Peer(PeerEvent::Said { kind, .. }) if kind == first)
    };
    let said = timeline.events().iter().find(is_join)?.at;
    Some(said.saturating_duration_since(timeline.upgraded_at(seat)?))
}

/// The number of failed handshakes with their phases, and what they have in common; nothing if none failed.
pub fn in_common(series: &[SeriesHandshake], words: &Words) -> Vec<String> {
    let (failed, opened): (Vec<_>, Vec<_>) = series.iter().copied().partition(|play| play.stopped.is_some());
    if failed.is_empty() {
        return vec![];
    }
    let mut phases = BTreeMap::<Phase, usize>::new();
    failed.iter().filter_map(|play| play.stopped).for_each(|phase| *phases.entry(phase).or_default() += 1);
    let phases: Vec<String> = phases.iter().map(|(phase, count)| format!("{count} in {}", phase.name())).collect();
    let share =
        format!("{} of {} failed: {}.", failed.len(), plural(series.len() as u64, "handshake"), phases.join(", "));
    let deaf: Vec<_> = failed.iter().copied().filter(|play| play.is_deaf).collect();
    [Some(share), young(&deaf, &failed, &opened, words), paused(&failed, &opened)].into_iter().flatten().collect()
}

/// Joins on young connections that came to nothing.
fn young(
    deaf: &[SeriesHandshake],
    failed: &[SeriesHandshake],
    opened: &[SeriesHandshake],
    words: &Words,
) -> Option<String> {
    let range = |plays: &[SeriesHandshake]| {
        let ages = || plays.iter().filter_map(|play| play.join_ages);
        let least = ages().map(|(least, _)| least).min()?;
        Some(format!("{} to {}", time(least), time(ages().map(|(_, most)| most).max()?)))
    };
    let (in_failed, join) = (range(deaf)?, words.join_in_words());
    let all = if deaf.len() == failed.len() { "each of them".to_owned() } else { format!("{} of them", deaf.len()) };
    let others = range(opened).map_or(String::new(), |ages| format!("; where it worked, {ages} after it"));
    Some(format!(
        "In {all} no peer had heard of any other; {join} had been said {in_failed} after the connection was up{others}."
    ))
}

/// A pause before a dial that each failed handshake had and no other: what a server has at hand for a while hides a fault.
fn paused(failed: &[SeriesHandshake], opened: &[SeriesHandshake]) -> Option<String> {
    let shortest = failed.iter().map(|play| play.pause).min()??;
    let longest = opened.iter().filter_map(|play| play.pause).max()?;
    (longest < shortest).then(|| {
        format!(
            "Each of them had a dial {} or more after the last one, and where it worked none came later than {}.",
            time(shortest),
            time(longest)
        )
    })
}

fn time(time: Duration) -> String {
    duration(micros(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn play(stopped: Option<Phase>, is_deaf: bool, join_ms: u64, pause_ms: u64) -> SeriesHandshake {
        let age = Duration::from_millis(join_ms);
        SeriesHandshake { stopped, is_deaf, join_ages: Some((age, age)), pause: Some(Duration::from_millis(pause_ms)) }
    }

    fn check(series: &[SeriesHandshake], expected: &[&str]) {
        let mut words = Words::by_name(&["join"]);
        words.join = vec![FrameKind(0)];
        assert_eq!(in_common(series, &words), expected);
    }

    #[test]
    fn what_the_failed_ones_have_in_common_is_told_beside_the_others() {
        let (discovery, ice) = (Some(Phase::Discovery), Some(Phase::Ice));
        let works = play(None, false, 2, 140);
        check(&[works, works], &[]);
        check(
            &[works, play(discovery, true, 1, 160), play(discovery, true, 3, 400)],
            &[
                "2 of 3 handshakes failed: 2 in discovery.",
                "In each of them no peer had heard of any other; `join` had been said 1.00 ms to 3.00 ms after the \
                 connection was up; where it worked, 2.00 ms to 2.00 ms after it.",
                "Each of them had a dial 160 ms or more after the last one, and where it worked none came later than \
                 140 ms.",
            ],
        );
        // One has failed after a short pause: the pause is not what they have in common.
        check(
            &[works, play(discovery, true, 1, 100), play(ice, false, 1, 400)],
            &[
                "2 of 3 handshakes failed: 1 in discovery, 1 in ice.",
                "In 1 of them no peer had heard of any other; `join` had been said 1.00 ms to 1.00 ms after the \
                 connection was up; where it worked, 2.00 ms to 2.00 ms after it.",
            ],
        );
        check(&[play(ice, false, 1, 9)], &["1 of 1 handshake failed: 1 in ice."]);
    }
}
