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
pub fn trials(lab: &mut RawConnections<'_>) -> Experiments {
    lab.age();
    let (sender, receiver) = (lab.sender, lab.receiver);
    lab.enter(receiver);
    let haste = lab.haste();
    lab.ping(receiver, haste);
    let mut trials = Experiments {
        aged: lab.volley(sender, receiver, &CheckedMessage::ALL),
        ping_aged: lab.is_answered(),
        ..Experiments::default()
    };
    trials.listed = listed(lab);
    let rooms_deaf = trials.aged.lost(CheckedMessage::Joined);
    if !trials.aged.chat_arrives() || rooms_deaf || !trials.aged.signaling_arrives() {
        lab.subscribe(receiver);
        lab.enter(receiver);
        lab.listen(receiver, SUBSCRIBED_AGAIN, |_| None::<()>);
        trials.again = Some(lab.volley(sender, receiver, &CheckedMessage::ALL));
    }
    if trials.aged.chat_arrives() {
        // What is lost between aged connections is not waited for again.
        let wanted: Vec<CheckedMessage> =
            CheckedMessage::ALL.into_iter().filter(|word| !trials.aged.lost(*word)).collect();
        trials.fresh_sender = fresh_sender(lab, &wanted);
        let (fresh_receiver, ping) = fresh_receiver(lab, &wanted);
        trials.fresh_receiver = fresh_receiver;
        trials.ping_fresh = ping;
    }
    trials
}

/// Whether the server says that the room exists; nothing if it lists no rooms.
fn listed(lab: &mut RawConnections<'_>) -> Option<bool> {
    let (line, room, patience) = (lab.sender, lab.room.clone(), lab.patience());
    let asker = lab.address().from;
    lab.world.say(line, frames::room_list_request(&asker));
    lab.listen(line, patience, |text| frames::lists_room(text, &room)).map(|(listed, _)| listed)
}

fn fresh_sender(lab: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> Option<DeliveryCheck> {
    let line = lab.fresh()?;
    lab.subscribe(line);
    let volley = lab.volley(line, lab.receiver, wanted);
    lab.world.hang_up(line);
    Some(volley)
}

/// The ping is the barrier: once it is answered, the server has read the subscriptions before it. A server that was
/// merely slow to answer is asked once more, and given more time.
fn fresh_receiver(lab: &mut RawConnections<'_>, wanted: &[CheckedMessage]) -> (Option<DeliveryCheck>, Option<bool>) {
    let mut haste = lab.haste();
    let mut last = (None, None);
    for _ in 0..2 {
        let Some(line) = lab.fresh() else { return last };
        lab.subscribe(line);
        lab.enter(line);
        let answered = lab.ping(line, haste).is_some();
        let volley = lab.volley(lab.sender, line, wanted);
        let late = !answered && lab.ping(line, haste).is_some();
        lab.world.hang_up(line);
        let sound = volley.chat_arrives();
        last = (Some(volley), Some(answered));
        if sound || answered || !late {
            return last;
        }
        haste *= 4;
    }
    last
}

/// Makes a ghost and looks; only worth it where the server lists rooms.
pub fn roster(lab: &mut RawConnections<'_>) -> Option<RosterTrial> {
    let (watcher, room) = (lab.sender, lab.room.clone());
    lab.enter(watcher);
    let address = lab.address();
    let ghost = lab.fresh()?;
    lab.subscribe(ghost);
    lab.world.say(ghost, frames::room_created(&room, &address.from));
    lab.world.say(ghost, frames::frame(CheckedMessage::Joined, &address));
    let shows = |text: &str, wanted: bool| frames::lists(text, &room, &address.from).filter(|shown| *shown == wanted);
    let listed = lab.listen(watcher, LISTED, |text| shows(text, true)).is_some();
    lab.world.hang_up(ghost);
    if !listed {
        return Some(RosterTrial { listed, lingers: false });
    }
    let gone = lab.listen(watcher, LISTED, |text| shows(text, false)).is_some();
    let lingers = !gone && {
        lab.world.say(watcher, frames::room_list_request(&address.from));
        lab.listen(watcher, LISTED, |text| frames::lists(text, &room, &address.from)).is_some_and(|(shown, _)| shown)
    };
    Some(RosterTrial { listed, lingers })
}

/// Times deliveries, then again with silent observers.
pub fn fanout(lab: &mut RawConnections<'_>) -> Option<Fanout> {
    let receiver = lab.receiver;
    lab.enter(receiver);
    lab.enter(lab.sender);
    let haste = lab.haste();
    lab.ping(receiver, haste);
    let alone = deliveries(lab);
    let observers = lab.crowd(OBSERVERS);
    for line in &observers {
        lab.subscribe(*line);
        lab.enter(*line);
    }
    for line in &observers {
        lab.ping(*line, haste);
    }
    let observed = deliveries(lab);
    for line in &observers {
        lab.world.hang_up(*line);
    }
    let was_timed = !alone.is_empty() && !observed.is_empty();
    was_timed.then_some(Fanout { observers: observers.len() as u32, alone, observed })
}

/// How long several deliveries take; from afar more, since there the way varies by more than a server adds.
fn deliveries(lab: &mut RawConnections<'_>) -> Vec<Duration> {
    let delivery = |lab: &mut RawConnections<'_>| {
        let address = lab.address();
        let began = lab.world.now();
        lab.world.say(lab.sender, frames::frame(CheckedMessage::Ready, &address));
        let patience = lab.patience();
        let (_, at) = lab.listen(lab.receiver, patience, |text| frames::recognise(text, &address))?;
        Some(at.saturating_duration_since(began))
    };
    let mut times: Vec<Duration> = (0..DELIVERIES).filter_map(|_| delivery(lab)).collect();
    if times.iter().min().is_some_and(|fastest| *fastest > FAR) {
        times.extend((DELIVERIES..DELIVERIES_FROM_AFAR).filter_map(|_| delivery(lab)));
    }
    times
}
