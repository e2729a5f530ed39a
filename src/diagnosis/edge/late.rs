//! Words that may still be on their way when a handshake ends.

use super::super::cause::Insight;
use super::super::timeline::Timeline;
use super::delivery_index::{DeliveryIndex, SeenWorking};
use crate::vocabulary::format::{duration, micros};
use crate::vocabulary::{EdgeEvent, EventKind, Failure, Phase, Reason, Seat, SignalPart};
use std::time::{Duration, Instant};

/// Deliveries that a handshake waits for one after the other: of an announcement, an offer and its answer.
const CHAIN: u32 = 3;
/// Quicker deliveries are not slow, however little time a handshake had.
const SLOW_MIN: Duration = Duration::from_millis(50);

/// A failure that shows no loss: the handshake had too little time for its deliveries, or its last word was said so
/// shortly before its end that others took longer to arrive.
pub(super) fn judge(
    index: &DeliveryIndex<'_>,
    seen: &SeenWorking,
    edge: (Seat, Seat),
    failure: &Failure,
) -> Option<Insight> {
    let is_cut = matches!(failure.reason, Reason::TimedOut | Reason::IceFailed);
    let waits_for_words = (Phase::Discovery..=Phase::Ice).contains(&failure.phase);
    if !is_cut || !waits_for_words {
        return None;
    }
    let slow = || slow(index, edge).filter(|_| failure.reason == Reason::TimedOut);
    let insight = slow().or_else(|| on_its_way(index.timeline, seen.slowest?, edge))?;
    Some(insight.and("A longer --timeout tells late words from lost ones."))
}

fn slow(index: &DeliveryIndex<'_>, edge: (Seat, Seat)) -> Option<Insight> {
    let fastest = index.deliveries.map(|times| times.fastest).filter(|fastest| *fastest >= SLOW_MIN)?;
    let had = index.timeline.lasted(edge)?;
    (CHAIN * fastest >= had.mul_f64(0.9)).then(|| {
        let (fastest, had) = (duration(micros(fastest)), duration(micros(had)));
        Insight::unknown(format!("Even the fastest delivery took {fastest}, and the handshake had {had}."))
            .and("An announcement, an offer and its answer come one after the other.")
    })
}

/// The offer or answer that was said and did not arrive, if others took longer than it had until the edge failed.
fn on_its_way(timeline: &Timeline, slowest: Duration, (one, two): (Seat, Seat)) -> Option<Insight> {
    let is_of_edge = |own: Seat, other: Seat| [(one, two), (two, one)].contains(&(own, other));
    let (mut lost, mut failed) = (None, None);
    for event in timeline.events() {
        let EventKind::Edge { other, event: what } = &event.kind else { continue };
        let own = event.place.seat;
        match what {
            EdgeEvent::Signal { said: true, part: part @ (SignalPart::Offer | SignalPart::Answer), .. }
                if is_of_edge(own, *other) && timeline.unheard(own, *other, *part) > 0 =>
            {
                lost = Some((event.at, own, *other, *part));
            }
            EdgeEvent::Failed { .. } if is_of_edge(own, *other) => failed = failed.or(Some(event.at)),
            _ => {}
        }
    }
    let (at, own, other, part): (Instant, _, _, _) = lost?;
    let had = failed?.saturating_duration_since(at);
    (slowest >= SLOW_MIN && had <= slowest).then(|| {
        let what = if part == SignalPart::Offer { "offer" } else { "answer" };
        let (had, slowest) = (duration(micros(had)), duration(micros(slowest)));
        let (own, other) = (timeline.number(own), timeline.number(other));
        Insight::unknown(format!(
            "The {what} of peer {own} to peer {other} was said {had} before the edge failed, and another word took {slowest} to \
             arrive: it may be on its way."
        ))
    })
}
