//! No offer was made: which of the two did not hear of the other, on which channel, and what that rules out.

use super::super::cause::Cause;
use super::super::observations::AGED;
use super::delivery_index::{AnnouncementChannel, DeliveryIndex, Reception, SeenWorking};
use super::insight::Insight;
use crate::vocabulary::ids::Seat;

pub(super) fn insight(index: &DeliveryIndex<'_>, seen: &SeenWorking, edge: (Seat, Seat)) -> Insight {
    let directions = [edge, (edge.1, edge.0)];
    let fates = |channel| directions.map(|(from, to)| index.fate(channel, from, to));
    let (rooms, chat) = (fates(AnnouncementChannel::Rooms), fates(AnnouncementChannel::Chat));
    let (one, two) = (index.timeline.number(edge.0), index.timeline.number(edge.1));
    if rooms.iter().chain(&chat).any(|fate| *fate == Reception::Elsewhere) {
        let evidence = format!("What peer {one} or peer {two} announced arrived under another channel's name.");
        return Insight::new(&[Cause::ChannelMismatch], evidence);
    }
    let lost = |fates: [Reception; 2], at: usize| is_lost(fates, at);
    let is_deaf = |at: &usize| lost(rooms, *at) && (lost(chat, *at) || chat[*at] == Reception::Unsaid);
    let deaf: Vec<(Seat, Seat)> = (0..2).filter(is_deaf).map(|at| directions[at]).collect();
    if !deaf.is_empty() {
        return young_or_silent(index, seen, &deaf);
    }
    let without = |fates: [Reception; 2]| (0..2).find(|at| lost(fates, *at)).map(|at| directions[at]);
    if let Some((from, to)) = without(chat) {
        return chat_lost(index, seen, from, to);
    }
    if let Some((from, to)) = without(rooms) {
        return join_lost(index, seen, from, to);
    }
    let evidence = match rooms.contains(&Reception::Heard) || chat.contains(&Reception::Heard) {
        true => format!("Peer {one} or peer {two} had heard of the other, and no offer was made."),
        false => format!("Neither peer {one} nor peer {two} had heard of the other."),
    };
    Insight::unknown(evidence)
}

/// Lost in this direction; or in neither heard, though both have spoken: the one whose subscription came later to
/// the server had the other's words to hear.
fn is_lost(fates: [Reception; 2], at: usize) -> bool {
    let shut = fates.iter().all(|fate| matches!(fate, Reception::Lost | Reception::Unheard));
    fates[at] == Reception::Lost || shut
}

/// One of the two, or either, heard nothing of the other on any channel.
fn young_or_silent(index: &DeliveryIndex<'_>, seen: &SeenWorking, deaf: &[(Seat, Seat)]) -> Insight {
    // Whoever had been there longest had the best reason to hear.
    let oldest = deaf.iter().copied().max_by_key(|(from, to)| index.age(*from, *to));
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
        return Insight::new(&[Cause::Connection], format!("{lost}."));
    }
    if deaf.iter().any(|(_, to)| index.hears(*to)) {
        let evidence = format!("{lost}; what was said later did arrive.");
        return Insight::new(&[Cause::Timing], evidence);
    }
    // Who hears has subscribed, and who is heard has spoken: their frames do get through.
    let gets_through = |peer: Seat| index.is_heard(peer) || index.hears(peer);
    if gets_through(from) && gets_through(to) {
        let evidence = format!("{lost}; the frames of both do get through.");
        return Insight::new(&[Cause::Timing], evidence);
    }
    let evidence = format!("{lost}; nothing came later that would tell a late subscription from a lost one.");
    Insight::new(&[Cause::Timing, Cause::Connection], evidence)
}

fn chat_lost(index: &DeliveryIndex<'_>, seen: &SeenWorking, from: Seat, to: Seat) -> Insight {
    let (from, to) = (index.timeline.number(from), index.timeline.number(to));
    let lost = format!("What peer {from} said on the chat channel did not reach peer {to}; other channels do arrive");
    match seen.chat {
        true => Insight::unknown(format!("{lost}, and in some room the chat does, too.")),
        false => {
            let evidence = format!("{lost}. In no traced room did anything arrive on the chat channel.");
            Insight::new(&[Cause::ChannelIsolation], evidence)
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
    if index.is_told(from) || index.is_told(to) {
        let evidence = format!("{lost}, and so does the server's own list on the same channel.");
        return Insight::new(&[Cause::SwallowJoin], evidence);
    }
    Insight::new(&[Cause::SwallowJoin, Cause::ChannelIsolation], format!("{lost}."))
}
