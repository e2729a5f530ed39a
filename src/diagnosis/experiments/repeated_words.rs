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

/// The cause that the experiment shows: a word that had no effect, and the same word that had one later.
pub(in crate::diagnosis) fn judge(timeline: &Timeline, words: &Words) -> Option<Insight> {
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
        (second <= heard).then(|| Insight::high(Cause::LostFirstOffer, evidence))
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
