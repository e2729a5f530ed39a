//! The experiment of any dialect: a newcomer meets a host that has long been there, and says its words again later.

use super::cause::{Cause, Confidence};
use super::decide::SupportedCause;
use super::timeline::Timeline;
use super::words::Words;
use crate::vocabulary::{Concern, EdgeEvent, Event, EventKind, FrameKind, PeerEvent, Seat, SignalPart};
use std::time::Instant;

const HOST: Seat = Seat(0);
const NEWCOMER: Seat = Seat(1);

/// A handshake of two. The host says its join, and again once its connection is aged; only then the newcomer comes, and
/// does the same. An offer without an answer is said again, too.
#[derive(Clone, Debug)]
pub struct RepeatTrial {
    pub timeline: Timeline,
}

/// A message of the newcomer, said twice.
struct SaidTwice {
    /// Time from the open connection to the first, in ms.
    after_ms: f64,
    first: Instant,
    second: Instant,
}

impl RepeatTrial {
    /// The cause that the experiment shows: a word that had no effect, and the same word that had one later.
    pub(super) fn judge(&self, words: &Words) -> Option<SupportedCause> {
        let timeline = &self.timeline;
        let opened = timeline.opened() == timeline.planned();
        match self.join_twice(words) {
            Some(join) if opened => self.young(&join, words),
            _ => self.offer_twice(words).filter(|_| opened),
        }
    }

    /// The newcomer's join had an effect only when it was said again.
    fn young(&self, join: &SaidTwice, words: &Words) -> Option<SupportedCause> {
        let is_early = |at: Option<Instant>| at.is_some_and(|at| at < join.second);
        let (host_heard, newcomer_heard) = (self.heard(HOST, NEWCOMER), self.heard(NEWCOMER, HOST));
        let name = words.join_in_words();
        let later_s = join.second.saturating_duration_since(join.first).as_secs_f64();
        let aged = "The other peer had been there for over 1.5 s, and had said its own again.".to_owned();
        if is_early(newcomer_heard) {
            return self.offer_twice(words);
        }
        if is_early(host_heard) {
            let evidence = vec![
                format!(
                    "{name}, said {:.0} ms after the connection was up, reached the other peer; nothing that it said \
                     then reached the newcomer, and after the same {name} {later_s:.1} s later it did.",
                    join.after_ms
                ),
                aged,
            ];
            return Some(SupportedCause { cause: Cause::Timing, confidence: Confidence::High, evidence });
        }
        let evidence = vec![
            format!(
                "{name}, said {:.0} ms after the connection was up, had no effect; the same {name}, said {later_s:.1} s \
                 later on the same connection, had.",
                join.after_ms
            ),
            aged,
        ];
        Some(SupportedCause { cause: Cause::Connection, confidence: Confidence::High, evidence })
    }

    /// The outcome of an experiment that shows no cause.
    pub(super) fn without_result(&self, words: &Words) -> String {
        let join = words.join_in_words();
        let opened = self.timeline.opened() == self.timeline.planned();
        match (opened, self.join_twice(words)) {
            (true, _) => "With a peer that had been there for 1.5 s it works: it may fail only sometimes; --times tells \
                          how often."
                .to_owned(),
            (false, Some(_)) if self.heard(HOST, NEWCOMER).is_none() && self.heard(NEWCOMER, HOST).is_none() => {
                format!("It had no effect either when a peer said {join} again after 1.5 s on the same connection.")
            }
            (false, _) => "With a peer that had been there for 1.5 s it fails, too.".to_owned(),
        }
    }

    /// The newcomer's join, if it was said again.
    fn join_twice(&self, words: &Words) -> Option<SaidTwice> {
        let first_kind = *words.join.first()?;
        let said = self.said(NEWCOMER, first_kind, None);
        let up = self.timeline.upgraded_at(NEWCOMER)?;
        let [first, second, ..] = said[..] else { return None };
        Some(SaidTwice { after_ms: first.saturating_duration_since(up).as_secs_f64() * 1e3, first, second })
    }

    /// An offer was lost, and the same offer arrived when it was said again.
    fn offer_twice(&self, words: &Words) -> Option<SupportedCause> {
        [(HOST, NEWCOMER), (NEWCOMER, HOST)].into_iter().find_map(|(from, to)| {
            let name = words.signal(SignalPart::Offer);
            let kind = FrameKind::named(&words.names().iter().map(String::as_str).collect::<Vec<_>>(), &[name]);
            let [first, second, ..] = self.said(from, *kind.first()?, Some(to))[..] else { return None };
            let is_offer = |event: &&Event| {
                let part = SignalPart::Offer;
                event.place.seat == to
                    && matches!(event.kind, EventKind::Edge { other, event: EdgeEvent::Signal { said: false, part: heard, .. } } if other == from && heard == part)
            };
            let heard = self.timeline.events().iter().find(is_offer)?.at;
            let later_s = second.saturating_duration_since(first).as_secs_f64();
            (second <= heard).then(|| SupportedCause {
                cause: Cause::LostFirstOffer,
                confidence: Confidence::High,
                evidence: vec![format!(
                    "The first `{name}` of peer {} to peer {} never arrived; the same one, said {later_s:.1} s later, did.",
                    from.0, to.0
                )],
            })
        })
    }

    /// The times at which `own` said a message of that type.
    fn said(&self, own: Seat, wanted: FrameKind, addressee: Option<Seat>) -> Vec<Instant> {
        let said = |event: &&Event| {
            event.place.seat == own
                && matches!(event.kind, EventKind::Peer(PeerEvent::Said { kind, to, .. }) if kind == wanted && to == addressee)
        };
        self.timeline.events().iter().filter(said).map(|event| event.at).collect()
    }

    /// The time at which `own` first received something of or about `other`.
    fn heard(&self, own: Seat, other: Seat) -> Option<Instant> {
        let is_heard = |event: &&Event| {
            event.place.seat == own
                && match event.kind {
                    EventKind::Peer(PeerEvent::Frame { concern: Concern::Me { from: Some(from) }, .. }) => from == other,
                    EventKind::Edge { other: met, event: EdgeEvent::Met } => met == other,
                    _ => false,
                }
        };
        self.timeline.events().iter().find(is_heard).map(|event| event.at)
    }
}
