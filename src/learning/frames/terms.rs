//! Frames with holes: what differs from peer to peer, room to room and frame to frame is told from what stays.

use crate::learning::talk::grammar::{Drawn, inner, is_candidate, is_candidate_init, is_description, sdp_in};
use crate::learning::talk::json::{Json, last_key};
use crate::learning::talk::values::{Values, is_name_key, is_near};
use crate::learning::talk::{Talk, TalkFrame};
use crate::recording::MASKED;
use std::collections::BTreeMap;

/// A frame, generalised.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::learning) enum Term {
    Fixed(Json),
    Hole(TermHole),
    List(Vec<Term>),
    Object(Vec<(String, Term)>),
    /// JSON inside of a text, with holes of its own.
    Embedded(Box<Term>),
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::learning) enum TermHole {
    /// The peer whose connection the frame is on.
    Me,
    /// Another peer, by its index.
    Other(usize),
    Room,
    MyName,
    /// A secret of the client, which the recording does not have.
    Token,
    /// Milliseconds since the epoch.
    Now,
    /// A variable of the peer.
    Own(String),
    /// A variable of the pair.
    Pair(String),
    /// A value drawn for each frame.
    Random(Drawn),
    /// A description; true: in base64.
    Sdp(bool),
    /// A whole candidate; true: as JSON in a text.
    Candidate(bool),
    /// A field of a candidate: `candidate`, `sdpMid` or `sdpMLineIndex`.
    CandidateField(&'static str),
    /// A list of peers, and the key of an item's id; without one, items are ids.
    Roster(Option<String>),
}

/// A leaf's kinds of value, over the frames of one structure.
type Seen = BTreeMap<Vec<String>, Vec<(usize, Json)>>;

/// The terms of all frames, in their order.
pub(in crate::learning) fn terms(talk: &Talk, values: &Values) -> Vec<Term> {
    let maker = TermMaker { values };
    let mut terms: Vec<Term> = talk.frames.iter().map(|frame| maker.term(frame)).collect();
    for sent in [true, false] {
        generalise(talk, &mut terms, sent);
    }
    terms
}

struct TermMaker<'a> {
    values: &'a Values,
}

impl TermMaker<'_> {
    fn term(&self, frame: &TalkFrame) -> Term {
        self.of(frame, &frame.body, &mut vec![])
    }

    fn of(&self, frame: &TalkFrame, body: &Json, path: &mut Vec<String>) -> Term {
        match body {
            Json::Object(entries) => {
                if is_candidate_init(entries) {
                    return self.candidate(frame, entries, path);
                }
                let siblings = entries.iter().any(|(_, value)| value.text().is_some_and(is_candidate));
                let entry = |(key, value): &(String, Json)| {
                    path.push(key.clone());
                    let field = siblings.then(|| candidate_field(key, value)).flatten();
                    let term = match field {
                        Some(field) if frame.sent => Term::Hole(TermHole::CandidateField(field)),
                        _ => self.of(frame, value, path),
                    };
                    path.pop();
                    (key.clone(), term)
                };
                Term::Object(entries.iter().map(entry).collect())
            }
            Json::List(items) if self.values.rosters.contains(path) => {
                Term::Hole(TermHole::Roster(self.roster_key(items)))
            }
            Json::List(items) => {
                let is_event = path.is_empty();
                let item = |(at, item): (usize, &Json)| {
                    path.push(if is_event { format!("#{at}") } else { "#".to_owned() });
                    let term = self.of(frame, item, path);
                    path.pop();
                    term
                };
                Term::List(items.iter().enumerate().map(item).collect())
            }
            leaf => self.leaf(frame, leaf, path),
        }
    }

    fn leaf(&self, frame: &TalkFrame, leaf: &Json, path: &[String]) -> Term {
        let key = last_key(path).unwrap_or_default();
        if let Json::Text(text) = leaf {
            if sdp_in(text).is_some() {
                return Term::Hole(TermHole::Sdp(!is_description(text)));
            }
            if is_candidate(text) {
                return Term::Hole(TermHole::CandidateField("candidate"));
            }
            if let Some(inner) = inner(text) {
                return match &inner {
                    Json::Object(entries) if is_candidate_init(entries) => Term::Hole(TermHole::Candidate(true)),
                    inner => match self.of(frame, inner, &mut path.to_vec()) {
                        Term::Fixed(_) => Term::Fixed(leaf.clone()),
                        term => Term::Embedded(Box::new(term)),
                    },
                };
            }
        }
        if let Some(peer) = self.values.peer(leaf) {
            return Term::Hole(if peer == frame.peer { TermHole::Me } else { TermHole::Other(peer) });
        }
        if leaf.text().is_some() && leaf.text() == self.values.room.as_deref() {
            return Term::Hole(TermHole::Room);
        }
        if self.values.pairs.contains_key(&leaf.to_string()) {
            return Term::Hole(TermHole::Pair(self.values.pairs[&leaf.to_string()].clone()));
        }
        if let Some(key) = self.own_key(key, leaf) {
            return Term::Hole(if is_name_key(key) { TermHole::MyName } else { TermHole::Own(key.to_owned()) });
        }
        if leaf.text().is_some_and(|text| text.starts_with(MASKED)) {
            return Term::Hole(TermHole::Token);
        }
        if is_near(leaf, frame.at_us) {
            return Term::Hole(TermHole::Now);
        }
        Term::Fixed(leaf.clone())
    }

    /// The key of the own value that a leaf is, by its own key or by a value that stands elsewhere too.
    fn own_key<'a>(&'a self, key: &str, leaf: &Json) -> Option<&'a str> {
        let is_one = |values: &Vec<Option<Json>>| values.iter().flatten().any(|value| value == leaf);
        let own = &self.values.own;
        let by_key = own.get_key_value(key).filter(|(_, values)| is_one(values));
        let is_long = leaf.text().is_some_and(|text| text.len() > 1);
        let by_value = || own.iter().find(|(_, values)| is_long && is_one(values));
        by_key.or_else(by_value).map(|(key, _)| key.as_str())
    }

    /// An RTCIceCandidateInit, whole if it has the fields by which a browser adds it.
    fn candidate(&self, frame: &TalkFrame, entries: &[(String, Json)], path: &mut Vec<String>) -> Term {
        let has = |name: &str| entries.iter().any(|(key, _)| key == name);
        if !frame.sent || (has("sdpMid") && has("sdpMLineIndex")) {
            return Term::Hole(TermHole::Candidate(false));
        }
        let entry = |(key, value): &(String, Json)| {
            let field = if key == "candidate" { Some("candidate") } else { candidate_field(key, value) };
            path.push(key.clone());
            let term =
                field.map_or_else(|| self.of(frame, value, path), |field| Term::Hole(TermHole::CandidateField(field)));
            path.pop();
            (key.clone(), term)
        };
        Term::Object(entries.iter().map(entry).collect())
    }

    fn roster_key(&self, items: &[Json]) -> Option<String> {
        items.iter().find_map(|item| match item {
            Json::Object(entries) => {
                entries.iter().find(|(_, value)| self.values.peer(value).is_some()).map(|(key, _)| key.clone())
            }
            _ => None,
        })
    }
}

/// The field of a candidate that stands at a key beside its line, by the names in use.
pub(in crate::learning) fn candidate_field(key: &str, value: &Json) -> Option<&'static str> {
    match (key, value) {
        ("sdpMid" | "mid" | "id" | "sdp_mid", Json::Text(_)) => Some("sdpMid"),
        ("sdpMLineIndex" | "label" | "mlineindex" | "index" | "sdp_mline_index", Json::Number(_)) => {
            Some("sdpMLineIndex")
        }
        _ => None,
    }
}

/// Turns fixed leaves that are no words, and differ within one structure, into drawn values or names.
fn generalise(talk: &Talk, terms: &mut [Term], sent: bool) {
    let mut structures: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, _) in talk.frames.iter().enumerate().filter(|(_, frame)| frame.sent == sent) {
        structures.entry(terms[at].structure(true)).or_default().push(at);
    }
    for frames in structures.values() {
        let mut seen: Seen = BTreeMap::new();
        for at in frames {
            terms[*at].fixed(&mut vec![], &mut |path, leaf| {
                seen.entry(path.to_vec()).or_default().push((talk.frames[*at].peer, leaf.clone()));
            });
        }
        for at in frames {
            let peer = talk.frames[*at].peer;
            // A server's word reaches several peers at once; a peer's own is said by one.
            let count = |path: &[String], leaf: &Json| {
                seen[path].iter().filter(|(of, value)| value == leaf && (sent || *of == peer)).count()
            };
            terms[*at].replace(&mut vec![], &mut |path, leaf| replacement(&seen[path], count(path, leaf), path, leaf));
        }
    }
}

/// The hole for a fixed leaf, given all values at its place and how often it is there; `None` if it is a word that stays.
fn replacement(all: &[(usize, Json)], count: usize, path: &[String], leaf: &Json) -> Option<TermHole> {
    let mut distinct: Vec<&Json> = vec![];
    for (_, value) in all {
        if !distinct.contains(&value) {
            distinct.push(value);
        }
    }
    let key = last_key(path).unwrap_or_default();
    match leaf {
        _ if distinct.len() <= 1 => None,
        Json::Text(text) if text.is_empty() => None,
        Json::Text(_) if is_name_key(key) => Some(TermHole::MyName),
        // Drawn anew for nearly each frame.
        Json::Text(_) if crate::learning::talk::grammar::is_random(leaf) && count <= 1 => {
            Some(TermHole::Random(Drawn::of(distinct.iter().copied())))
        }
        Json::Number(_) if crate::learning::talk::grammar::is_random(leaf) && count <= 1 => {
            Some(TermHole::Random(Drawn::of([leaf])))
        }
        _ => None,
    }
}

impl Term {
    /// The keys and the kinds of values; without the fixed texts if they are not to be told apart.
    pub(in crate::learning) fn structure(&self, texts_are_alike: bool) -> String {
        match self {
            Self::Fixed(Json::Text(_)) if texts_are_alike => "text".to_owned(),
            Self::Fixed(Json::Text(text)) => format!("{text:?}"),
            Self::Fixed(Json::Number(_) | Json::Flag(_) | Json::Null) => "value".to_owned(),
            Self::Fixed(other) => other.to_string(),
            // The ids of two others are alike.
            Self::Hole(TermHole::Other(_)) => "<other>".to_owned(),
            Self::Hole(TermHole::Random(_)) => "<random>".to_owned(),
            Self::Hole(TermHole::Roster(_)) => "<roster>".to_owned(),
            Self::Hole(hole) => format!("<{hole:?}>"),
            Self::List(items) => {
                format!("[{}]", items.iter().map(|item| item.structure(texts_are_alike)).collect::<Vec<_>>().join(","))
            }
            Self::Object(entries) => {
                let entry = |(key, term): &(String, Self)| format!("{key}:{}", term.structure(texts_are_alike));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
            Self::Embedded(inner) => format!("json({})", inner.structure(texts_are_alike)),
        }
    }

    pub(in crate::learning) fn fixed(&self, path: &mut Vec<String>, see: &mut dyn FnMut(&[String], &Json)) {
        match self {
            Self::Fixed(leaf) => see(path, leaf),
            Self::List(items) => items.iter().enumerate().for_each(|(at, item)| {
                path.push(format!("#{at}"));
                item.fixed(path, see);
                path.pop();
            }),
            Self::Object(entries) => entries.iter().for_each(|(key, term)| {
                path.push(key.clone());
                term.fixed(path, see);
                path.pop();
            }),
            Self::Hole(_) | Self::Embedded(_) => {}
        }
    }

    fn replace(&mut self, path: &mut Vec<String>, hole: &mut dyn FnMut(&[String], &Json) -> Option<TermHole>) {
        match self {
            Self::Fixed(leaf) => {
                if let Some(hole) = hole(path, leaf) {
                    *self = Self::Hole(hole);
                }
            }
            Self::List(items) => items.iter_mut().enumerate().for_each(|(at, item)| {
                path.push(format!("#{at}"));
                item.replace(path, hole);
                path.pop();
            }),
            Self::Object(entries) => entries.iter_mut().for_each(|(key, term)| {
                path.push(key.clone());
                term.replace(path, hole);
                path.pop();
            }),
            Self::Hole(_) | Self::Embedded(_) => {}
        }
    }

    /// Calls `see` for each hole, with its path.
    pub(in crate::learning) fn holes(&self, path: &mut Vec<String>, see: &mut dyn FnMut(&[String], &TermHole)) {
        match self {
            Self::Hole(hole) => see(path, hole),
            Self::List(items) => items.iter().enumerate().for_each(|(at, item)| {
                path.push(format!("#{at}"));
                item.holes(path, see);
                path.pop();
            }),
            Self::Object(entries) => entries.iter().for_each(|(key, term)| {
                path.push(key.clone());
                term.holes(path, see);
                path.pop();
            }),
            Self::Embedded(inner) => inner.holes(path, see),
            Self::Fixed(_) => {}
        }
    }

    /// The frame of the other side's view: sender and addressee are exchanged.
    pub(in crate::learning) fn swapped(&self) -> Self {
        match self {
            Self::Hole(TermHole::Me) => Self::Hole(TermHole::Other(0)),
            Self::Hole(TermHole::Other(_)) => Self::Hole(TermHole::Me),
            Self::List(items) => Self::List(items.iter().map(Self::swapped).collect()),
            Self::Object(entries) => {
                Self::Object(entries.iter().map(|(key, term)| (key.clone(), term.swapped())).collect())
            }
            Self::Embedded(inner) => Self::Embedded(Box::new(inner.swapped())),
            other => other.clone(),
        }
    }

    /// A received frame has all that a sent one has; the server may have added to it.
    pub(in crate::learning) fn covers(&self, sent: &Self) -> bool {
        match (self, sent) {
            (Self::Object(received), Self::Object(sent)) => sent.iter().all(|(key, term)| {
                received.iter().find(|(name, _)| name == key).is_some_and(|(_, found)| found.covers(term))
            }),
            (Self::List(received), Self::List(sent)) => {
                received.len() == sent.len() && received.iter().zip(sent).all(|(received, sent)| received.covers(sent))
            }
            (Self::Hole(TermHole::Candidate(false)), Self::Object(_)) => true,
            (received, sent) => received.structure(false) == sent.structure(false),
        }
    }

    pub(in crate::learning) fn hole_count(&self) -> usize {
        let mut count = 0;
        self.holes(&mut vec![], &mut |_, _| count += 1);
        count
    }

    pub(in crate::learning) fn has(&self, wanted: impl Fn(&TermHole) -> bool) -> bool {
        let mut found = false;
        self.holes(&mut vec![], &mut |_, hole| found |= wanted(hole));
        found
    }
}
