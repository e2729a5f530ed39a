//! The room's other peers as one peer knows them: ids, names, marks and pair variables.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The peers seen in frames or lists so far, by id; bounded, since a server may name more than a room can hold.
#[derive(Debug)]
pub(crate) struct Roster {
    known: BTreeMap<String, RosterEntry>,
    capacity: usize,
}

/// The state of one other peer.
#[derive(Clone, Debug, Default)]
pub(crate) struct RosterEntry {
    /// The id as received: a number stays a number.
    pub wire_id: Value,
    name: String,
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
    pub(crate) fn new(room_size: u16) -> Self {
        // Spare capacity for guests and for peers that reconnect under another id.
        Self { known: BTreeMap::new(), capacity: 4 * usize::from(room_size) + 64 }
    }

    /// The entry of `id`, created if it is new; `None` if the roster is full.
    pub(crate) fn entry(&mut self, id: &str, wire_id: &Value) -> Option<&mut RosterEntry> {
        if !self.known.contains_key(id) {
            if self.known.len() >= self.capacity {
                return None;
            }
            self.known.insert(id.to_owned(), RosterEntry { wire_id: wire_id.clone(), ..RosterEntry::default() });
        }
        self.known.get_mut(id)
    }

    pub(crate) fn get(&self, id: &str) -> Option<&RosterEntry> {
        self.known.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut RosterEntry> {
        self.known.get_mut(id)
    }

    /// Removes an entry; true if it was known.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        self.known.remove(id).is_some()
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
        missed
    }

    /// The peer whose pair variable `slot` has `value`.
    pub(crate) fn with_pair(&self, slot: usize, value: &Value) -> Option<&str> {
        self.known.iter().find(|(_, one)| one.pair.get(slot) == Some(value)).map(|(id, _)| id.as_str())
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
        self.known.keys().cloned().collect()
    }

    pub(crate) fn as_list(&self) -> Value {
        self.known.values().map(|entry| json!({ "id": entry.wire_id, "name": entry.name })).collect()
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
