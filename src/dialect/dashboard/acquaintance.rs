//! Whom a peer has heard of in its room, and what follows from how it did.

use super::wire::Participant;
use std::collections::BTreeMap;

/// Everybody of the room that was heard or listed so far.
#[derive(Debug, Default)]
pub struct Acquaintances {
    known: BTreeMap<String, Acquaintance>,
}

/// One of them.
#[derive(Clone, Debug, Default)]
pub struct Acquaintance {
    pub name: String,
    /// It joined after this peer did, as far as can be told.
    pub newcomer: bool,
    /// Its trigger message was heard.
    pub triggered: bool,
    /// The last list showed it.
    pub listed: bool,
    /// What was last told of it: (start, initiate).
    told: Option<(bool, bool)>,
}

impl Acquaintances {
    /// The entry of `id`, made now if it is new.
    pub fn meet(&mut self, id: &str, name: &str) -> &mut Acquaintance {
        let entry = self.known.entry(id.to_owned()).or_default();
        if entry.name.is_empty() {
            name.clone_into(&mut entry.name);
        }
        entry
    }

    pub fn forget(&mut self, id: &str) {
        self.known.remove(id);
    }

    pub fn is_known(&self, id: &str) -> bool {
        self.known.contains_key(id)
    }

    /// Those whom lists have shown, and this one does not; each is told once.
    pub fn missed_in(&mut self, list: &[Participant]) -> Vec<String> {
        let mut missed = vec![];
        // Lists are many, and mostly nobody is missing: then as many are listed as the list has.
        let others = list.len().saturating_sub(1);
        if self.known.values().filter(|entry| entry.listed).count() <= others {
            return missed;
        }
        for (id, entry) in &mut self.known {
            if entry.listed && !list.iter().any(|listed| listed.id == *id) {
                entry.listed = false;
                missed.push(id.clone());
            }
        }
        missed
    }

    /// For `existingParticipants`.
    pub fn participants(&self) -> Vec<Participant> {
        self.known.iter().map(|(id, entry)| Participant { id: id.clone(), name: entry.name.clone() }).collect()
    }
}

impl Acquaintance {
    /// Whether telling the peer `(start, initiate)` would tell it anything new; an edge once started stays so.
    pub fn is_news(&mut self, start: bool, initiate: bool) -> bool {
        let before = self.told;
        let started = start || before.is_some_and(|(start, _)| start);
        self.told = Some((started, initiate));
        self.told != before
    }

    pub fn started(&self) -> bool {
        self.told.is_some_and(|(start, _)| start)
    }
}
