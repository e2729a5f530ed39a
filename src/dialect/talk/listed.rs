//! Lists of who is there: each of them told of, as far as it says anything new.

use super::Talk;
use crate::dialect::Output;
use crate::dialect::acquaintance::Acquaintance;
use crate::dialect::filter::text;
use crate::dialect::names::Place;
use crate::dialect::pattern::Pattern;
use crate::dialect::script::{Deed, Script, Step};
use crate::vocabulary::message::Heard;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;

impl Talk {
    /// Tells of each of a list; `later` is whether this peer stands before it.
    pub(super) fn perform_peers(&mut self, now: Instant, step: &Step, locals: &mut [Value], touched: &mut Vec<String>) {
        let Deed::Peers { list, at, each, id, later, whole, start, initiate } = &step.deed else { return };
        if !self.holds(now, step.when.as_ref(), true, locals, None) || !self.rested(now, step) {
            return;
        }
        self.apply(now, &step.set, locals);
        let slot = list.local().unwrap_or(*at);
        if slot == *at {
            locals[slot] = self.value(now, list, locals, None);
        }
        // What one of them binds is forgotten before the next.
        let free: Vec<usize> = (0..locals.len()).filter(|slot| slot == id || locals[*slot].is_null()).collect();
        let kept = std::mem::take(&mut locals[*id]);
        let own = self.own_id();
        let mut seen_own = false;
        let is_whole = self.holds(now, whole.as_ref(), false, locals, None);
        let mut listed = BTreeSet::new();
        let script = self.script.clone();
        let brief = if is_whole { None } else { Brief::of(step, &script, &free) };
        let starts = brief.is_some() && self.holds(now, start.as_ref(), true, locals, None);
        for position in 0..locals[slot].as_array().map_or(0, Vec::len) {
            if brief.as_ref().is_some_and(|brief| self.knows(brief, &locals[slot][position], starts)) {
                continue;
            }
            free.iter().for_each(|slot| locals[*slot] = Value::Null);
            locals[*later] = Value::Bool(seen_own);
            let item = std::mem::take(&mut locals[slot][position]);
            let fits = each.fits(Some(&item), &self.state.globals, locals);
            locals[slot][position] = item;
            if !fits {
                continue;
            }
            let other = text(&locals[*id]);
            if other == own {
                seen_own = true;
                continue;
            }
            if other.is_empty() || self.state.members.meet(&other, &locals[*id]).is_none() {
                continue;
            }
            if is_whole {
                listed.insert(other.clone());
            }
            self.note(now, step, &other, locals, false);
            self.tell(now, &other, start.as_ref(), initiate.as_ref(), locals);
            touched.push(other);
        }
        free.iter().for_each(|slot| locals[*slot] = Value::Null);
        locals[*later] = Value::Null;
        locals[*id] = kept;
        if is_whole {
            let missed = self.state.members.missed_in(&listed);
            self.outputs.extend(missed.into_iter().map(|who| Output::Heard(Heard::Missed { who })));
        }
    }

    /// Whether the item names somebody of whom it says nothing new. (A hundred that come at once tell each other of all
    /// others thousands of times.)
    fn knows(&self, brief: &Brief<'_>, item: &Value, starts: bool) -> bool {
        let Some(Value::String(id)) = item.get(brief.key) else { return false };
        let names = || brief.name.and_then(|name| item.get(name)).is_some_and(|name| !text(name).is_empty());
        let is_old = |other: &Acquaintance| {
            other.is_settled(self.state.revision, starts) && (!other.name().is_empty() || !names())
        };
        self.state.members.get(id).is_some_and(is_old)
    }
}

/// A list whose items say who is there, and nothing else that anything hangs on.
struct Brief<'a> {
    /// Where the id lies.
    key: &'a str,
    /// And the name, if they tell it.
    name: Option<&'a str>,
}

impl<'a> Brief<'a> {
    /// `free`: the locals that each item binds anew.
    fn of(step: &'a Step, script: &Script, free: &[usize]) -> Option<Self> {
        let Deed::Peers { each: Pattern::Table(entries), id, later, start, initiate: None, .. } = &step.deed else {
            return None;
        };
        let of_an_item = |place: &Place| match place {
            Place::Local(slot) => slot == later || free.contains(slot),
            Place::Global(_) | Place::Now => false,
            _ => true,
        };
        let of_more = |place: &Place| matches!(place, Place::Local(_) | Place::Members | Place::Now);
        let hangs = start.as_ref().is_some_and(|start| start.reads(&of_an_item)) || script.initiate.reads(&of_more);
        if hangs || !step.marks.is_empty() || !step.capture.is_empty() {
            return None;
        }
        let plain = |pattern: &Pattern| match pattern {
            Pattern::Bind { slot, filters, optional } if filters.is_empty() && free.contains(slot) => {
                (*optional || slot == id).then_some(*slot)
            }
            _ => None,
        };
        let bound = entries.iter().map(|(key, pattern)| Some((key.as_str(), plain(pattern)?)));
        let bound: Vec<(&str, usize)> = bound.collect::<Option<_>>()?;
        let key_of = |slot: usize| bound.iter().find(|(_, other)| *other == slot).map(|(key, _)| *key);
        let name = match &step.name {
            Some(name) => Some(key_of(name.local()?)?),
            None => None,
        };
        Some(Self { key: key_of(*id)?, name })
    }
}
