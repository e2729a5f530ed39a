//! Patterns of frames: literals and known names must be equal, new names are bound to the value.

use super::document::{DialectNode, Item};
use super::filter::{Filter, text};
use super::names::{Binding, Scope};
use super::problem::Problems;
use super::template::{NULL, hole_parts, pieces};
use serde_json::Value;

/// The key in a table's pattern whose inner pattern may match an object at any depth.
pub(crate) const ANYWHERE: &str = "{anywhere}";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Pattern {
    Equal(Value),
    /// The value of a variable.
    Same(usize),
    /// Binds the value, or compares it with the one that this frame has bound to the slot before.
    Bind {
        slot: usize,
        filters: Vec<Filter>,
        optional: bool,
    },
    /// `{_}`: any value.
    Present,
    /// `{absent}`: no such key.
    Absent,
    Text(Vec<PatternPart>),
    /// The first items of a list; more may follow.
    List(Vec<Pattern>),
    /// `{ "{some}" = … }`: an item of the list fits.
    Some(Box<Pattern>),
    /// `"{anywhere}" = …` among a table's keys: an object at any depth in it fits.
    Anywhere(Box<Pattern>),
    Table(Vec<(String, Pattern)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PatternPart {
    Literal(String),
    Same(usize),
    Bind {
        slot: usize,
        filters: Vec<Filter>,
    },
    /// `{_}` within a text.
    Any,
}

impl Pattern {
    pub(crate) fn compile(node: &DialectNode, path: &str, scope: &mut Scope<'_>, problems: &mut Problems) -> Self {
        match &node.value {
            Item::Text(written) => Self::parse(written, scope).unwrap_or_else(|message| {
                problems.note(node.line, path, message);
                Self::Absent
            }),
            Item::List(items) => {
                Self::List(items.iter().map(|item| Self::compile(item, path, scope, problems)).collect())
            }
            Item::Table(entries) => match entries.as_slice() {
                [(key, inner)] if key == "{some}" => {
                    Self::Some(Box::new(Self::compile(inner, &format!("{path}.some"), scope, problems)))
                }
                _ => {
                    let mut compiled = vec![];
                    for (key, inner) in entries {
                        if key == ANYWHERE {
                            let inner = Self::compile(inner, &format!("{path}.anywhere"), scope, problems);
                            compiled.push((key.clone(), Self::Anywhere(Box::new(inner))));
                            continue;
                        }
                        compiled.push((key.clone(), Self::compile(inner, &format!("{path}.{key}"), scope, problems)));
                    }
                    Self::Table(compiled)
                }
            },
            plain => Self::Equal(plain.plain().unwrap_or_default()),
        }
    }

    fn parse(written: &str, scope: &mut Scope<'_>) -> Result<Self, String> {
        if written == NULL {
            return Ok(Self::Equal(Value::Null));
        }
        let mut parts = vec![];
        for piece in pieces(written)? {
            let hole = match piece {
                Ok(literal) => {
                    parts.push(PatternPart::Literal(literal));
                    continue;
                }
                Err(hole) => hole,
            };
            let is_alone = written.len() == hole.len() + 2;
            if matches!(parts.last(), Some(PatternPart::Same(_) | PatternPart::Bind { .. } | PatternPart::Any)) {
                return Err("two holes with nothing between them can't be told apart".to_owned());
            }
            match hole.as_str() {
                "absent" | "null" if !is_alone => return Err(format!("{{{hole}}} stands alone, or not at all")),
                "_" if is_alone => return Ok(Self::Present),
                "_" => {
                    parts.push(PatternPart::Any);
                    continue;
                }
                "absent" => return Ok(Self::Absent),
                _ => {}
            }
            let (name, filters) = hole_parts(&hole)?;
            let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
            if !is_name(name) {
                return Err(format!("\"{name}\" is no name; a name has letters, digits, _ and -"));
            }
            let known =
                scope.locals.iter().all(|local| local != name).then(|| scope.resolve(name)).and_then(Result::ok);
            let part = match known.map(|name| name.place) {
                Some(Binding::Global(_)) if !filters.is_empty() => {
                    return Err(format!(
                        "{{{hole}}} is known already, so it compares, and filters nothing; bind another name"
                    ));
                }
                Some(Binding::Global(slot)) => PatternPart::Same(slot),
                Some(_) => return Err(format!("\"{name}\" can't be compared with; bind another name, and use where")),
                None => PatternPart::Bind { slot: scope.local(name), filters },
            };
            match part {
                PatternPart::Bind { slot, filters } if is_alone => return Ok(Self::Bind { slot, filters, optional }),
                PatternPart::Same(slot) if is_alone => return Ok(Self::Same(slot)),
                part => parts.push(part),
            }
        }
        Ok(match parts.as_slice() {
            [PatternPart::Literal(literal)] => Self::Equal(Value::from(literal.as_str())),
            _ => Self::Text(parts),
        })
    }

    /// The slots of the variables that the pattern compares with.
    pub(crate) fn compared(&self, slots: &mut Vec<usize>) {
        match self {
            Self::Same(slot) => slots.push(*slot),
            Self::Text(parts) => {
                slots.extend(
                    parts.iter().filter_map(|part| if let PatternPart::Same(slot) = part { Some(*slot) } else { None }),
                );
            }
            Self::List(items) => items.iter().for_each(|item| item.compared(slots)),
            Self::Some(inner) | Self::Anywhere(inner) => inner.compared(slots),
            Self::Table(entries) => entries.iter().for_each(|(_, inner)| inner.compared(slots)),
            Self::Equal(_) | Self::Bind { .. } | Self::Present | Self::Absent => {}
        }
    }

    /// The pattern compares with a variable.
    pub(crate) fn compares(&self) -> bool {
        let mut slots = vec![];
        self.compared(&mut slots);
        !slots.is_empty()
    }

    /// Matches `value`, and binds values into `locals`, which start as null.
    pub(crate) fn fits(&self, value: Option<&Value>, globals: &[Value], locals: &mut [Value]) -> bool {
        match (self, value) {
            (Self::Absent, value) => value.is_none(),
            (Self::Bind { optional: true, .. }, None) => true,
            (_, None) => false,
            (Self::Present, Some(_)) => true,
            (Self::Equal(expected), Some(value)) => value == expected,
            (Self::Same(slot), Some(value)) => !value.is_null() && globals.get(*slot) == Some(value),
            (Self::Bind { slot, filters, .. }, Some(value)) => bind(*slot, filters, value.clone(), locals),
            (Self::Text(parts), Some(Value::String(written))) => fits_text(parts, written, globals, locals),
            (Self::List(patterns), Some(Value::Array(items))) => {
                patterns.iter().enumerate().all(|(at, pattern)| pattern.fits(items.get(at), globals, locals))
            }
            (Self::Some(pattern), Some(Value::Array(items))) => {
                let before = locals.to_vec();
                items.iter().any(|item| {
                    locals.clone_from_slice(&before);
                    pattern.fits(Some(item), globals, locals)
                })
            }
            (Self::Table(patterns), Some(table @ Value::Object(entries))) => {
                patterns.iter().all(|(key, pattern)| match pattern {
                    Self::Anywhere(inner) => inner.fits_within(table, globals, locals),
                    pattern => pattern.fits(entries.get(key), globals, locals),
                })
            }
            _ => false,
        }
    }

    /// Matches like `fits`, and moves bound values out of `value` where it can, instead of cloning them; a `value` that does
    /// not match stays whole. (In a burst of 100 joins, copies of member lists would be a tenth of the CPU.)
    pub(crate) fn fits_moving(&self, value: &mut Value, globals: &[Value], locals: &mut [Value]) -> bool {
        let mut slots = vec![];
        match self.is_movable(&mut slots) {
            true => self.holds_unbound(Some(value), globals) && self.move_bound(value, locals),
            false => self.fits(Some(value), globals, locals),
        }
    }

    /// A table whose names are bound once each and without filters: whether it matches does not depend on the bound values.
    pub(crate) fn is_movable(&self, slots: &mut Vec<usize>) -> bool {
        match self {
            Self::Bind { slot, filters, .. } => {
                let is_first = !slots.contains(slot);
                slots.push(*slot);
                is_first && filters.is_empty()
            }
            Self::Table(patterns) => patterns.iter().all(|(_, pattern)| pattern.is_movable(slots)),
            Self::Equal(_) | Self::Same(_) | Self::Present | Self::Absent => true,
            Self::Text(_) | Self::List(_) | Self::Some(_) | Self::Anywhere(_) => false,
        }
    }

    fn holds_unbound(&self, value: Option<&Value>, globals: &[Value]) -> bool {
        match (self, value) {
            (Self::Bind { optional, .. }, value) => *optional || value.is_some(),
            (Self::Table(patterns), Some(Value::Object(entries))) => {
                patterns.iter().all(|(key, pattern)| pattern.holds_unbound(entries.get(key), globals))
            }
            (pattern, value) => pattern.fits(value, globals, &mut []),
        }
    }

    fn move_bound(&self, value: &mut Value, locals: &mut [Value]) -> bool {
        match (self, value) {
            (Self::Bind { slot, .. }, value) => locals[*slot] = value.take(),
            (Self::Table(patterns), Value::Object(entries)) => {
                for (key, pattern) in patterns {
                    entries.get_mut(key).map(|value| pattern.move_bound(value, locals));
                }
            }
            _ => {}
        }
        true
    }

    /// Matches a table like `fits`, and moves bound values into `locals` instead of cloning them.
    pub(crate) fn fits_object(
        keys: &[(String, Pattern)],
        mut object: Value,
        globals: &[Value],
        locals: &mut [Value],
    ) -> bool {
        keys.iter().all(|(key, pattern)| {
            let value = object.as_object_mut().and_then(|entries| entries.remove(key));
            match (pattern, value) {
                (Self::Bind { slot, filters, .. }, Some(value)) => bind(*slot, filters, value, locals),
                (pattern, value) => pattern.fits(value.as_ref(), globals, locals),
            }
        })
    }

    /// Matches any object inside `value`, at any depth.
    fn fits_within(&self, value: &Value, globals: &[Value], locals: &mut [Value]) -> bool {
        let before = locals.to_vec();
        let mut fits = |inner: &Value| {
            if inner.is_object() && self.fits(Some(inner), globals, locals) {
                return true;
            }
            locals.clone_from_slice(&before);
            self.fits_within(inner, globals, locals)
        };
        match value {
            Value::Object(entries) => entries.values().any(&mut fits),
            Value::Array(items) => items.iter().any(&mut fits),
            _ => false,
        }
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn bind(slot: usize, filters: &[Filter], value: Value, locals: &mut [Value]) -> bool {
    let Some(value) = filters.iter().rev().try_fold(value, |value, filter| filter.read(value)) else { return false };
    match locals.get_mut(slot) {
        Some(bound) if bound.is_null() => {
            *bound = value;
            true
        }
        Some(bound) => *bound == value,
        None => false,
    }
}

/// Matches text with holes; each hole takes the shortest text up to the next literal.
fn fits_text(parts: &[PatternPart], written: &str, globals: &[Value], locals: &mut [Value]) -> bool {
    let mut rest = written;
    for (at, part) in parts.iter().enumerate() {
        match part {
            PatternPart::Literal(literal) => match rest.strip_prefix(literal.as_str()) {
                Some(after) => rest = after,
                None => return false,
            },
            PatternPart::Same(slot) => {
                match globals.get(*slot).map(text).and_then(|same| rest.strip_prefix(same.as_str())) {
                    Some(after) => rest = after,
                    None => return false,
                }
            }
            PatternPart::Bind { .. } | PatternPart::Any => {
                let end = match parts.get(at + 1) {
                    Some(PatternPart::Literal(next)) => match rest.find(next.as_str()) {
                        Some(end) => end,
                        None => return false,
                    },
                    _ => rest.len(),
                };
                if let PatternPart::Bind { slot, filters } = part
                    && !bind(*slot, filters, Value::from(&rest[..end]), locals)
                {
                    return false;
                }
                rest = &rest[end..];
            }
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_moving_match_binds_as_a_copying_one_does_and_moves_nothing_when_it_fails() {
        let bind = |slot, optional| Pattern::Bind { slot, filters: vec![], optional };
        let table = |entries: Vec<(&str, Pattern)>| {
            Pattern::Table(entries.into_iter().map(|(key, pattern)| (key.to_owned(), pattern)).collect())
        };
        let plain = |second| {
            let data = table(vec![("room", Pattern::Same(0)), ("list", bind(0, false)), ("name", bind(second, true))]);
            table(vec![("type", Pattern::Equal(json!("joined"))), ("data", data), ("left", Pattern::Absent)])
        };
        let globals = [json!("r")];
        for frame in [
            json!({ "type": "joined", "data": { "room": "r", "list": [{ "id": 1 }], "name": "n" } }),
            json!({ "type": "joined", "data": { "room": "r", "list": ["n"] } }),
            json!({ "type": "joined", "data": { "room": "r", "list": "n", "name": "n" } }),
            json!({ "type": "joined", "data": { "room": "r", "name": "n" } }),
            json!({ "type": "joined", "data": { "room": "other", "list": [], "name": "n" } }),
            json!({ "type": "joined", "data": { "room": "r", "list": [], "name": "n" }, "left": 1 }),
            json!({ "type": "joined", "data": ["r"] }),
            json!("joined"),
        ] {
            // With one slot for both, the second value has to equal the first.
            for pattern in [plain(1), plain(0)] {
                let (mut copied, mut moved, mut value) =
                    ([Value::Null, Value::Null], [Value::Null, Value::Null], frame.clone());
                let fits = pattern.fits(Some(&frame), &globals, &mut copied);
                assert_eq!(pattern.fits_moving(&mut value, &globals, &mut moved), fits, "{frame}");
                assert!(if fits { moved == copied } else { value == frame }, "{frame}");
            }
        }
    }
}
