//! Failures in discovery: finds the peer and the channel that an announcement did not reach, and rules out causes.

use super::super::cause::{Cause, Insight};
use super::super::experiments::observations::AGED;
use super::super::words::AnnouncementChannel;
use super::delivery_index::{DeliveryIndex, Reception, SeenWorking};
use crate::vocabulary::Seat;

pub(super) fn judge(index: &DeliveryIndex<'_>, seen: &SeenWorking, edge: (Seat, Seat)) -> Insight {
    let directions = [edge, (edge.1, edge.0)];
    let receptions = |channel| directions.map(|(from, to)| index.reception(channel, from, to));
    let (rooms, chat) = (receptions(AnnouncementChannel::Rooms), receptions(AnnouncementChannel::Chat));
    let (one, two) = (index.timeline.number(edge.0), index.timeline.number(edge.1));
    if rooms.iter().chain(&chat).any(|reception| *reception == Reception::Elsewhere) {
        let evidence = format!("What peer {one} or peer {two} announced arrived under another channel's name.");
        return Insight::likely(&[Cause::ChannelMismatch], evidence);
    }
    let lost = |receptions: [Reception; 2], at: usize| is_lost(receptions, at);
    let hears_nothing = |at: &usize| lost(rooms, *at) && (lost(chat, *at) || chat[*at] == Reception::Unsaid);
    let unreached: Vec<(Seat, Seat)> = (0..2).filter(hears_nothing).map(|at| directions[at]).collect();
    if !unreached.is_empty() {
        return timing_or_connection(index, seen, &unreached);
    }
    let without = |receptions: [Reception; 2]| (0..2).find(|at| lost(receptions, *at)).map(|at| directions[at]);
    if let Some((from, to)) = without(chat) {
        return chat_lost(index, seen, from, to);
    }
    if let Some((from, to)) = without(rooms) {
        return join_lost(index, seen, from, to);
    }
    Insight::unknown(who_waits(index, edge))
}

/// The peers of the edge that have met the other, and the one that is to offer.
fn who_waits(index: &DeliveryIndex<'_>, (one, two): (Seat, Seat)) -> String {
    let number = |seat| index.timeline.number(seat);
    let offers = |own, other| index.timeline.met(own, other);
    match (offers(one, two), offers(two, one)) {
        (None, None) => format!("Neither peer {} nor peer {} had heard of the other.", number(one), number(two)),
        (Some(_), Some(_)) => {
            format!("Peer {} and peer {} had heard of each other, and no offer was made.", number(one), number(two))
        }
        (knows, _) => {
            let (own, other) = if knows.is_some() { (one, two) } else { (two, one) };
            let (own_number, other_number) = (number(own), number(other));
            let met = format!("Peer {own_number} had heard of peer {other_number}, which had not heard of it");
            match offers(own, other) {
                Some(true) => format!("{met}, and peer {own_number}, whose part it is to offer, made no offer."),
                _ => format!("{met}; the offer is peer {other_number}'s to make, and peer {own_number} waits for it."),
            }
        }
    }
}

/// Lost in this direction; or unheard in both although both announced themselves: the peer that subscribed first
/// should have received the other's announcement.
fn is_lost(receptions: [Reception; 2], at: usize) -> bool {
    let shut = receptions.iter().all(|reception| matches!(reception, Reception::Lost | Reception::Unheard));
    receptions[at] == Reception::Lost || shut
}

/// At least one of the two received nothing from the other on any channel.
fn timing_or_connection(index: &DeliveryIndex<'_>, seen: &SeenWorking, unreached: &[(Seat, Seat)]) -> Insight {
    if let Some((kind, to)) = unreached.iter().find_map(|(from, to)| Some((index.unnamed(*from, *to)?, *to))) {
        let (name, to) = (index.words.name(kind), index.timeline.number(to));
        let evidence = format!("Peer {to} heard `{name}` under an id that no peer of the room has.");
        return Insight::unknown(evidence)
            .and("The server may name another sender, or a rule or the dialect's id may be wrong.");
    }
    // The peer that had been connected longest should have received first.
    let oldest = unreached.iter().copied().max_by_key(|(from, to)| index.age(*from, *to));
    let Some((from, to)) = oldest else { return Insight::unknown("No offer was made.") };
    let age = index.age(from, to).unwrap_or_default();
    let (teller, hearer) = (index.timeline.number(from), index.timeline.number(to));
    let lost = format!(
        "Nothing that peer {teller} announced reached peer {hearer}, which had been connected for {} ms",
        age.as_millis()
    );
    if seen.heard_from.is_some_and(|heard_from| heard_from <= age) {
        return Insight::unknown(format!("{lost}; elsewhere a peer as young as that did hear."));
    }
    if age >= AGED {
        return Insight::likely(&[Cause::Connection], format!("{lost}."));
    }
    if unreached.iter().any(|(_, to)| index.hears(*to)) {
        let evidence = format!("{lost}; what was said later did arrive.");
        return Insight::likely(&[Cause::Timing], evidence);
    }
    // A peer that receives has subscribed, and one that is received has sent: its frames arrive at the server.
    let gets_through = |peer: Seat| index.is_heard(peer) || index.hears(peer);
    if gets_through(from) && gets_through(to) {
        let evidence = format!("{lost}; the frames of both do get through.");
        return Insight::likely(&[Cause::Timing], evidence);
    }
    let evidence = format!("{lost}; nothing came later that would tell a late subscription from a lost one.");
    Insight::likely(&[Cause::Timing, Cause::Connection], evidence)
}

fn chat_lost(index: &DeliveryIndex<'_>, seen: &SeenWorking, from: Seat, to: Seat) -> Insight {
    let (from, to) = (index.timeline.number(from), index.timeline.number(to));
    let lost = format!("What peer {from} said on the chat channel did not reach peer {to}; other channels do arrive");
    match seen.chat {
        true => Insight::unknown(format!("{lost}, and in some room the chat does, too.")),
        false => {
            let evidence = format!("{lost}. In no traced room did anything arrive on the chat channel.");
            Insight::likely(&[Cause::ChannelIsolation], evidence)
        }
    }
}

fn join_lost(index: &DeliveryIndex<'_>, seen: &SeenWorking, from: Seat, to: Seat) -> Insight {
    let (teller, hearer) = (index.timeline.number(from), index.timeline.number(to));
    let lost =
        format!("The user-joined-room of peer {teller} did not reach peer {hearer}; what it said on the chat did");
    if seen.rooms {
        return Insight::unknown(format!("{lost}, and in some room user-joined-room arrives."));
    }
    if index.hears_server(from) || index.hears_server(to) {
        let evidence = format!("{lost}, and so does the server's own list on the same channel.");
        return Insight::likely(&[Cause::SwallowJoin], evidence);
    }
    Insight::likely(&[Cause::SwallowJoin, Cause::ChannelIsolation], format!("{lost}."))
}
