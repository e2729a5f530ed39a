//! The values that tell peers and rooms apart: ids, what else is each peer's own, the room, and what belongs to a pair.

use crate::dialect::TYPE_KEYS;
use crate::learning::talk::Talk;
use crate::learning::talk::grammar::{is_description, is_random};
use crate::learning::talk::json::{Json, last_key};
use crate::recording::MASKED;
use std::collections::{BTreeMap, BTreeSet};
use url::Url;

/// Keys that call a room by its name, best first.
const ROOM_KEYS: [&str; 9] =
    ["room", "roomid", "room_id", "roomname", "room_name", "roomcode", "info_hash", "topic", "topics"];
/// Keys that may.
const MAYBE_ROOM_KEYS: [&str; 9] =
    ["channel", "group", "lobby", "meeting", "session", "conference", "space", "swarm", "namespace"];
/// The first word of an event whose argument is the room.
const JOIN_WORDS: [&str; 4] = ["join", "enter", "room", "subscribe"];
/// Segments of a URL that name no room.
const PATH_WORDS: [&str; 9] =
    ["ws", "wss", "socket.io", "signal", "signaling", "signalling", "websocket", "api", "peerjs"];
/// A room that `--room` or a key tells of counts this much.
const CERTAIN: i32 = 100;

/// The place of a value: the frame that first had it, or a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::learning) struct FirstSeen {
    pub peer: usize,
    /// The index of the frame; `None` for the URL.
    pub frame: Option<usize>,
}

/// The values of a talk by the part that they play.
#[derive(Debug, Default)]
pub(in crate::learning) struct Values {
    /// The id of each peer on the wire; those of peers that were not recorded follow.
    pub ids: Vec<Option<Json>>,
    /// By the key it stands at: the value of each peer that no other peer has.
    pub own: BTreeMap<String, Vec<Option<Json>>>,
    pub room: Option<String>,
    /// The score of the room's finding; 100 and more is certain.
    pub room_score: i32,
    /// Values made for a pair, by the key they first stood at.
    pub pairs: BTreeMap<String, String>,
    /// Paths of lists that hold ids, without indices.
    pub rosters: BTreeSet<Vec<String>>,
    pub first_seen: BTreeMap<String, FirstSeen>,
}

impl Values {
    pub(in crate::learning) fn of(talk: &Talk, room: Option<&str>) -> Self {
        let mut values = Self { first_seen: first_seen(talk), ..Self::default() };
        values.ids = (0..talk.peers.len()).map(|peer| values.id_of(talk, peer)).collect();
        values.add_strangers(talk);
        values.find_room(talk, room);
        values.find_own(talk);
        values.find_pairs(talk);
        values.find_rosters(talk);
        values
    }

    /// The peer that a value is the id of.
    pub(in crate::learning) fn peer(&self, value: &Json) -> Option<usize> {
        value.is_scalar().then(|| self.ids.iter().position(|id| id.as_ref() == Some(value))).flatten()
    }

    fn owner(&self, value: &Json) -> Option<usize> {
        self.first_seen.get(&value.to_string()).map(|seen| seen.peer)
    }

    /// Another peer says the value at the same place as `peer` does, or dials it: it names what both share.
    fn is_shared(&self, talk: &Talk, peer: usize, value: &Json) -> bool {
        let mut places: BTreeMap<Vec<String>, BTreeSet<usize>> = BTreeMap::new();
        for frame in talk.frames.iter().filter(|frame| frame.sent) {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                if leaf == value {
                    places.entry(path.to_vec()).or_default().insert(frame.peer);
                }
            });
        }
        let is_dialled = |url: &Url| {
            value.text().is_some_and(|text| {
                segments(url).iter().any(|part| part == text) || url.query_pairs().any(|(_, value)| value == text)
            })
        };
        let mut others = talk.peers.iter().enumerate().filter(|(other, _)| *other != peer);
        places.values().any(|peers| peers.contains(&peer) && peers.len() > 1)
            || others.any(|(_, other)| is_dialled(&other.url))
    }

    /// The value that stands for a peer when it is addressed; else when it is named as a sender.
    fn id_of(&self, talk: &Talk, peer: usize) -> Option<Json> {
        let mut scores: BTreeMap<String, (i64, Json)> = BTreeMap::new();
        for frame in &talk.frames {
            let carries = frame.said.is_some();
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                if !leaf.is_scalar() || leaf.text().is_some_and(|text| text.is_empty() || text.len() > 128) {
                    return;
                }
                let seen = self.first_seen.get(&leaf.to_string()).filter(|seen| seen.peer == peer);
                let Some(seen) = seen else { return };
                let is_early = seen.frame.is_none_or(|first| talk.frames[first].said.is_none());
                let key = last_key(path).unwrap_or_default();
                let by_key = i64::from(is_id_key(key)) * 10 - i64::from(is_name_key(key)) * 50;
                let weight = match (carries, frame.peer == peer, frame.sent) {
                    // Another peer addresses this one.
                    (true, false, true) => 1_000,
                    (true, _, false) if frame.peer != peer => 100,
                    (true, true, true) => 10,
                    (false, false, true) => 20,
                    _ => 1,
                };
                let entry = scores.entry(leaf.to_string()).or_insert((0, leaf.clone()));
                entry.0 += if is_early { weight + by_key } else { by_key.min(0) };
            });
        }
        let mut best: Vec<(i64, Json)> = scores.into_values().filter(|(score, _)| *score > 100).collect();
        best.sort_by_key(|(score, _)| -score);
        best.into_iter().map(|(_, id)| id).find(|id| !self.is_shared(talk, peer, id))
    }

    /// Ids of peers that were not recorded: they stand where those of recorded ones do.
    fn add_strangers(&mut self, talk: &Talk) {
        let carriers = || talk.frames.iter().filter(|frame| frame.said.is_some());
        let mut places: BTreeSet<(bool, Vec<String>)> = BTreeSet::new();
        for frame in carriers() {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                if self.peer(leaf).is_some() {
                    places.insert((frame.sent, path.to_vec()));
                }
            });
        }
        let mut strangers: Vec<Json> = vec![];
        for frame in carriers() {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                let is_id = leaf.is_scalar() && places.contains(&(frame.sent, path.to_vec()));
                if is_id && self.peer(leaf).is_none() && !strangers.contains(leaf) {
                    strangers.push(leaf.clone());
                }
            });
        }
        self.ids.extend(strangers.into_iter().map(Some));
    }

    fn find_room(&mut self, talk: &Talk, hint: Option<&str>) {
        if let Some(hint) = hint {
            (self.room, self.room_score) = (Some(hint.to_owned()), 2 * CERTAIN);
            return;
        }
        // By value: the peers that say it, and the best place at which they do.
        let mut found: BTreeMap<String, (BTreeSet<usize>, i32)> = BTreeMap::new();
        let mut at_path: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        let mut add = |value: &str, peer: usize, score: i32| {
            let entry = found.entry(value.to_owned()).or_default();
            entry.0.insert(peer);
            entry.1 = entry.1.max(score + if value.to_ascii_lowercase().contains("room") { 15 } else { 0 });
        };
        for frame in talk.frames.iter().filter(|frame| frame.sent) {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                if let Json::Text(text) = leaf {
                    at_path.entry(keys(path)).or_default().insert(text.clone());
                }
            });
        }
        for frame in talk.frames.iter().filter(|frame| frame.sent) {
            let event = first_word(&frame.body).unwrap_or_default().to_ascii_lowercase();
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                let Json::Text(text) = leaf else { return };
                let key = last_key(path).map(str::to_ascii_lowercase);
                let is_single = at_path.get(&keys(path)).is_some_and(|values| values.len() == 1);
                let score = match key.as_deref() {
                    Some(key) if ROOM_KEYS.contains(&key) => CERTAIN,
                    Some(key) if MAYBE_ROOM_KEYS.contains(&key) && is_single => 60,
                    None if path.len() == 1
                        && path[0] != "#0"
                        && JOIN_WORDS.iter().any(|word| event.contains(word)) =>
                    {
                        80
                    }
                    _ => return,
                };
                add(text, frame.peer, score);
            });
        }
        for (peer, one) in talk.peers.iter().enumerate() {
            for (key, value) in one.url.query_pairs() {
                let key = key.to_ascii_lowercase();
                if ROOM_KEYS.contains(&key.as_str()) || MAYBE_ROOM_KEYS.contains(&key.as_str()) {
                    add(&value, peer, CERTAIN);
                }
            }
            let last = segments(&one.url).pop();
            if let Some(last) = last.filter(|last| !PATH_WORDS.contains(&last.to_ascii_lowercase().as_str())) {
                add(&last, peer, 50);
            }
        }
        let is_id = |value: &str| self.ids.iter().flatten().any(|id| id.text() == Some(value));
        let shared = found
            .into_iter()
            .filter(|(value, (peers, _))| peers.len() == talk.peers.len() && !is_id(value) && !value.is_empty());
        let best = shared.max_by_key(|(_, (_, score))| *score);
        self.room_score = best.as_ref().map_or(0, |(_, (_, score))| *score);
        self.room = best.map(|(value, _)| value);
    }

    /// Values that a peer says of itself, always the same, and that differ from peer to peer.
    fn find_own(&mut self, talk: &Talk) {
        let mut said: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
        let mut originals: BTreeMap<String, Json> = BTreeMap::new();
        let mut foreign: BTreeSet<String> = BTreeSet::new();
        for frame in talk.frames.iter().filter(|frame| frame.sent) {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                let Some(key) = last_key(path).filter(|_| leaf.is_scalar()) else { return };
                let is_own_secret = leaf.text().is_some_and(|text| text.starts_with(MASKED))
                    && self
                        .first_seen
                        .get(&leaf.to_string())
                        .is_none_or(|seen| seen.frame.is_none_or(|at| talk.frames[at].sent));
                if self.peer(leaf).is_some()
                    || is_own_secret
                    || leaf.text().is_some_and(|text| is_description(text) || self.room.as_deref() == Some(text))
                {
                    foreign.insert(key.to_owned());
                    return;
                }
                let peers = said.entry(key.to_owned()).or_insert_with(|| vec![BTreeSet::new(); talk.peers.len()]);
                peers[frame.peer].insert(leaf.to_string());
                originals.insert(leaf.to_string(), leaf.clone());
                if self.owner(leaf) != Some(frame.peer) {
                    foreign.insert(key.to_owned());
                }
            });
        }
        for (key, peers) in said {
            let constant = peers.iter().all(|values| values.len() <= 1);
            let present = peers.iter().filter(|values| values.len() == 1).count();
            let distinct: BTreeSet<&String> = peers.iter().flatten().collect();
            let is_type = TYPE_KEYS.contains(&key.as_str());
            if constant && !is_type && present >= 2 && distinct.len() == present && !foreign.contains(&key) {
                let values = peers.iter().map(|values| values.first().and_then(|text| originals.get(text)).cloned());
                self.own.insert(key, values.collect());
            }
        }
    }

    /// Values that first stand in a frame with a description and come back, or differ from pair to pair.
    fn find_pairs(&mut self, talk: &Talk) {
        let mut uses: BTreeMap<String, (BTreeSet<usize>, usize)> = BTreeMap::new();
        let mut at_path: BTreeMap<Vec<String>, BTreeSet<String>> = BTreeMap::new();
        let carriers = || talk.frames.iter().enumerate().filter(|(_, frame)| frame.sent && frame.said.is_some());
        for (_, frame) in carriers() {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                let uses = uses.entry(leaf.to_string()).or_default();
                uses.0.insert(frame.peer);
                uses.1 += 1;
                at_path.entry(path.to_vec()).or_default().insert(leaf.to_string());
            });
        }
        for (at, frame) in carriers() {
            frame.body.leaves(&mut vec![], &mut |path, leaf| {
                let Some(key) = last_key(path).filter(|_| leaf.is_scalar()) else { return };
                let text = leaf.text().unwrap_or_default();
                let is_known = self.peer(leaf).is_some() || self.room.as_deref() == Some(text) || is_description(text);
                let seen = self.first_seen.get(&leaf.to_string());
                let is_new = seen.is_some_and(|seen| seen.frame == Some(at));
                let differs = at_path.get(path).is_some_and(|values| values.len() > 1);
                let is_back = uses.get(&leaf.to_string()).is_some_and(|(_, count)| *count > 1);
                let by_both = uses.get(&leaf.to_string()).is_some_and(|(peers, _)| peers.len() > 1);
                let is_made = is_random(leaf) || ((differs || by_both) && is_id_key(key) && leaf.text().is_some());
                if !is_known && is_new && is_back && is_made && !is_candidate_key(key) && !is_near(leaf, frame.at_us) {
                    self.pairs.entry(leaf.to_string()).or_insert_with(|| key.to_owned());
                }
            });
        }
    }

    fn find_rosters(&mut self, talk: &Talk) {
        fn look(values: &Values, body: &Json, path: &mut Vec<String>, found: &mut BTreeSet<Vec<String>>) {
            match body {
                Json::Object(entries) => {
                    for (key, inner) in entries {
                        path.push(key.clone());
                        look(values, inner, path, found);
                        path.pop();
                    }
                }
                Json::List(items) => {
                    let is_event = path.is_empty();
                    let names = |item: &Json| match item {
                        Json::Object(entries) => entries.iter().any(|(_, value)| values.peer(value).is_some()),
                        scalar => values.peer(scalar).is_some(),
                    };
                    if !is_event && !items.is_empty() && items.iter().all(names) {
                        found.insert(path.clone());
                        return;
                    }
                    for (at, item) in items.iter().enumerate() {
                        // The arguments of an event are told apart by their place; the items of a list are alike.
                        path.push(if is_event { format!("#{at}") } else { "#".to_owned() });
                        look(values, item, path, found);
                        path.pop();
                    }
                }
                _ => {}
            }
        }
        let mut found = BTreeSet::new();
        talk.frames.iter().for_each(|frame| look(self, &frame.body, &mut vec![], &mut found));
        self.rosters = found;
    }
}

/// The peer and place that first had each value, in order of time.
fn first_seen(talk: &Talk) -> BTreeMap<String, FirstSeen> {
    let mut seen: BTreeMap<String, (u64, FirstSeen)> = BTreeMap::new();
    let mut note = |value: &Json, at_us: u64, place: FirstSeen| {
        let entry = seen.entry(value.to_string()).or_insert((at_us, place));
        if at_us < entry.0 {
            *entry = (at_us, place);
        }
    };
    for (peer, one) in talk.peers.iter().enumerate() {
        let query = one.url.query_pairs().map(|(_, value)| value.into_owned());
        for value in query.chain(segments(&one.url)) {
            note(&Json::Text(value), one.began_us, FirstSeen { peer, frame: None });
        }
    }
    for (at, frame) in talk.frames.iter().enumerate() {
        frame.body.leaves(&mut vec![], &mut |_, leaf| {
            note(leaf, frame.at_us, FirstSeen { peer: frame.peer, frame: Some(at) });
        });
    }
    seen.into_iter().map(|(value, (_, place))| (value, place)).collect()
}

/// The segments of a URL's path, decoded, without empty ones.
pub(in crate::learning) fn segments(url: &Url) -> Vec<String> {
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    url.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).map(decoded).collect()
}

/// The first text of an event, or the value of the first key.
fn first_word(body: &Json) -> Option<&str> {
    match body {
        Json::List(items) => items.iter().find_map(Json::text),
        Json::Object(entries) => entries.first().and_then(|(_, value)| value.text()),
        other => other.text(),
    }
}

/// The path with each index of a list as the same key.
fn keys(path: &[String]) -> Vec<String> {
    path.iter().map(|key| if key.starts_with('#') { "#".to_owned() } else { key.clone() }).collect()
}

fn is_id_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("id")
        || ["from", "to", "sender", "target", "src", "dst", "peer", "user", "receiver"].contains(&key.as_str())
}

pub(in crate::learning) fn is_name_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.ends_with("name") || key.contains("nick")
}

fn is_candidate_key(key: &str) -> bool {
    ["candidate", "sdpMid", "sdpMLineIndex", "usernameFragment", "sdp"].contains(&key)
}

/// A time in milliseconds within an hour of the frame's.
pub(in crate::learning) fn is_near(leaf: &Json, at_us: u64) -> bool {
    const HOUR_MS: u64 = 3_600_000;
    match leaf {
        Json::Number(number) => number.as_u64().is_some_and(|ms| ms.abs_diff(at_us / 1_000) < HOUR_MS),
        _ => false,
    }
}
