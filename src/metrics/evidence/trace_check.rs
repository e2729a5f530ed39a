//! Compares what was said with what was received in a traced room, and folds the comparison into counts.

use crate::summary::{AnnouncementCheck, SignalCheck};
use crate::vocabulary::{
    CandidateChanges, Concern, EdgeEvent, Event, EventKind, PeerEvent, Seat, SignalDigest, SignalPart,
    candidate_routes, format::micros,
};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Words said so shortly before the end of a trace may still be on their way.
const IN_FLIGHT: Duration = Duration::from_secs(1);
/// The longest delivery of an announcement; later ones answer another word.
const DELIVERY_MAX: Duration = Duration::from_secs(2);

/// The comparisons of all traced rooms.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(in crate::metrics) struct TraceCheck {
    pub signals: SignalCheck,
    /// By message type.
    pub announcements: Vec<AnnouncementCheck>,
}

/// The number of times that one peer said a word to another, and that the other received it.
#[derive(Clone, Copy, Debug, Default)]
struct WordCount {
    said: u64,
    heard: u64,
}

/// A word of `from` to `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Word {
    from: Seat,
    part: SignalPart,
    digest: SignalDigest,
    to: Seat,
}

impl TraceCheck {
    /// Adds a room that is traced as a whole.
    pub(crate) fn add(&mut self, events: &[Event]) {
        self.add_signals(events);
        for (_, route) in candidate_routes(events) {
            self.signals.candidates.merge(CandidateChanges::of(&route));
        }
        self.add_announcements(events);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.signals.merge(other.signals);
        for (kind, theirs) in other.announcements.iter().enumerate() {
            self.announcement(kind).merge(theirs);
        }
    }

    fn announcement(&mut self, kind: usize) -> &mut AnnouncementCheck {
        if self.announcements.len() <= kind {
            self.announcements.resize(kind + 1, AnnouncementCheck::default());
        }
        &mut self.announcements[kind]
    }

    fn add_signals(&mut self, events: &[Event]) {
        let mut words = FxHashMap::<Word, WordCount>::default();
        for event in events {
            let EventKind::Edge { other, event: EdgeEvent::Signal { said, part, digest, .. } } = event.kind else {
                continue;
            };
            if part == SignalPart::End {
                continue;
            }
            let (from, to) = if said { (event.place.seat, other) } else { (other, event.place.seat) };
            let count = words.entry(Word { from, part, digest, to }).or_default();
            *if said { &mut count.said } else { &mut count.heard } += 1;
        }
        let peer = |seat: Seat| events.first().map_or(0, |event| event.place.neighbour(seat).0);
        let check = &mut self.signals;
        for (word, WordCount { said, heard }) in words.iter().filter(|(_, count)| count.heard > 0) {
            check.descriptions += u64::from(word.part != SignalPart::Candidate);
            if *said > 0 {
                check.words += 1;
                if heard > said && word.part != SignalPart::Candidate {
                    check.repeated += 1;
                    check.copies += heard;
                }
                continue;
            }
            let same = |other: &&Word| (other.from, other.part) == (word.from, word.part);
            let meant = words
                .iter()
                .find(|(other, count)| same(other) && other.digest == word.digest && count.said > count.heard);
            if let Some((meant, _)) = meant {
                check.misrouted += 1;
                check.misrouted_example.get_or_insert_with(|| {
                    let (from, to, reader) = (peer(word.from), peer(meant.to), peer(word.to));
                    format!("{} of peer {from} to peer {to} was delivered to peer {reader}", part_name(word.part))
                });
            } else if word.part != SignalPart::Candidate {
                let lost = words.iter().find(|(other, count)| same(other) && other.to == word.to && count.heard == 0);
                let Some((said, _)) = lost else { continue };
                check.altered += 1;
                for field in said.digest.changed_fields(word.digest) {
                    *check.altered_fields.entry(field.into()).or_default() += 1;
                }
            }
        }
    }

    /// Announcements to all, by the age of each listener's connection when they were said.
    fn add_announcements(&mut self, events: &[Event]) {
        let Some(end) = events.iter().map(|event| event.at).max() else { return };
        let mut joined = FxHashMap::<Seat, Instant>::default();
        let mut said = FxHashMap::<(Seat, u8), Vec<Instant>>::default();
        let mut heard = FxHashMap::<(Seat, u8, Seat), Vec<Instant>>::default();
        for event in events {
            let seat = event.place.seat;
            match event.kind {
                EventKind::Peer(PeerEvent::Joined) => _ = joined.entry(seat).or_insert(event.at),
                EventKind::Peer(PeerEvent::Said { kind, to: None, .. }) => {
                    said.entry((seat, kind.0)).or_default().push(event.at);
                }
                EventKind::Peer(PeerEvent::Frame { kind, concern: Concern::Me { from: Some(from) }, .. }) => {
                    heard.entry((from, kind.0, seat)).or_default().push(event.at);
                }
                _ => {}
            }
        }
        for ((from, kind), times) in &said {
            // A type that nobody ever receives from a peer is said to the server.
            if !heard.keys().any(|(_, heard_kind, _)| heard_kind == kind) {
                continue;
            }
            for (listener, since) in joined.iter().filter(|(listener, _)| *listener != from) {
                let arrivals = heard.get(&(*from, *kind, *listener));
                for (index, at) in times.iter().enumerate().filter(|(_, at)| **at >= *since && **at + IN_FLIGHT < end) {
                    let until = times.get(index + 1).copied().unwrap_or(*at + DELIVERY_MAX).min(*at + DELIVERY_MAX);
                    let came = arrivals.is_some_and(|all| all.iter().any(|time| time >= at && *time < until));
                    self.announcement(usize::from(*kind)).add(micros(*at - *since), came);
                }
            }
        }
    }
}

fn part_name(part: SignalPart) -> &'static str {
    match part {
        SignalPart::Offer => "an offer",
        SignalPart::Answer => "an answer",
        SignalPart::Candidate => "a candidate",
        SignalPart::End => "an end of candidates",
    }
}
