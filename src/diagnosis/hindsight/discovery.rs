//! No offer was made: which of the two did not hear of the other, on which channel, and what that rules out.

use super::super::cause::Cause;
use super::ears::{Channel, Ears, Fate, Pool};
use super::insight::Insight;
use crate::vocabulary::ids::Seat;
use std::time::Duration;

/// From this age on, a subscription is in force if it ever will be (protocol.md).
const AGED: Duration = Duration::from_millis(1_500);

pub(super) fn insight(ears: &Ears<'_>, pool: &Pool, edge: (Seat, Seat)) -> Insight {
    let directions = [edge, (edge.1, edge.0)];
    let fates = |channel| directions.map(|(from, to)| ears.fate(channel, from, to));
    let (rooms, chat) = (fates(Channel::Rooms), fates(Channel::Chat));
    let (one, two) = (ears.story.number(edge.0), ears.story.number(edge.1));
    if rooms.iter().chain(&chat).any(|fate| *fate == Fate::Elsewhere) {
        let evidence = format!("What peer {one} or peer {two} announced arrived under another channel's name.");
        return Insight::new(&[Cause::ChannelMismatch], evidence);
    }
    let lost = |fates: [Fate; 2], at: usize| is_lost(fates, at);
    let is_deaf = |at: &usize| lost(rooms, *at) && (lost(chat, *at) || chat[*at] == Fate::Unsaid);
    let deaf: Vec<(Seat, Seat)> = (0..2).filter(is_deaf).map(|at| directions[at]).collect();
    if !deaf.is_empty() {
        return young_or_silent(ears, pool, &deaf);
    }
    let without = |fates: [Fate; 2]| (0..2).find(|at| lost(fates, *at)).map(|at| directions[at]);
    if let Some((from, to)) = without(chat) {
        return chat_lost(ears, pool, from, to);
    }
    if let Some((from, to)) = without(rooms) {
        return join_lost(ears, pool, from, to);
    }
    let evidence = match rooms.contains(&Fate::Heard) || chat.contains(&Fate::Heard) {
        true => format!("Peer {one} or peer {two} had heard of the other, and no offer was made."),
        false => format!("Neither peer {one} nor peer {two} had heard of the other."),
    };
    Insight::unknown(evidence)
}

/// Lost in this direction; or in neither heard, though both have spoken: the one whose subscription came later to
/// the server had the other's words to hear.
fn is_lost(fates: [Fate; 2], at: usize) -> bool {
    let shut = fates.iter().all(|fate| matches!(fate, Fate::Lost | Fate::Unheard));
    fates[at] == Fate::Lost || shut
}

/// One of the two, or either, heard nothing of the other on any channel.
fn young_or_silent(ears: &Ears<'_>, pool: &Pool, deaf: &[(Seat, Seat)]) -> Insight {
    // Whoever had been there longest had the best reason to hear.
    let oldest = deaf.iter().copied().max_by_key(|(from, to)| ears.age(*from, *to));
    let Some((from, to)) = oldest else { return Insight::unknown("No offer was made.") };
    let age = ears.age(from, to).unwrap_or_default();
    let (teller, hearer) = (ears.story.number(from), ears.story.number(to));
    let lost = format!(
        "Nothing that peer {teller} announced reached peer {hearer}, which had been connected for {} ms",
        age.as_millis()
    );
    if pool.heard_from.is_some_and(|heard_from| heard_from <= age) {
        return Insight::unknown(format!("{lost}; elsewhere a peer as young as that did hear."));
    }
    if age >= AGED {
        return Insight::new(&[Cause::Connection], format!("{lost}."));
    }
    if deaf.iter().any(|(_, to)| ears.hears(*to)) {
        let evidence = format!("{lost}; what was said later did arrive.");
        return Insight::new(&[Cause::Timing], evidence);
    }
    // Who hears has subscribed, and who is heard has spoken: their frames do get through.
    let gets_through = |peer: Seat| ears.is_heard(peer) || ears.hears(peer);
    if gets_through(from) && gets_through(to) {
        let evidence = format!("{lost}; the frames of both do get through.");
        return Insight::new(&[Cause::Timing], evidence);
    }
    let evidence = format!("{lost}; nothing came later that would tell a late subscription from a lost one.");
    Insight::new(&[Cause::Timing, Cause::Connection], evidence)
}

fn chat_lost(ears: &Ears<'_>, pool: &Pool, from: Seat, to: Seat) -> Insight {
    let (from, to) = (ears.story.number(from), ears.story.number(to));
    let lost = format!("What peer {from} said on the chat channel did not reach peer {to}; other channels do arrive");
    match pool.chat {
        true => Insight::unknown(format!("{lost}, and in some room the chat does, too.")),
        false => {
            let evidence = format!("{lost}. In no traced room did anything arrive on the chat channel.");
            Insight::new(&[Cause::ChannelIsolation], evidence)
        }
    }
}

fn join_lost(ears: &Ears<'_>, pool: &Pool, from: Seat, to: Seat) -> Insight {
    let (teller, hearer) = (ears.story.number(from), ears.story.number(to));
    let lost =
        format!("The user-joined-room of peer {teller} did not reach peer {hearer}; what it said on the chat did");
    if pool.rooms {
        return Insight::unknown(format!("{lost}, and in some room user-joined-room arrives."));
    }
    if ears.is_told(from) || ears.is_told(to) {
        let evidence = format!("{lost}, and so does the server's own list on the same channel.");
        return Insight::new(&[Cause::SwallowJoin], evidence);
    }
    Insight::new(&[Cause::SwallowJoin, Cause::ChannelIsolation], format!("{lost}."))
}
