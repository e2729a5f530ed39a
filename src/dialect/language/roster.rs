//! Whom a peer has heard of in its room, what it marked about them, and the pairs' own variables.

use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Everybody heard or listed so far, by id. A server may name more than a room can hold (faults.md 8).
#[derive(Debug)]
pub(crate) struct Roster {
    known: BTreeMap<String, RosterEntry>,
    capacity: usize,
}

/// One of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct RosterEntry {
    /// Its id as it came over the wire: a number stays one.
    pub wire_id: Value,
    name: String,
    /// It was heard of before the frame at hand.
    known: bool,
    /// The last list of everybody had it.
    listed: bool,
    marks: Vec<bool>,
    /// The values of `[pair]`; empty until the pair has them.
    pair: Vec<Value>,
    /// What was last told of it: (start, initiate).
    reported: Option<(bool, bool)>,
    /// The revision of the dialect's variables when it was told; none once anything of its own has changed.
    reported_at: Option<u64>,
}

impl Roster {
    pub fn new(room_size: u16) -> Self {
        // Room for guests and for those who come again under another id.
        Self { known: BTreeMap::new(), capacity: 4 * usize::from(room_size) + 64 }
    }

    /// The entry of `id`, made now if it is new and there is room.
    pub fn entry(&mut self, id: &str, wire_id: &Value) -> Option<&mut RosterEntry> {
        if !self.known.contains_key(id) {
            if self.known.len() >= self.capacity {
                return None;
            }
            self.known.insert(id.to_owned(), RosterEntry { wire_id: wire_id.clone(), ..RosterEntry::default() });
        }
        self.known.get_mut(id)
    }

    pub fn get(&self, id: &str) -> Option<&RosterEntry> {
        self.known.get(id)
    }

    pub fn get_mut(&mut self, id: &str) -> Option<&mut RosterEntry> {
        self.known.get_mut(id)
    }

    /// Whether it was known.
    pub fn remove(&mut self, id: &str) -> bool {
        self.known.remove(id).is_some()
    }

    /// Marks those on a list of everybody, and gives those who were on the one before and aren't on this one: once each.
    pub fn missing_from(&mut self, list: &BTreeSet<String>) -> Vec<String> {
        let mut missed = vec![];
        for (id, entry) in &mut self.known {
            let was_listed = std::mem::replace(&mut entry.listed, list.contains(id));
            if was_listed && !entry.listed {
                missed.push(id.clone());
            }
        }
        missed
    }

    /// Whose pair has `value` at `slot`.
    pub fn with_pair(&self, slot: usize, value: &Value) -> Option<&str> {
        self.known.iter().find(|(_, one)| one.pair.get(slot) == Some(value)).map(|(id, _)| id.as_str())
    }

    /// Exchanges the pairs' variables of two.
    pub fn swap_pairs(&mut self, one: &str, other: &str) {
        let first = self.known.get_mut(one).map(|entry| std::mem::take(entry.pair_mut())).unwrap_or_default();
        let second = self.known.get_mut(other).map(|entry| std::mem::replace(entry.pair_mut(), first));
        if let (Some(entry), Some(second)) = (self.known.get_mut(one), second) {
            *entry.pair_mut() = second;
        }
    }

    pub fn ids(&self) -> Vec<String> {
        self.known.keys().cloned().collect()
    }

    pub fn as_list(&self) -> Value {
        self.known.values().map(|entry| json!({ "id": entry.wire_id, "name": entry.name })).collect()
    }
}

impl RosterEntry {
    pub fn mark(&mut self, slot: usize, flag: bool) {
        if self.marks.len() <= slot {
            self.marks.resize(slot + 1, false);
        }
        if std::mem::replace(&mut self.marks[slot], flag) != flag {
            self.reported_at = None;
        }
    }

    pub fn set_name(&mut self, name: String) {
        self.name = name;
        self.reported_at = None;
    }

    /// The frame at hand is over: from now on it was heard of before.
    pub fn mark_known(&mut self) {
        if !std::mem::replace(&mut self.known, true) {
            self.reported_at = None;
        }
    }

    /// A pair's variables, to be written.
    pub fn pair_mut(&mut self) -> &mut Vec<Value> {
        self.reported_at = None;
        &mut self.pair
    }

    /// Whether another mention, that would begin its handshake or not, says nothing new of it.
    pub fn is_settled(&self, revision: u64, start: bool) -> bool {
        self.known && self.reported_at == Some(revision) && (self.started() || !start)
    }

    /// What telling the peer `(start, initiate)` would tell it anew; a pair once started stays so. `revision`: of the
    /// dialect's variables, if `initiate` follows from them.
    pub fn change(&mut self, start: bool, initiate: bool, revision: Option<u64>) -> Option<(bool, bool)> {
        self.reported_at = revision;
        let change = (start || self.started(), initiate);
        (self.reported.replace(change) != Some(change)).then_some(change)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn is_known(&self) -> bool {
        self.known
    }

    pub fn is_marked(&self, slot: usize) -> bool {
        self.marks.get(slot).is_some_and(|mark| *mark)
    }

    pub fn pair(&self) -> &[Value] {
        &self.pair
    }

    pub fn started(&self) -> bool {
        self.reported.is_some_and(|(start, _)| start)
    }
}
