//! The three known remedies (protocol.md), tried against the target as it is.

use super::frames::{self, Address};
use super::handshake_runner::{HandshakeRunner, steady};
use super::raw_connections::RawConnections;
use super::report::Remedy;
use super::spec::EXPERIMENTS_SPEAK;
use crate::diagnosis::{CheckedMessage, TrialOutcome};
use crate::vocabulary::options::Trigger;
use std::time::Duration;

/// Long enough for a subscription that is late to be in force.
const SETTLE: Duration = Duration::from_millis(1_500);

pub fn try_all(
    runner: &mut HandshakeRunner<'_>,
    raw: &mut RawConnections<'_>,
    tell: &mut dyn FnMut(&str),
) -> Vec<Remedy> {
    let mut remedies = vec![];
    if runner.order.dialect.name() == EXPERIMENTS_SPEAK {
        tell("remedy: one channel for all room messages");
        remedies.push(one_channel(raw));
    }
    tell("remedy: settle before peer-ready");
    let name = format!("settle {SETTLE:?} before peer-ready");
    remedies.push(played(runner, raw, name, runner.order.trigger, SETTLE));
    tell("remedy: start from user-joined-room");
    let name = "start from user-joined-room instead of peer-ready".to_owned();
    remedies.push(played(runner, raw, name, Trigger::UserJoinedRoom, runner.order.settle));
    remedies
}

/// Says peer-ready on the rooms channel, to a connection that is as fresh as a newcomer's.
fn one_channel(raw: &mut RawConnections<'_>) -> Remedy {
    let heard = raw.fresh().and_then(|line| {
        raw.subscribe(line);
        raw.enter(line);
        let haste = raw.haste();
        raw.ping(line, haste);
        let address: Address = raw.address();
        raw.environment.say(raw.sender, frames::frame_on(frames::ROOMS, CheckedMessage::Ready, &address));
        let patience = raw.patience();
        let heard = raw.listen(line, patience, |text| frames::recognise(text, &address));
        raw.environment.hang_up(line);
        heard
    });
    let worked =
        matches!(&heard, Some(((CheckedMessage::Ready, TrialOutcome::Renamed(name)), _)) if name == frames::ROOMS);
    let detail = match worked {
        true => "peer-ready, said on the rooms channel, reaches a connection that has just subscribed",
        false => "peer-ready does not arrive on the rooms channel either",
    };
    Remedy { remedy: "one channel for all room messages".to_owned(), worked, detail: detail.to_owned() }
}

fn played(
    runner: &mut HandshakeRunner<'_>,
    raw: &mut RawConnections<'_>,
    remedy: String,
    trigger: Trigger,
    settle: Duration,
) -> Remedy {
    let timeline = runner.play(raw, &steady(2), trigger, settle, &mut |_| {});
    let worked = timeline.opened() == timeline.planned();
    let detail = match timeline.worst_edge() {
        _ if worked => "the channel opened".to_owned(),
        Some((_, _, failure)) => format!("no channel: {failure}"),
        None => "no channel".to_owned(),
    };
    Remedy { remedy, worked, detail }
}
