//! The experiments that tell causes apart, with raw connections, cheapest first.

pub(super) mod frames;
pub(super) mod raw_connections;

use crate::diagnosis::{CheckedMessage, DeliveryCheck, Experiments, Fanout, RosterTrial};
use raw_connections::RawConnections;
use std::time::Duration;

/// The pause between a repeated subscription and its test.
const SUBSCRIBED_AGAIN: Duration = Duration::from_millis(400);
/// The time within which a server sends a changed list of rooms, if it does at all.
const LISTED: Duration = Duration::from_millis(600);
/// Silent connections of the fan-out experiment.
const OBSERVERS: u32 = 20;
/// Deliveries that the fan-out experiment times.
const DELIVERIES: u32 = 5;
/// With a fastest delivery above this, most of the time is the network's.
const FAR: Duration = Duration::from_millis(30);
/// Deliveries to time with a target that is `FAR`.
const DELIVERIES_FROM_AFAR: u32 = 12;

/// Tests aged connections, and fresh ones if room messages arrive between the aged ones.
pub(super) fn trials(raw: &mut RawConnections<'_>) -> Experiments {
    raw.wait_until_aged();
    let (sender, receiver) = (raw.sender, raw.receiver);
    raw.join_room(receiver);
    let ping_max = raw.ping_max();
    raw.ping(receiver, ping_max);
    let mut trials = Experiments {
        aged: raw.deliveries(sender, receiver, &CheckedMessage::ALL),
        ping_aged: raw.answers_pings(),
        ..Experiments::default()
    };
    let loses_joined = trials.aged.lost(CheckedMessage::Joined);
    trials.listed = if loses_joined { listed(raw) } else { None };
    if !trials.aged.chat_arrives() || loses_joined || !trials.aged.signaling_arrives() {
        raw.subscribe(receiver);
        raw.join_room(receiver);
        raw.wait_for(receiver, SUBSCRIBED_AGAIN, |_| None::<()>);
        trials.again = Some(raw.deliveries(sender, receiver, &CheckedMessage::ALL));
    }
    if trials.aged.chat_arrives() {
        // Messages that are lost between aged connections are not waited for again.
        let wanted: Vec<CheckedMessage> =
            CheckedMessage::ALL.into_iter().filter(|word| !trials.aged.lost(*word)).collect();
        trials.fresh_sender = fresh_sender(raw, &wanted);
        let (fresh_receiver, ping) = fresh_receiver(raw, &wanted);
        trials.fresh_receiver = fresh_receiver;
        trials.ping_fresh = ping;
    }
    trials
}

/// Tells if the server lists the room; `None` if it sends no list.
fn listed(raw: &mut RawConnections<'_>) -> Option<bool> {
    let (line, room, wait_max) = (raw.sender, raw.room.clone(), raw.wait_max());
    let requester = raw.address().from;
    raw.environment.send_text(line, frames::room_list_request(&requester));
    raw.wait_for(line, wait_max, |text| frames::shows_room(text, &room)).map(|(listed, _)| listed)
}

/// Tests deliveries from a connection that has just subscribed.
fn fresh_sender(raw: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> Option<DeliveryCheck> {
    let line = raw.open_fresh()?;
    raw.subscribe(line);
    let deliveries = raw.deliveries(line, raw.receiver, wanted);
    raw.environment.close_connection(line);
    Some(deliveries)
}

/// Tests deliveries to a connection that has just subscribed, and if it answered a ping before: the answer shows that
/// the server has read the subscriptions. A server that answers too late gets a second try with more time.
fn fresh_receiver(raw: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> (Option<DeliveryCheck>, Option<bool>) {
    let mut ping_max = raw.ping_max();
    let mut last = (None, None);
    for _ in 0..2 {
        let Some(line) = raw.open_fresh() else { return last };
        raw.subscribe(line);
        raw.join_room(line);
        let answered = raw.ping(line, ping_max).is_some();
        let deliveries = raw.deliveries(raw.sender, line, wanted);
        let is_late = !answered && raw.ping(line, ping_max).is_some();
        raw.environment.close_connection(line);
        let arrives = deliveries.chat_arrives();
        last = (Some(deliveries), Some(answered));
        if arrives || answered || !is_late {
            return last;
        }
        ping_max *= 4;
    }
    last
}

/// Tests if a list of rooms still shows a user whose connection closed without a leave message.
pub(super) fn roster(raw: &mut RawConnections<'_>) -> Option<RosterTrial> {
    let (watcher, room) = (raw.sender, raw.room.clone());
    raw.join_room(watcher);
    let address = raw.address();
    let leaver = raw.open_fresh()?;
    raw.subscribe(leaver);
    raw.environment.send_text(leaver, frames::room_created(&room, &address.from));
    raw.environment.send_text(leaver, frames::frame(CheckedMessage::Joined, &address));
    let shows =
        |text: &str, wanted: bool| frames::shows_user(text, &room, &address.from).filter(|shown| *shown == wanted);
    let listed = raw.wait_for(watcher, LISTED, |text| shows(text, true)).is_some();
    raw.environment.close_connection(leaver);
    if !listed {
        return Some(RosterTrial { listed, lingers: false });
    }
    let gone = raw.wait_for(watcher, LISTED, |text| shows(text, false)).is_some();
    let lingers = !gone && {
        raw.environment.send_text(watcher, frames::room_list_request(&address.from));
        raw.wait_for(watcher, LISTED, |text| frames::shows_user(text, &room, &address.from))
            .is_some_and(|(shown, _)| shown)
    };
    Some(RosterTrial { listed, lingers })
}

/// Times deliveries without and with silent observers in the room.
pub(super) fn fanout(raw: &mut RawConnections<'_>) -> Option<Fanout> {
    let receiver = raw.receiver;
    raw.join_room(receiver);
    raw.join_room(raw.sender);
    let ping_max = raw.ping_max();
    raw.ping(receiver, ping_max);
    let alone = delivery_times(raw);
    let observers = raw.open_many(OBSERVERS);
    for line in &observers {
        raw.subscribe(*line);
        raw.join_room(*line);
    }
    for line in &observers {
        raw.ping(*line, ping_max);
    }
    let observed = delivery_times(raw);
    for line in &observers {
        raw.environment.close_connection(*line);
    }
    let was_timed = !alone.is_empty() && !observed.is_empty();
    was_timed.then_some(Fanout { observers: observers.len() as u32, alone, observed })
}

/// Times several deliveries; more of them if the target is `FAR`, where the network varies by more than a server adds.
fn delivery_times(raw: &mut RawConnections<'_>) -> Vec<Duration> {
    let delivery = |raw: &mut RawConnections<'_>| {
        let address = raw.address();
        let began = raw.environment.now();
        raw.environment.send_text(raw.sender, frames::frame(CheckedMessage::Ready, &address));
        let wait_max = raw.wait_max();
        let (_, at) = raw.wait_for(raw.receiver, wait_max, |text| frames::recognise(text, &address))?;
        Some(at.saturating_duration_since(began))
    };
    let mut times: Vec<Duration> = (0..DELIVERIES).filter_map(|_| delivery(raw)).collect();
    if times.iter().min().is_some_and(|fastest| *fastest > FAR) {
        times.extend((DELIVERIES..DELIVERIES_FROM_AFAR).filter_map(|_| delivery(raw)));
    }
    times
}
