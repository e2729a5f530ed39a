//! The room's other peers as one peer knows them: ids, names, marks and pair variables.

use crate::vocabulary::Naming;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::ops::Range;

/// The peers seen in frames or lists so far, by id. Each peer of the room has a place; strangers share a few, since a
/// server may name any number of them.
#[derive(Debug)]
pub(crate) struct Roster {
    known: FxHashMap<String, RosterEntry>,
    naming: Naming,
    /// The indices of the room's peers in the plan.
    room: Range<u32>,
    /// The ids of the room's peers that the naming does not tell, since the server or the dialect makes them.
    named: BTreeSet<String>,
    strangers_max: usize,
    strangers: usize,
}

/// The state of one other peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct RosterEntry {
    /// The id as received: a number stays a number.
    pub wire_id: Value,
    name: String,
    /// The peer is not known to be of this run.
    stranger: bool,
    /// The edge to the peer has ended, so a new stranger may take its place.
    gone: bool,
    /// A frame before the current one mentioned the peer.
    known: bool,
    /// The last complete list contained the peer.
    listed: bool,
    marks: Vec<bool>,
    /// The values of `[pair]`; empty until the offerer makes them or a frame sets them.
    pair: Vec<Value>,
    /// The last `(start, initiate)` reported for the peer.
    reported: Option<(bool, bool)>,
    /// The revision of the dialect's variables at that report; `None` once the entry has changed since.
    reported_at: Option<u64>,
}

impl Roster {
    /// An empty roster of the room whose peers have the indices `room`.
    pub(crate) fn new(naming: Naming, room: Range<u32>, strangers_max: usize) -> Self {
        Self { known: FxHashMap::default(), naming, room, named: BTreeSet::new(), strangers_max, strangers: 0 }
    }

    /// Adds places for strangers.
    pub(crate) fn add_places(&mut self, places: usize) {
        self.strangers_max += places;
    }

    /// Gives the id of one of the room's peers a place of its own.
    pub(crate) fn set_named(&mut self, id: &str) {
        self.named.insert(id.to_owned());
        if let Some(entry) = self.known.get_mut(id) {
            self.strangers -= usize::from(std::mem::take(&mut entry.stranger));
        }
    }

    /// Offers the place of a stranger to the next one.
    pub(crate) fn set_gone(&mut self, id: &str) {
        if let Some(entry) = self.known.get_mut(id) {
            entry.gone = true;
        }
    }

    /// The entry of `id`, created if it is new; `None` if there is no place for it.
    pub(crate) fn entry(&mut self, id: &str, wire_id: &Value) -> Option<&mut RosterEntry> {
        if !self.known.contains_key(id) {
            let stranger = match self.naming.index(id) {
                // A peer of another room.
                Some(index) if !self.room.contains(&index.0) => return None,
                Some(_) => false,
                None => !self.named.contains(id),
            };
            if stranger && self.strangers >= self.strangers_max {
                let gone = self.first(|entry| entry.stranger && entry.gone)?.to_owned();
                self.remove(&gone);
            }
            self.strangers += usize::from(stranger);
            let entry = RosterEntry { wire_id: wire_id.clone(), stranger, ..RosterEntry::default() };
            self.known.insert(id.to_owned(), entry);
        }
        self.known.get_mut(id)
    }

    /// The peer with this id is known to be of the room.
    pub(crate) fn is_of_room(&self, id: &str) -> bool {
        self.known.contains_key(id)
            || self.named.contains(id)
            || self.naming.index(id).is_some_and(|index| self.room.contains(&index.0))
    }

    /// The most peers that can have a place at once.
    pub(crate) fn places(&self) -> usize {
        self.room.len() + self.strangers_max
    }

    pub(crate) fn get(&self, id: &str) -> Option<&RosterEntry> {
        self.known.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut RosterEntry> {
        self.known.get_mut(id)
    }

    /// Removes an entry; true if it was known.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let removed = self.known.remove(id);
        self.strangers -= usize::from(removed.as_ref().is_some_and(|entry| entry.stranger));
        removed.is_some()
    }

    /// Forgets a peer that returns with a new session, and perhaps with another id.
    pub(crate) fn forget(&mut self, id: &str) {
        self.remove(id);
        self.named.remove(id);
    }

    /// Compares a complete list with the previous one, and returns the ids that it lacks, each once.
    pub(crate) fn missing_from(&mut self, list: &BTreeSet<String>) -> Vec<String> {
        let mut missed = vec![];
        for (id, entry) in &mut self.known {
            let was_listed = std::mem::replace(&mut entry.listed, list.contains(id));
            if was_listed && !entry.listed {
                missed.push(id.clone());
            }
        }
        missed.sort_unstable();
        missed
    }

    /// The peer whose pair variable `slot` has `value`.
    pub(crate) fn with_pair(&self, slot: usize, value: &Value) -> Option<&str> {
        self.first(|entry| entry.pair.get(slot) == Some(value))
    }

    /// Exchanges the pair variables of two peers.
    pub(crate) fn swap_pairs(&mut self, one: &str, other: &str) {
        let first = self.known.get_mut(one).map(|entry| std::mem::take(entry.pair_mut())).unwrap_or_default();
        let second = self.known.get_mut(other).map(|entry| std::mem::replace(entry.pair_mut(), first));
        if let (Some(entry), Some(second)) = (self.known.get_mut(one), second) {
            *entry.pair_mut() = second;
        }
    }

    pub(crate) fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.known.keys().cloned().collect();
        ids.sort_unstable();
        ids
    }

    /// The peers in the order of their ids.
    pub(crate) fn as_list(&self) -> Value {
        let mut entries: Vec<_> = self.known.iter().collect();
        entries.sort_unstable_by_key(|(id, _)| *id);
        entries.into_iter().map(|(_, entry)| json!({ "id": entry.wire_id, "name": entry.name })).collect()
    }

    /// The least id of the peers for which `is_meant` holds.
    fn first(&self, is_meant: impl Fn(&RosterEntry) -> bool) -> Option<&str> {
        self.known.iter().filter(|(_, entry)| is_meant(entry)).map(|(id, _)| id.as_str()).min()
    }
}

impl RosterEntry {
    pub(crate) fn mark(&mut self, slot: usize, flag: bool) {
        if self.marks.len() <= slot {
            self.marks.resize(slot + 1, false);
        }
        if std::mem::replace(&mut self.marks[slot], flag) != flag {
            self.reported_at = None;
        }
    }

    pub(crate) fn set_name(&mut self, name: String) {
        self.name = name;
        self.reported_at = None;
    }

    /// Marks the peer as mentioned before the next frame.
    pub(crate) fn mark_known(&mut self) {
        if !std::mem::replace(&mut self.known, true) {
            self.reported_at = None;
        }
    }

    /// The pair variables, for writing.
    pub(crate) fn pair_mut(&mut self) -> &mut Vec<Value> {
        self.reported_at = None;
        &mut self.pair
    }

    /// Another mention of the peer, with this `start`, would report no change.
    pub(crate) fn is_settled(&self, revision: u64, start: bool) -> bool {
        self.known && self.reported_at == Some(revision) && (self.started() || !start)
    }

    /// Records a report of `(start, initiate)`, and returns it if it differs from the last; a started pair stays so.
    /// `revision` is that of the dialect's variables, if `initiate` depends on them.
    pub(crate) fn change(&mut self, start: bool, initiate: bool, revision: Option<u64>) -> Option<(bool, bool)> {
        self.reported_at = revision;
        let change = (start || self.started(), initiate);
        (self.reported.replace(change) != Some(change)).then_some(change)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn is_known(&self) -> bool {
        self.known
    }

    pub(crate) fn is_marked(&self, slot: usize) -> bool {
        self.marks.get(slot).is_some_and(|mark| *mark)
    }

    pub(crate) fn pair(&self) -> &[Value] {
        &self.pair
    }

    pub(crate) fn started(&self) -> bool {
        self.reported.is_some_and(|(start, _)| start)
    }
}
