//! Evaluates names and conditions while a frame is received or written.

use super::expression::{ComparisonOperator, Expression};
use super::names::{Binding, Name};
use super::roster::{Roster, RosterEntry};
use crate::dialect::prefilter::list_items;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

/// The values that names refer to while a frame is received or written.
#[derive(Clone, Copy)]
pub(crate) struct LookupView<'a> {
    pub globals: &'a [Value],
    pub locals: &'a [Value],
    /// The local that may hold a list as text.
    pub list_text: Option<usize>,
    pub peer: Option<&'a RosterEntry>,
    pub members: &'a Roster,
    pub now_ms: u64,
    pub initiate: &'a Expression,
}

impl<'a> LookupView<'a> {
    /// The list `name` contains `item`; `list.key` is searched without building the list of its keys' values.
    pub(crate) fn lists(self, name: &Name, item: &Value) -> bool {
        let outer = match name.place {
            Binding::Global(slot) => self.globals.get(slot),
            Binding::Local(slot) => self.locals.get(slot),
            _ => None,
        };
        match (outer, name.item_key()) {
            (Some(Value::Array(items)), Some(key)) => {
                items.iter().any(|inner| inner.get(key).unwrap_or(&Value::Null) == item)
            }
            (Some(Value::String(list)), Some(key)) if self.list_text.is_some() && self.list_text == name.local() => {
                list_items::has(list, key, item)
            }
            _ => self.of(name).as_array().is_some_and(|items| items.contains(item)),
        }
    }

    pub(crate) fn of(self, name: &Name) -> Cow<'a, Value> {
        let flag = |flag: bool| Cow::Owned(Value::from(flag));
        let peer = self.peer;
        let value = match &name.place {
            Binding::Global(slot) => self.globals.get(*slot).map(Cow::Borrowed),
            Binding::Local(slot) => self.locals.get(*slot).map(Cow::Borrowed),
            Binding::Peer => peer.map(|peer| Cow::Borrowed(&peer.wire_id)),
            Binding::PeerName => peer.map(|peer| Cow::Owned(Value::from(peer.name()))),
            Binding::PeerKnown => peer.map(|peer| flag(peer.is_known())),
            Binding::PeerStarted => peer.map(|peer| flag(peer.started())),
            Binding::PeerInitiates => peer.map(|_| flag(self.initiate.holds(self))),
            Binding::PeerMark(slot) => peer.map(|peer| flag(peer.is_marked(*slot))),
            Binding::Pair(slot) => peer.and_then(|peer| peer.pair().get(*slot)).map(Cow::Borrowed),
            Binding::Members => Some(Cow::Owned(self.members.as_list())),
            Binding::Now => Some(Cow::Owned(Value::from(self.now_ms))),
            Binding::NowSeconds => Some(Cow::Owned(Value::from(self.now_ms / 1_000))),
        };
        let Some(value) = value else { return Cow::Owned(Value::Null) };
        name.path.iter().fold(value, |value, key| step(value, key))
    }
}

/// Follows one key of a path: an index of a list, or a key of each of its items.
fn step<'a>(value: Cow<'a, Value>, key: &str) -> Cow<'a, Value> {
    match value {
        Cow::Borrowed(Value::Object(entries)) => entries.get(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
        Cow::Owned(Value::Object(mut entries)) => Cow::Owned(entries.remove(key).unwrap_or(Value::Null)),
        Cow::Borrowed(Value::Array(items)) => match index(key) {
            Some(at) => items.get(at).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
            None => Cow::Owned(of_each(items, key)),
        },
        Cow::Owned(Value::Array(mut items)) => Cow::Owned(match index(key) {
            Some(at) => items.get_mut(at).map_or(Value::Null, Value::take),
            None => of_each(&items, key),
        }),
        _ => Cow::Owned(Value::Null),
    }
}

fn of_each(items: &[Value], key: &str) -> Value {
    items.iter().map(|item| item.get(key).cloned().unwrap_or(Value::Null)).collect()
}

/// The key as the index of a list's item.
fn index(key: &str) -> Option<usize> {
    key.parse().ok()
}

impl Expression {
    pub(crate) fn holds(&self, view: LookupView<'_>) -> bool {
        match self {
            Self::Not(inner) => !inner.holds(view),
            Self::All(parts) => parts.iter().all(|part| part.holds(view)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(view)),
            Self::Compare(left, ComparisonOperator::In, list) => match &**list {
                Self::Name(name) => view.lists(name, &left.value(view)),
                list => ComparisonOperator::In.holds(&left.value(view), &list.value(view)),
            },
            Self::Compare(left, comparison, right) => comparison.holds(&left.value(view), &right.value(view)),
            Self::Constant(value) => is_true(value),
            Self::Name(name) => is_true(&view.of(name)),
        }
    }

    pub(crate) fn value<'a>(&'a self, view: LookupView<'a>) -> Cow<'a, Value> {
        match self {
            Self::Constant(value) => Cow::Borrowed(value),
            Self::Name(name) => view.of(name),
            // `a or b` is its first true value, so that `b` can be the default of `a`.
            Self::Any(parts) => {
                let mut values = parts.iter().map(|part| part.value(view));
                let first = values.find(|value| is_true(value));
                first.unwrap_or(Cow::Owned(Value::Bool(false)))
            }
            other => Cow::Owned(Value::from(other.holds(view))),
        }
    }
}

impl ComparisonOperator {
    fn holds(self, left: &Value, right: &Value) -> bool {
        match self {
            Self::Equal => left == right,
            Self::Unequal => left != right,
            Self::Less => order(left, right) == Some(Ordering::Less),
            Self::Greater => order(left, right) == Some(Ordering::Greater),
            Self::In => right.as_array().is_some_and(|items| items.contains(left)),
        }
    }
}

/// Orders numbers by value and texts by their bytes; values of different types have no order.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(_) => true,
    }
}
