//! The experiments of protocol.md's table, in the order in which they cost least.

use super::frames;
use super::raw_connections::RawConnections;
use crate::diagnosis::{CheckedMessage, DeliveryCheck, Experiments, Fanout, RosterTrial};
use std::time::Duration;

/// What a subscription said again gets before it is put to the test.
const SUBSCRIBED_AGAIN: Duration = Duration::from_millis(400);
/// A list that tells of a change is sent within this time, or not at all.
const LISTED: Duration = Duration::from_millis(600);
const OBSERVERS: u32 = 20;
const DELIVERIES: u32 = 5;
/// A delivery that takes longer than this is on the way for most of it.
const FAR: Duration = Duration::from_millis(30);
const DELIVERIES_FROM_AFAR: u32 = 12;

/// Runs the table: the fresh connections only if the aged ones are sound.
pub fn trials(raw: &mut RawConnections<'_>) -> Experiments {
    raw.age();
    let (sender, receiver) = (raw.sender, raw.receiver);
    raw.enter(receiver);
    let haste = raw.haste();
    raw.ping(receiver, haste);
    let mut trials = Experiments {
        aged: raw.deliveries(sender, receiver, &CheckedMessage::ALL),
        ping_aged: raw.is_answered(),
        ..Experiments::default()
    };
    trials.listed = listed(raw);
    let rooms_deaf = trials.aged.lost(CheckedMessage::Joined);
    if !trials.aged.chat_arrives() || rooms_deaf || !trials.aged.signaling_arrives() {
        raw.subscribe(receiver);
        raw.enter(receiver);
        raw.listen(receiver, SUBSCRIBED_AGAIN, |_| None::<()>);
        trials.again = Some(raw.deliveries(sender, receiver, &CheckedMessage::ALL));
    }
    if trials.aged.chat_arrives() {
        // What is lost between aged connections is not waited for again.
        let wanted: Vec<CheckedMessage> =
            CheckedMessage::ALL.into_iter().filter(|word| !trials.aged.lost(*word)).collect();
        trials.fresh_sender = fresh_sender(raw, &wanted);
        let (fresh_receiver, ping) = fresh_receiver(raw, &wanted);
        trials.fresh_receiver = fresh_receiver;
        trials.ping_fresh = ping;
    }
    trials
}

/// Whether the server says that the room exists; nothing if it lists no rooms.
fn listed(raw: &mut RawConnections<'_>) -> Option<bool> {
    let (line, room, patience) = (raw.sender, raw.room.clone(), raw.patience());
    let asker = raw.address().from;
    raw.environment.say(line, frames::room_list_request(&asker));
    raw.listen(line, patience, |text| frames::lists_room(text, &room)).map(|(listed, _)| listed)
}

fn fresh_sender(raw: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> Option<DeliveryCheck> {
    let line = raw.fresh()?;
    raw.subscribe(line);
    let deliveries = raw.deliveries(line, raw.receiver, wanted);
    raw.environment.hang_up(line);
    Some(deliveries)
}

/// The ping is the barrier: once it is answered, the server has read the subscriptions before it. A server that was
/// merely slow to answer is asked once more, and given more time.
fn fresh_receiver(raw: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> (Option<DeliveryCheck>, Option<bool>) {
    let mut haste = raw.haste();
    let mut last = (None, None);
    for _ in 0..2 {
        let Some(line) = raw.fresh() else { return last };
        raw.subscribe(line);
        raw.enter(line);
        let answered = raw.ping(line, haste).is_some();
        let deliveries = raw.deliveries(raw.sender, line, wanted);
        let late = !answered && raw.ping(line, haste).is_some();
        raw.environment.hang_up(line);
        let sound = deliveries.chat_arrives();
        last = (Some(deliveries), Some(answered));
        if sound || answered || !late {
            return last;
        }
        haste *= 4;
    }
    last
}

/// Makes a ghost and looks; only worth it where the server lists rooms.
pub fn roster(raw: &mut RawConnections<'_>) -> Option<RosterTrial> {
    let (watcher, room) = (raw.sender, raw.room.clone());
    raw.enter(watcher);
    let address = raw.address();
    let ghost = raw.fresh()?;
    raw.subscribe(ghost);
    raw.environment.say(ghost, frames::room_created(&room, &address.from));
    raw.environment.say(ghost, frames::frame(CheckedMessage::Joined, &address));
    let shows = |text: &str, wanted: bool| frames::lists(text, &room, &address.from).filter(|shown| *shown == wanted);
    let listed = raw.listen(watcher, LISTED, |text| shows(text, true)).is_some();
    raw.environment.hang_up(ghost);
    if !listed {
        return Some(RosterTrial { listed, lingers: false });
    }
    let gone = raw.listen(watcher, LISTED, |text| shows(text, false)).is_some();
    let lingers = !gone && {
        raw.environment.say(watcher, frames::room_list_request(&address.from));
        raw.listen(watcher, LISTED, |text| frames::lists(text, &room, &address.from)).is_some_and(|(shown, _)| shown)
    };
    Some(RosterTrial { listed, lingers })
}

/// Times deliveries, then again with silent observers.
pub fn fanout(raw: &mut RawConnections<'_>) -> Option<Fanout> {
    let receiver = raw.receiver;
    raw.enter(receiver);
    raw.enter(raw.sender);
    let haste = raw.haste();
    raw.ping(receiver, haste);
    let alone = deliveries(raw);
    let observers = raw.crowd(OBSERVERS);
    for line in &observers {
        raw.subscribe(*line);
        raw.enter(*line);
    }
    for line in &observers {
        raw.ping(*line, haste);
    }
    let observed = deliveries(raw);
    for line in &observers {
        raw.environment.hang_up(*line);
    }
    let was_timed = !alone.is_empty() && !observed.is_empty();
    was_timed.then_some(Fanout { observers: observers.len() as u32, alone, observed })
}

/// How long several deliveries take; from afar more, since there the way varies by more than a server adds.
fn deliveries(raw: &mut RawConnections<'_>) -> Vec<Duration> {
    let delivery = |raw: &mut RawConnections<'_>| {
        let address = raw.address();
        let began = raw.environment.now();
        raw.environment.say(raw.sender, frames::frame(CheckedMessage::Ready, &address));
        let patience = raw.patience();
        let (_, at) = raw.listen(raw.receiver, patience, |text| frames::recognise(text, &address))?;
        Some(at.saturating_duration_since(began))
    };
    let mut times: Vec<Duration> = (0..DELIVERIES).filter_map(|_| delivery(raw)).collect();
    if times.iter().min().is_some_and(|fastest| *fastest > FAR) {
        times.extend((DELIVERIES..DELIVERIES_FROM_AFAR).filter_map(|_| delivery(raw)));
    }
    times
}
