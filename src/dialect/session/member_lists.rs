//! Runs `peers` steps: reports each peer of a member list whose state changes.

use super::Session;
use crate::dialect::Output;
use crate::dialect::compile::compiled::{Action, Step};
use crate::dialect::language::filter::text;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::language::roster::RosterEntry;
use crate::dialect::prefilter::list_items::Items;
use crate::dialect::prefilter::member_list::MemberList;
use crate::vocabulary::Heard;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;

impl Session {
    /// Reports each peer of a list; `later` is true for those after this peer.
    pub(super) fn run_peers_step(
        &mut self,
        now: Instant,
        step: &Step,
        locals: &mut [Value],
        touched: &mut Vec<String>,
    ) {
        let Action::Peers { list, at, each, member_list, id, later, whole, start, initiate } = &step.action else {
            return;
        };
        if !self.holds(now, step.when.as_ref(), true, locals, None) || !self.cooldown_over(now, step) {
            return;
        }
        self.set_variables(now, &step.set, locals);
        let slot = list.local().unwrap_or(*at);
        if slot == *at {
            locals[slot] = self.value(now, list, locals, None);
        }
        // The locals that an item binds are cleared before the next item.
        let free: Vec<usize> = (0..locals.len()).filter(|slot| slot == id || locals[*slot].is_null()).collect();
        let kept = std::mem::take(&mut locals[*id]);
        let own = self.own_id();
        let mut seen_own = false;
        let is_whole = self.holds(now, whole.as_ref(), false, locals, None);
        let mut listed = BTreeSet::new();
        let member_list = member_list.as_ref().filter(|_| !is_whole && self.dialect.is_steady);
        let starts = member_list.is_some() && self.holds(now, start.as_ref(), true, locals, None);
        if let (Action::Peers { member_list: Some(list), .. }, Value::String(text)) = (&step.action, &locals[slot])
            && list.is_text
        {
            let name = list.name.as_deref().unwrap_or_default();
            let items = Items::new(text, [&list.key, name])
                .filter(|(_, texts)| member_list.is_none_or(|list| !self.knows_texts(list, *texts, starts)));
            locals[slot] = items.filter_map(|(item, _)| serde_json::from_str::<Value>(item).ok()).collect();
        }
        for place in places(&locals[slot]) {
            let Some(item) = place.of(&mut locals[slot]) else { continue };
            if member_list.is_some_and(|member_list| self.knows(member_list, item, starts)) {
                continue;
            }
            let item = item.take();
            free.iter().for_each(|slot| locals[*slot] = Value::Null);
            locals[*later] = Value::Bool(seen_own);
            let fits = self.fits_item(&place, &item, each, *id, locals);
            if let Some(emptied) = place.of(&mut locals[slot]) {
                *emptied = item;
            }
            if !fits {
                continue;
            }
            let other = text(&locals[*id]);
            if other == own {
                seen_own = true;
                continue;
            }
            if other.is_empty() || !self.is_short(&other) {
                continue;
            }
            if self.state.members.entry(&other, &locals[*id]).is_none() {
                self.refused |= !std::mem::replace(&mut self.strangers_listed, true);
                continue;
            }
            if is_whole {
                listed.insert(other.clone());
            }
            self.update_entry(now, step, &other, locals, false);
            self.report_peer(now, &other, start.as_ref(), initiate.as_ref(), locals);
            touched.push(other);
        }
        free.iter().for_each(|slot| locals[*slot] = Value::Null);
        locals[*later] = Value::Null;
        locals[*id] = kept;
        if is_whole {
            let missed = self.state.members.missing_from(&listed);
            self.outputs.extend(missed.into_iter().map(|who| Output::Heard(Heard::Missed { who })));
        }
    }

    /// Binds the names of `each` from one item; the key of an object's entry is its id.
    fn fits_item(&self, place: &ItemPlace, item: &Value, each: &Pattern, id: usize, locals: &mut [Value]) -> bool {
        if let ItemPlace::Key(key) = place {
            locals[id] = Value::from(key.as_str());
            if matches!(each, Pattern::Bind { slot, .. } if *slot == id) {
                return true;
            }
        }
        each.fits(Some(item), &self.state.globals, locals)
    }

    /// The item reports no change. (In a burst of 100 joins, the lists mention each peer thousands of times.)
    fn knows(&self, member_list: &MemberList, item: &Value, starts: bool) -> bool {
        let Some(Value::String(id)) = item.get(&member_list.key) else { return false };
        let name = |key: &String| item.get(key).is_some_and(|name| !text(name).is_empty());
        self.is_settled(id, starts, || member_list.name.as_ref().is_some_and(name))
    }

    /// The same of the texts of an item's id and name; false if only parsing can tell.
    fn knows_texts(&self, member_list: &MemberList, [id, name]: [Option<&str>; 2], starts: bool) -> bool {
        id.is_some_and(|id| self.is_settled(id, starts, || member_list.name.is_some() && name != Some("")))
    }

    /// Another mention of the peer would report no change; `is_named` tells if the mention has a name.
    fn is_settled(&self, id: &str, starts: bool, is_named: impl Fn() -> bool) -> bool {
        let is_settled = |other: &RosterEntry| {
            other.is_settled(self.state.revision, starts) && (!other.name().is_empty() || !is_named())
        };
        self.state.members.get(id).is_some_and(is_settled)
    }
}

/// The place of an item in a roster.
enum ItemPlace {
    Index(usize),
    Key(String),
}

impl ItemPlace {
    fn of<'a>(&self, roster: &'a mut Value) -> Option<&'a mut Value> {
        match self {
            Self::Index(index) => roster.get_mut(index),
            Self::Key(key) => roster.get_mut(key),
        }
    }
}

/// The places of a list's items, or of an object's entries in the order of their keys.
fn places(roster: &Value) -> Vec<ItemPlace> {
    match roster {
        Value::Array(items) => (0..items.len()).map(ItemPlace::Index).collect(),
        Value::Object(entries) => entries.keys().cloned().map(ItemPlace::Key).collect(),
        _ => vec![],
    }
}
