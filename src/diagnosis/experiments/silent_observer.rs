//! The experiment with a silent observer: a third client that joins the room between the two peers, and says nothing else.

use super::super::cause::Insight;
use super::super::timeline::Timeline;
use super::super::words::Words;
use super::observations::AGED;
use crate::vocabulary::{Concern, Event, EventKind, FrameKind, PeerEvent, Seat, SignalPart};
use std::time::{Duration, Instant};

/// A repeated offer is due `AGED` after the first one, which may be said before the join has ended.
const MARGIN: Duration = Duration::from_millis(100);

/// A word that the observer received and its addressee did not. The word was relayed, so that no cause fits by which it is
/// lost for everyone; and where the addressee has been connected for long, none by which it hears late.
pub(in crate::diagnosis) fn judge(timeline: &Timeline, words: &Words) -> Option<Insight> {
    timeline.directions().find_map(|(from, to)| {
        let name = signal(timeline, words, from, to).or_else(|| announcement(timeline, words, from, to))?;
        let (teller, hearer) = (timeline.number(from), timeline.number(to));
        let evidence = format!(
            "`{name}` of peer {teller} never reached peer {hearer}; a third client, which only joined the room, received it."
        );
        Some(Insight::unknown(evidence).and("The server relays it to another client than the one that it is for."))
    })
}

/// The name of a description of `from` to `to`.
fn signal<'a>(timeline: &Timeline, words: &'a Words, from: Seat, to: Seat) -> Option<&'a str> {
    let lost = |part: &SignalPart| timeline.count(from, to, *part) > 0 && timeline.heard_by(from, to, *part) == 0;
    let part = [SignalPart::Offer, SignalPart::Answer].into_iter().find(lost)?;
    let is_written = |event: &&Event| {
        event.place.seat == from
            && matches!(event.kind, EventKind::Peer(PeerEvent::Written { to: Some(of), .. }) if of == to)
            && ufrag(event).is_some()
    };
    let mut written = timeline.events().iter().filter(is_written);
    let is_read = |said: &Event| observed(timeline).any(|read| ufrag(read) == ufrag(said));
    written.any(|said| is_read(said) && hears(timeline, to, said.at)).then(|| words.signal(part))
}

/// The name of an announcement of `from`, of which `to` has no other word either.
fn announcement<'a>(timeline: &Timeline, words: &'a Words, from: Seat, to: Seat) -> Option<&'a str> {
    let announced = |event: &Event| match event.kind {
        EventKind::Peer(PeerEvent::Frame { kind, concern: Concern::Me { from: Some(of) }, .. }) if of == from => {
            Some(kind).filter(|kind| words.announces(*kind))
        }
        _ => None,
    };
    let kind: FrameKind = observed(timeline).find_map(announced)?;
    let is_lost = timeline.met(to, from).is_none() && timeline.heard_in_place(from, to, kind).is_none();
    (is_lost && hears(timeline, to, timeline.said_at(from, kind)?)).then(|| words.name(kind))
}

/// True if what is said at `at` should reach the peer: it joined before the observer, or long ago.
fn hears(timeline: &Timeline, to: Seat, at: Instant) -> bool {
    let upgraded = |event: &&Event| matches!(event.kind, EventKind::Peer(PeerEvent::Upgraded));
    let observer = observed(timeline).find(upgraded).map(|event| event.at);
    timeline.joined_at(to).is_some_and(|joined| {
        let age: Duration = at.saturating_duration_since(joined);
        age >= AGED - MARGIN || observer.is_some_and(|observer| joined < observer && observer < at)
    })
}

/// The events of the observer.
fn observed(timeline: &Timeline) -> impl Iterator<Item = &Event> {
    timeline.events().iter().filter(|event| event.place.seat.0 >= timeline.size())
}

/// The ICE ufrag in a frame, which no other description has.
fn ufrag(event: &Event) -> Option<&str> {
    let EventKind::Peer(PeerEvent::Written { text, .. } | PeerEvent::Read { text, .. }) = &event.kind else {
        return None;
    };
    let (_, rest) = text.split_once("a=ice-ufrag:")?;
    rest.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '+' && letter != '/').next()
}
