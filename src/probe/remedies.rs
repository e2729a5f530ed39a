//! Known remedies of a server's timing and channel faults, each tried against the target.

use super::environment::Environment;
use super::experiments::frames::{self, Address};
use super::experiments::raw_connections::RawConnections;
use super::handshake_runner::{HandshakeRunner, Variation};
use super::report::Remedy;
use super::spec::OFFER_AGAIN;
use crate::diagnosis::{CheckedMessage, TrialOutcome};
use crate::dialect::Trial;
use crate::vocabulary::Trigger;
use std::time::Duration;

/// The pause before a word: longer than a late subscription takes to be in force.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Tries each remedy that is a handshake.
pub(super) fn try_all(
    runner: &mut HandshakeRunner<'_>,
    environment: &mut dyn Environment,
    on_step: &mut dyn FnMut(&str),
) -> Vec<Remedy> {
    let spec = runner.spec;
    let variation = || Variation::steady(spec, 2);
    let mut tries: Vec<(String, Variation)> = vec![];
    if spec.dialect.reads_trigger() {
        let settled = Variation { settle: SETTLE, ..variation() };
        tries.push((format!("settle {SETTLE:?} before peer-ready"), settled));
        let triggered = Variation { trigger: Trigger::UserJoinedRoom, ..variation() };
        tries.push(("start from user-joined-room instead of peer-ready".to_owned(), triggered));
    } else {
        let before = match runner.words.join_in_words() {
            join if join.is_empty() => "the first offer".to_owned(),
            join => join,
        };
        let trial = Trial { join_wait: SETTLE, ..Trial::default() };
        tries.push((format!("wait {SETTLE:?} before {before}"), Variation { trial, more: SETTLE, ..variation() }));
        let again = Trial { join_again: None, ..spec.dialect.repeats(SETTLE, OFFER_AGAIN) };
        if let Some(pause) = again.offer_again {
            let name = format!("say an offer again that is unanswered after {pause:?}");
            tries.push((name, Variation { trial: again, more: pause, ..variation() }));
        }
    }
    tries
        .into_iter()
        .map(|(name, variation)| {
            on_step(&format!("remedy: {name}"));
            with_handshake(runner, environment, name, variation)
        })
        .collect()
}

/// Sends `peer-ready` on the rooms channel to a fresh connection, which is like that of a peer that has just joined.
pub(super) fn one_channel(raw: &mut RawConnections<'_>, on_step: &mut dyn FnMut(&str)) -> Remedy {
    on_step("remedy: one channel for all room messages");
    let received = raw.open_fresh().and_then(|line| {
        raw.subscribe(line);
        raw.join_room(line);
        let ping_max = raw.ping_max();
        raw.ping(line, ping_max);
        let address: Address = raw.address();
        raw.environment.send_text(raw.sender, frames::frame_on(frames::ROOMS, CheckedMessage::Ready, &address));
        let wait_max = raw.wait_max();
        let found = raw.wait_for(line, wait_max, |text| frames::recognise(text, &address));
        raw.environment.close_connection(line);
        found
    });
    let worked =
        matches!(&received, Some(((CheckedMessage::Ready, TrialOutcome::Renamed(name)), _)) if name == frames::ROOMS);
    let detail = match worked {
        true => "peer-ready, said on the rooms channel, reaches a connection that has just subscribed",
        false => "peer-ready does not arrive on the rooms channel either",
    };
    Remedy { remedy: "one channel for all room messages".to_owned(), worked, detail: detail.to_owned() }
}

/// Tries a handshake of two peers.
fn with_handshake(
    runner: &mut HandshakeRunner<'_>,
    environment: &mut dyn Environment,
    remedy: String,
    variation: Variation,
) -> Remedy {
    let timeline = runner.play(environment, variation, &mut |_| {});
    let worked = timeline.opened() == timeline.planned();
    let detail = match timeline.worst_edge() {
        _ if worked => "the channel opened".to_owned(),
        Some((_, _, failure)) => format!("no channel: {failure}"),
        None => "no channel".to_owned(),
    };
    Remedy { remedy, worked, detail }
}
