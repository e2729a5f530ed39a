//! The experiment of any dialect, a handshake of two: the host says its join, and again once its connection is aged; only
//! then the newcomer comes, and does the same. An offer without an answer is said again, too.

use super::super::cause::{Cause, Insight};
use super::super::timeline::Timeline;
use super::super::words::Words;
use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, Seat, SignalPart};
use std::time::Instant;

const HOST: Seat = Seat(0);
const NEWCOMER: Seat = Seat(1);

/// A message of the newcomer, said twice.
struct SaidTwice {
    /// Time from the open connection to the first, in ms.
    after_ms: f64,
    first: Instant,
    second: Instant,
}

/// The cause that the experiment shows. Only the same outcome `confirmed` with longer pauses rules out words that are lost
/// at random, and such as arrive late by about the pause.
pub(in crate::diagnosis) fn judge(timeline: &Timeline, confirmed: Option<&Timeline>, words: &Words) -> Option<Insight> {
    let mut insight = shown(timeline, words)?;
    let differs = |again: &Timeline| shown(again, words).is_none_or(|again| again.causes != insight.causes);
    if confirmed.is_some_and(differs) {
        insight = Insight::unknown(insight.evidence.swap_remove(0)).and(
            "Done once more, with longer pauses, it came out otherwise: words may get lost, or come late, only sometimes; \
             --times tells how often.",
        );
    }
    Some(insight)
}

/// A word that had no effect, and the same word that had one later, while nothing else that was said from then on got lost.
fn shown(timeline: &Timeline, words: &Words) -> Option<Insight> {
    let opened = timeline.opened() == timeline.planned();
    match join_twice(timeline, words) {
        Some(join) if opened => young(timeline, &join, words),
        _ => offer_twice(timeline, words).filter(|_| opened),
    }
}

/// The newcomer's join had an effect only when it was said again.
fn young(timeline: &Timeline, join: &SaidTwice, words: &Words) -> Option<Insight> {
    let is_early = |at: Option<Instant>| at.is_some_and(|at| at < join.second);
    let (host_heard, newcomer_heard) = (heard(timeline, HOST, NEWCOMER), heard(timeline, NEWCOMER, HOST));
    let name = words.join_in_words();
    let later_s = join.second.saturating_duration_since(join.first).as_secs_f64();
    let aged = "The other peer had been there for over 1.5 s, and had said its own again.";
    if is_early(newcomer_heard) {
        return offer_twice(timeline, words);
    }
    if !arrives_from(timeline, join.second) {
        return None;
    }
    let (cause, evidence) = if is_early(host_heard) {
        let evidence = format!(
            "{name}, said {:.0} ms after the connection was up, reached the other peer; nothing that it said then \
             reached the newcomer, and after the same {name} {later_s:.1} s later it did.",
            join.after_ms
        );
        (Cause::Timing, evidence)
    } else {
        let evidence = format!(
            "{name}, said {:.0} ms after the connection was up, had no effect; the same {name}, said {later_s:.1} s \
             later on the same connection, had.",
            join.after_ms
        );
        (Cause::Connection, evidence)
    };
    Some(Insight::high(cause, evidence).and(aged))
}

/// The outcome of an experiment that shows no cause.
pub(in crate::diagnosis) fn without_result(timeline: &Timeline, words: &Words) -> String {
    let join = words.join_in_words();
    let opened = timeline.opened() == timeline.planned();
    match (opened, join_twice(timeline, words)) {
        (true, _) => "With a peer that had been there for 1.5 s it works: it may fail only sometimes; --times tells \
                      how often."
            .to_owned(),
        (false, Some(_)) if heard(timeline, HOST, NEWCOMER).is_none() && heard(timeline, NEWCOMER, HOST).is_none() => {
            format!("It had no effect either when a peer said {join} again after 1.5 s on the same connection.")
        }
        (false, _) => "With a peer that had been there for 1.5 s it fails, too.".to_owned(),
    }
}

/// The newcomer's join, if it was said again.
fn join_twice(timeline: &Timeline, words: &Words) -> Option<SaidTwice> {
    let first_kind = *words.join.first()?;
    let said = said(timeline, NEWCOMER, first_kind, None);
    let up = timeline.upgraded_at(NEWCOMER)?;
    let [first, second, ..] = said[..] else { return None };
    Some(SaidTwice { after_ms: first.saturating_duration_since(up).as_secs_f64() * 1e3, first, second })
}

/// An offer was lost, and the same offer arrived when it was said again.
fn offer_twice(timeline: &Timeline, words: &Words) -> Option<Insight> {
    [(HOST, NEWCOMER), (NEWCOMER, HOST)].into_iter().find_map(|(from, to)| {
        let name = words.signal(SignalPart::Offer);
        let kind = FrameKind::named(&words.names().iter().map(String::as_str).collect::<Vec<_>>(), &[name]);
        let [first, second, ..] = said(timeline, from, *kind.first()?, Some(to))[..] else { return None };
        let is_offer = |event: &&Event| {
            let part = SignalPart::Offer;
            event.place.seat == to
                && matches!(event.kind, EventKind::Edge { other, event: EdgeEvent::Signal { said: false, part: heard, .. } } if other == from && heard == part)
        };
        let heard = timeline.events().iter().find(is_offer)?.at;
        let later_s = second.saturating_duration_since(first).as_secs_f64();
        let evidence = format!(
            "The first `{name}` of peer {} to peer {} never arrived; the same one, said {later_s:.1} s later, did.",
            from.0, to.0
        );
        (second <= heard && arrives_from(timeline, second)).then(|| Insight::high(Cause::LostFirstOffer, evidence))
    })
}

/// True if each offer and answer that was said from then on arrived. Candidates may still be on their way when a channel
/// opens.
fn arrives_from(timeline: &Timeline, from: Instant) -> bool {
    let signals = |was_said: bool| {
        timeline.events().iter().filter_map(move |event| match &event.kind {
            EventKind::Edge { other, event: EdgeEvent::Signal { said, part, digest, .. } }
                if *said == was_said && matches!(part, SignalPart::Offer | SignalPart::Answer) =>
            {
                Some((event.at, event.place.seat, *other, *digest))
            }
            _ => None,
        })
    };
    signals(true).filter(|(at, ..)| *at >= from).all(|(_, own, other, digest)| {
        signals(false).any(|(_, hearer, teller, heard)| (hearer, teller, heard) == (other, own, digest))
    })
}

/// The times at which `own` said a message of that type.
fn said(timeline: &Timeline, own: Seat, wanted: FrameKind, addressee: Option<Seat>) -> Vec<Instant> {
    let said = |event: &&Event| {
        event.place.seat == own
            && matches!(event.kind, EventKind::Peer(PeerEvent::Said { kind, to, .. }) if kind == wanted && to == addressee)
    };
    timeline.events().iter().filter(said).map(|event| event.at).collect()
}

/// The time at which `own` first received something of or about `other`.
fn heard(timeline: &Timeline, own: Seat, other: Seat) -> Option<Instant> {
    let is_heard = |event: &&Event| {
        event.place.seat == own
            && match event.kind {
                EventKind::Peer(PeerEvent::Frame { concern: Concern::Me { from: Some(from) }, .. }) => from == other,
                EventKind::Edge { other: met, event: EdgeEvent::Met { .. } } => met == other,
                _ => false,
            }
    };
    timeline.events().iter().find(is_heard).map(|event| event.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{PeerIndex, Place, RoomIndex, Signal, SignalDigest};
    use std::time::Duration;

    const JOIN: FrameKind = FrameKind(0);

    /// A handshake of which the newcomer's joins were said and heard at these times, in ms; and then an answer was, or not.
    fn handshake(said_ms: [u64; 2], heard_ms: u64, is_answer_heard: bool) -> Timeline {
        let start = Instant::now();
        let mut timeline = Timeline::new(2, vec![JOIN]);
        let mut tell = |at_ms: u64, seat: u16, kind: EventKind| {
            let place = Place { room: RoomIndex(0), seat: Seat(seat), peer: PeerIndex(seat.into()) };
            timeline.record(&Event::new(start + Duration::from_millis(at_ms), place, kind));
        };
        for seat in [0, 1] {
            tell(0, seat, EventKind::Peer(PeerEvent::Began { due: start }));
            tell(0, seat, EventKind::Peer(PeerEvent::Upgraded));
        }
        let mut spoken: Vec<(u64, u16, EventKind)> =
            said_ms.map(|ms| (ms, 1, EventKind::Peer(PeerEvent::Said { kind: JOIN, bytes: 9, to: None }))).into();
        for (own, other) in [(0, 1), (1, 0)] {
            let concern = Concern::Me { from: Some(Seat(other)) };
            spoken.push((heard_ms, own, EventKind::Peer(PeerEvent::Frame { kind: JOIN, bytes: 9, concern })));
            spoken.push((heard_ms + 9, own, EdgeEvent::Open.to(Seat(other))));
        }
        let signal = |said| EdgeEvent::Signal {
            said,
            part: SignalPart::Answer,
            digest: SignalDigest::of(&Signal::EndOfCandidates),
            candidate: None,
        };
        spoken.push((heard_ms + 1, 0, signal(true).to(Seat(1))));
        spoken.extend(is_answer_heard.then(|| (heard_ms + 2, 1, signal(false).to(Seat(0)))));
        spoken.sort_by_key(|(at_ms, ..)| *at_ms);
        spoken.into_iter().for_each(|(at_ms, seat, kind)| tell(at_ms, seat, kind));
        timeline
    }

    #[test]
    fn only_what_comes_out_alike_twice_and_loses_nothing_else_is_sure() {
        let mut words = Words::by_name(&["join"]);
        words.join = vec![JOIN];
        let check = |first: Timeline, again: Option<Timeline>, expected: Option<Cause>| {
            let insight = judge(&first, again.as_ref(), &words);
            assert_eq!(insight.as_ref().map(Insight::cause), expected, "{insight:?}");
        };
        let lost_first = || handshake([1, 1_501], 1_503, true);
        check(lost_first(), None, Some(Cause::Connection));
        check(lost_first(), Some(handshake([1, 2_201], 2_203, true)), Some(Cause::Connection));
        // Words that come 1.5 s late, or are lost by chance.
        check(lost_first(), Some(handshake([1, 2_201], 1_503, true)), Some(Cause::Unknown));
        check(handshake([1, 1_501], 1_503, false), None, None);
    }
}
