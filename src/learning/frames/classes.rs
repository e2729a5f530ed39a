//! Frames of one kind, and what passed between the peers: descriptions, and whom a frame speaks of.

use crate::dialect::TYPE_KEYS;
use crate::learning::frames::terms::{Term, TermHole, terms};
use crate::learning::talk::grammar::{Said, description};
use crate::learning::talk::json::Json;
use crate::learning::talk::values::Values;
use crate::learning::talk::{Talk, TalkFrame};
use std::collections::BTreeMap;

/// Frames of one direction and one structure.
pub(in crate::learning) struct FrameClass {
    pub sent: bool,
    /// The first frame's term.
    pub term: Term,
    /// The indices of its frames.
    pub frames: Vec<usize>,
    pub said: Option<Said>,
    /// Every frame repeats one that the same peer has sent, perhaps with more in it.
    pub is_echo: bool,
}

/// An offer and the two peers between which it passed.
#[derive(Clone, Copy, Debug)]
pub(in crate::learning) struct Meeting {
    pub offerer: usize,
    pub answerer: usize,
    pub at_us: u64,
    /// The index of the offer's frame.
    pub frame: usize,
}

/// A talk with its frames sorted into classes.
pub(in crate::learning) struct SortedTalk {
    pub talk: Talk,
    pub values: Values,
    pub terms: Vec<Term>,
    pub classes: Vec<FrameClass>,
    /// The class of each frame.
    pub class_of: Vec<usize>,
    /// The first offer between each two peers.
    pub meetings: Vec<Meeting>,
}

impl SortedTalk {
    pub(in crate::learning) fn of(talk: Talk, values: Values) -> Self {
        let terms = terms(&talk, &values);
        let mut by_structure: BTreeMap<(bool, String), usize> = BTreeMap::new();
        let mut classes: Vec<FrameClass> = vec![];
        let mut class_of = vec![];
        for (at, frame) in talk.frames.iter().enumerate() {
            let said = frame.said;
            let key = (frame.sent, format!("{said:?} {}", terms[at].structure(false)));
            let index = *by_structure.entry(key).or_insert_with(|| {
                let is_echo = !frame.sent;
                classes.push(FrameClass { sent: frame.sent, term: terms[at].clone(), frames: vec![], said, is_echo });
                classes.len() - 1
            });
            let class = &mut classes[index];
            class.frames.push(at);
            class_of.push(index);
            // A class that is no echo stays none, and is spared the look at all earlier frames.
            if class.is_echo {
                let own =
                    |other: &TalkFrame| other.sent && other.peer == frame.peer && covers(&frame.body, &other.body);
                class.is_echo = talk.frames[..at].iter().any(own);
            }
        }
        let mut sorted = Self { talk, values, terms, classes, class_of, meetings: vec![] };
        sorted.meetings = sorted.find_meetings();
        sorted
    }

    /// The other peers whose ids are in a frame, in order.
    pub(in crate::learning) fn mentioned(&self, frame: usize) -> Vec<usize> {
        let own = self.talk.frames[frame].peer;
        let mut peers = vec![];
        self.talk.frames[frame].body.leaves(&mut vec![], &mut |_, leaf| {
            peers.extend(self.values.peer(leaf).filter(|peer| *peer != own && !peers.contains(peer)));
        });
        peers
    }

    /// The first description that a peer has sent, or received for itself; the largest time without one.
    pub(in crate::learning) fn first_signal_us(&self, peer: usize) -> u64 {
        let is_first = |(at, frame): &(usize, &TalkFrame)| {
            // A broadcast server passes on what two others say to each other.
            let is_for_me = frame.sent || self.mentioned(*at).len() < 2;
            frame.peer == peer && is_part(frame.said) && is_for_me
        };
        self.talk.frames.iter().enumerate().find(is_first).map_or(u64::MAX, |(_, frame)| frame.at_us)
    }

    fn find_meetings(&self) -> Vec<Meeting> {
        let mut meetings: Vec<Meeting> = vec![];
        for (at, frame) in self.talk.frames.iter().enumerate() {
            if !frame.sent || frame.said != Some(Said::Offer) {
                continue;
            }
            let addressed = match self.mentioned(at).as_slice() {
                [one] => Some(*one),
                _ => None,
            };
            let sdp = description(&frame.body);
            let received = || {
                let same = |other: &&TalkFrame| {
                    !other.sent && other.peer != frame.peer && sdp.is_some() && description(&other.body) == sdp
                };
                self.talk.frames.iter().find(same).map(|other| other.peer)
            };
            let Some(answerer) = addressed.or_else(received) else { continue };
            let is_new = |one: &Meeting| {
                [(one.offerer, one.answerer), (one.answerer, one.offerer)].contains(&(frame.peer, answerer))
            };
            if !meetings.iter().any(is_new) {
                meetings.push(Meeting { offerer: frame.peer, answerer, at_us: frame.at_us, frame: at });
            }
        }
        meetings
    }

    /// The first offer between two peers, whichever made it.
    pub(in crate::learning) fn meeting(&self, one: usize, other: usize) -> Option<&Meeting> {
        self.meetings.iter().find(|meeting| [(one, other), (other, one)].contains(&(meeting.offerer, meeting.answerer)))
    }

    /// A frame's text for people.
    pub(in crate::learning) fn shown(&self, frame: usize) -> String {
        crate::dialect::shown_frame(&self.talk.frames[frame].text)
    }
}

/// A received frame says all that a sent one does; the server may have added to it.
fn covers(received: &Json, sent: &Json) -> bool {
    match (received, sent) {
        (Json::Object(received), Json::Object(sent)) => sent.iter().all(|(key, value)| {
            received.iter().find(|(name, _)| name == key).is_some_and(|(_, found)| covers(found, value))
        }),
        (Json::List(received), Json::List(sent)) => {
            received.len() == sent.len() && received.iter().zip(sent).all(|(received, sent)| covers(received, sent))
        }
        (received, sent) => received == sent,
    }
}

fn is_part(said: Option<Said>) -> bool {
    matches!(said, Some(Said::Offer | Said::Answer))
}

impl FrameClass {
    /// The frame speaks of one other peer alone, besides this one.
    pub(in crate::learning) fn speaks_of_one(&self) -> bool {
        let mut others = vec![];
        self.term.holes(&mut vec![], &mut |_, hole| {
            if let TermHole::Other(peer) = hole {
                others.push(*peer);
            }
        });
        others.iter().all(|peer| Some(peer) == others.first())
    }

    pub(in crate::learning) fn has_other(&self) -> bool {
        self.term.has(|hole| matches!(hole, TermHole::Other(_)))
    }

    pub(in crate::learning) fn has_roster(&self) -> bool {
        self.term.has(|hole| matches!(hole, TermHole::Roster(_)))
    }

    pub(in crate::learning) fn has_me(&self) -> bool {
        self.term.has(|hole| *hole == TermHole::Me)
    }

    /// The word that tells what the frame is: the first word of an event, the value of a type's key, the first key.
    pub(in crate::learning) fn word(&self) -> String {
        fn typed(term: &Term, words: &mut Vec<String>) {
            let Term::Object(entries) = term else { return };
            for (key, term) in entries {
                match term {
                    Term::Fixed(Json::Text(text)) if TYPE_KEYS.contains(&key.as_str()) => words.push(text.clone()),
                    inner => typed(inner, words),
                }
            }
        }
        match &self.term {
            Term::List(items) => {
                let first = items.iter().find_map(|item| match item {
                    Term::Fixed(Json::Text(text)) => Some(text.clone()),
                    _ => None,
                });
                first.unwrap_or_else(|| "event".to_owned())
            }
            Term::Fixed(json) => json.plain().chars().take(20).collect(),
            object => {
                let mut words = vec![];
                typed(object, &mut words);
                // The innermost type is the most particular: publish, announce.
                let first_key = || match object {
                    Term::Object(entries) => entries.first().map(|(key, _)| key.clone()),
                    _ => None,
                };
                words.pop().or_else(first_key).unwrap_or_else(|| "frame".to_owned())
            }
        }
    }
}
