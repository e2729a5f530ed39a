//! Finds the frames that tell of a peer, and on what it depends who offers then.

use super::{Initiate, PeerDiscovery, Roles};
use crate::learning::frames::classes::{Meeting, SortedTalk};
use crate::learning::talk::TalkFrame;
use crate::learning::talk::json::Json;
use std::collections::{BTreeMap, BTreeSet};

/// An offer is on its way for at most this time, in microseconds.
const UNDER_WAY_US: u64 = 50_000;

impl Roles {
    /// The classes after which offers are made.
    pub(super) fn find_discovery(&mut self, sorted: &SortedTalk) {
        let told = |meeting: &Meeting| -> BTreeSet<usize> {
            let is_told = |(at, frame): &(usize, &TalkFrame)| {
                let class = &sorted.classes[sorted.class_of[*at]];
                !frame.sent
                    && frame.peer == meeting.offerer
                    && frame.at_us <= meeting.at_us
                    && class.said.is_none()
                    && !class.is_echo
                    && sorted.mentioned(*at).contains(&meeting.answerer)
                    && (class.has_roster() || class.speaks_of_one())
            };
            let all = || sorted.talk.frames.iter().enumerate().filter(is_told);
            // Before it has joined, a peer may hear of others and offer to none.
            let joined_us = self.joined_us(sorted, meeting.offerer);
            let later: BTreeSet<usize> =
                all().filter(|(_, frame)| frame.at_us >= joined_us).map(|(at, _)| sorted.class_of[at]).collect();
            if later.is_empty() { all().map(|(at, _)| sorted.class_of[at]).collect() } else { later }
        };
        let mut open: Vec<(Meeting, BTreeSet<usize>)> =
            sorted.meetings.iter().map(|meeting| (*meeting, told(meeting))).collect();
        let untold: Vec<Meeting> =
            open.iter().filter(|(_, classes)| classes.is_empty()).map(|(meeting, _)| *meeting).collect();
        if !open.is_empty() && untold.len() == open.len() {
            let later = sorted.meetings.iter().filter(|meeting| meeting.offerer > meeting.answerer).count();
            self.harness = Some(match later {
                0 => "peer.newcomer",
                all if all == sorted.meetings.len() => "not peer.newcomer",
                _ => "me < peer",
            });
            return;
        }
        if let Some(meeting) = untold.first() {
            self.holes.push(("an offer was made to a peer of which no frame had told".to_owned(), Some(meeting.frame)));
        }
        while let Some(class) = most_common(open.iter().map(|(_, classes)| classes), sorted) {
            open.retain(|(_, classes)| !classes.contains(&class));
            let initiate = self.initiate(sorted, class);
            self.discovery.push(PeerDiscovery { class, initiate });
        }
    }

    /// The condition on which a peer that hears of another by this class offers.
    fn initiate(&mut self, sorted: &SortedTalk, class: usize) -> Initiate {
        let mut cases: Vec<(usize, usize, usize, bool)> = vec![];
        for at in &sorted.classes[class].frames {
            let frame = &sorted.talk.frames[*at];
            if frame.at_us < self.joined_us(sorted, frame.peer) {
                continue;
            }
            for other in sorted.mentioned(*at) {
                let Some(meeting) = sorted.meeting(frame.peer, other) else { continue };
                let offers = meeting.offerer == frame.peer;
                // The side that does not offer may be told while the offer is under way.
                if frame.at_us <= meeting.at_us + if offers { 0 } else { UNDER_WAY_US } {
                    cases.push((*at, frame.peer, other, offers));
                }
            }
        }
        if cases.iter().all(|(_, _, _, offers)| *offers) {
            return Initiate::Always;
        }
        for (path, _) in flags(&sorted.talk.frames[sorted.classes[class].frames[0]].body) {
            for negated in [false, true] {
                let says = |at: usize| {
                    flags(&sorted.talk.frames[at].body)
                        .into_iter()
                        .find(|(other, _)| *other == path)
                        .map(|(_, flag)| flag != negated)
                };
                if cases.iter().all(|(at, _, _, offers)| says(*at) == Some(*offers)) {
                    return Initiate::Flag(path, negated);
                }
            }
        }
        let id = |peer: usize| sorted.values.ids[peer].as_ref().map(Json::plain);
        for condition in ["me < peer", "me > peer"] {
            let holds = |one: usize, other: usize| {
                if condition == "me < peer" { id(one) < id(other) } else { id(one) > id(other) }
            };
            if cases.iter().all(|(_, own, other, offers)| holds(*own, *other) == *offers) {
                return Initiate::Order(condition);
            }
        }
        let frame = cases.first().map(|(at, ..)| *at);
        self.holes.push((
            "who offers: neither a flag nor the order of ids explains it; the lower id does here".to_owned(),
            frame,
        ));
        Initiate::Order("me < peer")
    }
}

/// The class that the most sets have; of equals, the one that is first in time.
fn most_common<'a>(sets: impl Iterator<Item = &'a BTreeSet<usize>>, sorted: &SortedTalk) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    sets.flatten().for_each(|class| *counts.entry(*class).or_default() += 1);
    counts
        .into_iter()
        .max_by_key(|(class, count)| (*count, usize::MAX - sorted.classes[*class].frames[0]))
        .map(|(class, _)| class)
}

/// The flags of a frame, with their paths.
fn flags(body: &Json) -> Vec<(Vec<String>, bool)> {
    let mut found = vec![];
    body.leaves(&mut vec![], &mut |path, leaf| {
        if let Json::Flag(flag) = leaf {
            found.push((path.to_vec(), *flag));
        }
    });
    found
}
