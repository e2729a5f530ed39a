//! The three known remedies of a server's timing and channel faults, each tried against the target.

use super::experiments::frames::{self, Address};
use super::experiments::raw_connections::RawConnections;
use super::handshake_runner::{HandshakeRunner, steady};
use super::report::Remedy;
use super::spec::EXPERIMENTS_DIALECT;
use crate::diagnosis::{CheckedMessage, TrialOutcome};
use crate::vocabulary::Trigger;
use std::time::Duration;

/// The pause of the settle remedy: longer than a late subscription takes to be in force.
const SETTLE: Duration = Duration::from_millis(1_500);

/// Tries each remedy with fresh connections.
pub(super) fn try_all(
    runner: &mut HandshakeRunner<'_>,
    raw: &mut RawConnections<'_>,
    on_step: &mut dyn FnMut(&str),
) -> Vec<Remedy> {
    let mut remedies = vec![];
    if runner.spec.dialect.name() == EXPERIMENTS_DIALECT {
        on_step("remedy: one channel for all room messages");
        remedies.push(one_channel(raw));
    }
    on_step("remedy: settle before peer-ready");
    let name = format!("settle {SETTLE:?} before peer-ready");
    remedies.push(with_handshake(runner, raw, name, runner.spec.trigger, SETTLE));
    on_step("remedy: start from user-joined-room");
    let name = "start from user-joined-room instead of peer-ready".to_owned();
    remedies.push(with_handshake(runner, raw, name, Trigger::UserJoinedRoom, runner.spec.settle));
    remedies
}

/// Sends `peer-ready` on the rooms channel to a fresh connection, which is like that of a peer that has just joined.
fn one_channel(raw: &mut RawConnections<'_>) -> Remedy {
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

/// Tries a handshake of two peers with another trigger or settle pause.
fn with_handshake(
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
