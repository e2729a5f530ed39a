//! The tree of a dialect file: each value has its line, tables keep the order of their keys.

use super::problem::{Problems, suggestion};
use crate::vocabulary::{document, problem::quoted};
use serde_json::Value;
use std::time::Duration;
use toml::de::{DeTable, DeValue};

/// The deepest nesting of values; bounds the recursion.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug)]
pub(crate) struct DialectNode {
    pub line: usize,
    pub value: Item,
}

#[derive(Clone, Debug)]
pub(crate) enum Item {
    Text(String),
    Whole(i64),
    Decimal(f64),
    Flag(bool),
    List(Vec<DialectNode>),
    /// The entries in file order, which is the order of a frame's keys on the wire.
    Table(Vec<(String, DialectNode)>),
}

/// Parses a file's text; `None` if it is no TOML, with every syntax error in `problems`.
pub(crate) fn parse(text: &str, problems: &mut Problems) -> Option<DialectNode> {
    match document::read(problems.file(), text, "a dialect") {
        Ok((table, lines)) => {
            Some(DialectNode { line: 1, value: table_of(&table, &|offset| lines.at(offset), problems, 0) })
        }
        Err(found) => {
            problems.take(found);
            None
        }
    }
}

fn table_of(table: &DeTable<'_>, line: &dyn Fn(usize) -> usize, problems: &mut Problems, depth: usize) -> Item {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, value)| (key.span().start, value.span().start));
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &toml::Spanned<std::borrow::Cow<'_, str>> = key;
        let at = line(key.span().start);
        (key.get_ref().to_string(), node_of(value.get_ref(), at, line, problems, depth + 1))
    };
    Item::Table(entries.into_iter().map(entry).collect())
}

fn node_of(
    value: &DeValue<'_>,
    at: usize,
    line: &dyn Fn(usize) -> usize,
    problems: &mut Problems,
    depth: usize,
) -> DialectNode {
    let mut stray = |what: &str| {
        problems.note(at, "", what);
        Item::Flag(false)
    };
    let value = match value {
        _ if depth > DEPTH_MAX => stray("nested too deep"),
        DeValue::String(text) => Item::Text(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Item::Whole(number),
            Err(_) => stray("a number beyond all bounds"),
        },
        DeValue::Float(number) => match number.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() => Item::Decimal(number),
            _ => stray("a number that JSON can't say"),
        },
        DeValue::Boolean(flag) => Item::Flag(*flag),
        DeValue::Datetime(_) => stray("a date has no place in a dialect; write it in quotes"),
        DeValue::Array(list) => {
            let item = |item: &toml::Spanned<DeValue<'_>>| {
                node_of(item.get_ref(), line(item.span().start), line, problems, depth + 1)
            };
            Item::List(list.iter().map(item).collect())
        }
        DeValue::Table(table) => table_of(table, line, problems, depth),
    };
    DialectNode { line: at, value }
}

impl DialectNode {
    pub(crate) fn key(&self, name: &str) -> Option<&DialectNode> {
        match &self.value {
            Item::Table(entries) => entries.iter().find(|(key, _)| key == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The entries of a table; empty for another value, which is a problem.
    pub(crate) fn entries(&self, path: &str, problems: &mut Problems) -> &[(String, DialectNode)] {
        match &self.value {
            Item::Table(entries) => entries,
            other => {
                problems.note(self.line, path, format!("is {}, where a table belongs", other.kind()));
                &[]
            }
        }
    }

    /// The items of a list; any other value is a list of one.
    pub(crate) fn items(&self) -> &[DialectNode] {
        match &self.value {
            Item::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    pub(crate) fn text(&self, path: &str, problems: &mut Problems) -> Option<&str> {
        match &self.value {
            Item::Text(text) => Some(text),
            other => {
                problems.note(self.line, path, format!("is {}, where a text belongs", other.kind()));
                None
            }
        }
    }

    pub(crate) fn flag(&self, path: &str, problems: &mut Problems) -> Option<bool> {
        match &self.value {
            Item::Flag(flag) => Some(*flag),
            other => {
                problems.note(self.line, path, format!("is {}, where true or false belongs", other.kind()));
                None
            }
        }
    }

    /// Parses `"250ms"`, `"5s"` or `"2m"`; at most 24 h.
    pub(crate) fn duration(&self, path: &str, problems: &mut Problems) -> Option<Duration> {
        let text = self.text(path, problems)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let number: Option<u64> = text[..digits].parse().ok();
        let unit_ms = match &text[digits..] {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            _ => None,
        };
        let ms = number.zip(unit_ms).and_then(|(number, unit)| number.checked_mul(unit));
        match ms {
            Some(ms) if ms <= 86_400_000 => Some(Duration::from_millis(ms)),
            _ => {
                problems.note(self.line, path, format!("{} is no time such as \"250ms\" or \"5s\"", quoted(text)));
                None
            }
        }
    }

    /// Reports every key that is not among `known`.
    pub(crate) fn check_keys(&self, path: &str, known: &[&str], problems: &mut Problems) {
        if let Item::Table(entries) = &self.value {
            for (key, node) in entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
                let near = suggestion(key, known.iter().copied());
                problems.note(node.line, path, format!("no key is called {}{near}", quoted(key)));
            }
        }
    }
}

impl Item {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Whole(_) | Self::Decimal(_) => "a number",
            Self::Flag(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }

    /// The JSON of a value without tables or lists.
    pub(crate) fn plain(&self) -> Option<Value> {
        Some(match self {
            Self::Text(text) => Value::from(text.as_str()),
            Self::Whole(number) => Value::from(*number),
            Self::Decimal(number) => Value::from(*number),
            Self::Flag(flag) => Value::from(*flag),
            Self::List(_) | Self::Table(_) => return None,
        })
    }
}
