//! The profile as a tree whose nodes keep the place they were written at.

use crate::vocabulary::{Problem, document};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

pub(crate) type Tree = BTreeMap<String, Node>;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub at: At,
    pub value: Value,
}

/// The place of a value, in order of precedence: a later one overrides an earlier one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Default,
    /// A line of the profile's text, from 1.
    Line(usize),
    /// A command line option as typed: `--rooms`, `--set rooms.size`.
    Option(String),
}

impl At {
    /// True if `other` has the higher precedence: default, profile, command line.
    pub(crate) fn is_overridden_by(&self, other: &At) -> bool {
        let rank = |at: &At| match at {
            At::Default => 0,
            At::Line(_) => 1,
            At::Option(_) => 2,
        };
        rank(self) < rank(other)
    }

    pub(crate) fn show(&self, file: &str) -> String {
        match self {
            At::Default => "a default".to_owned(),
            At::Line(line) => format!("{file}:{line}"),
            At::Option(option) => option.clone(),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Whole(i128),
    Decimal(f64),
    Flag(bool),
    List(Vec<Node>),
    Table(Tree),
    /// A value that no key accepts, by its description: a date, a number beyond all bounds.
    Stray(&'static str),
}

/// Parses a profile's text.
///
/// # Errors
/// Every syntax error, with its line.
pub(crate) fn parse(file: &str, text: &str) -> Result<Tree, Vec<Problem>> {
    let (table, lines) = document::read(file, text, "a profile")?;
    Ok(tree(&table, &|offset| At::Line(lines.at(offset))))
}

/// Parses a value of the command line: TOML if it is valid, else a string.
pub(crate) fn parse_value(text: &str, at: &At) -> Node {
    match DeValue::parse(text) {
        Ok(parsed) => node(parsed.get_ref(), at.clone(), &|_| at.clone()),
        Err(_) => Node { at: at.clone(), value: Value::Text(text.to_owned()) },
    }
}

/// Parses `key = value`; `None` if it is not TOML.
pub(crate) fn parse_assignment(text: &str, at: &At) -> Option<Tree> {
    DeTable::parse(text).ok().map(|table| tree(table.get_ref(), &|_| at.clone()))
}

/// Merges `over` into `base`: tables merge, other values are replaced.
pub(crate) fn merge(base: &mut Tree, over: Tree) {
    for (key, node) in over {
        match (base.get_mut(&key), node) {
            (Some(Node { at, value: Value::Table(below) }), Node { at: above_at, value: Value::Table(above) }) => {
                *at = above_at;
                merge(below, above);
            }
            (_, node) => {
                base.insert(key, node);
            }
        }
    }
}

/// Marks all values of `tree` as defaults.
pub(crate) fn mark_as_defaults(tree: &mut Tree) {
    for node in tree.values_mut() {
        node.at = At::Default;
        match &mut node.value {
            Value::Table(inner) => mark_as_defaults(inner),
            Value::List(list) => list.iter_mut().for_each(|item| item.at = At::Default),
            _ => {}
        }
    }
}

pub(crate) fn default_text(text: &str) -> Node {
    Node { at: At::Default, value: Value::Text(text.to_owned()) }
}

pub(crate) fn table_mut<'a>(tree: &'a mut Tree, name: &str) -> Option<&'a mut Tree> {
    match &mut tree.get_mut(name)?.value {
        Value::Table(inner) => Some(inner),
        _ => None,
    }
}

impl Value {
    /// The kind of value, for a message that expected another one.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Value::Text(_) => "a text",
            Value::Whole(_) | Value::Decimal(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
            Value::Stray(what) => what,
        }
    }
}

fn tree(table: &DeTable<'_>, at: &dyn Fn(usize) -> At) -> Tree {
    let entry = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let key: &toml::Spanned<std::borrow::Cow<'_, str>> = key;
        (key.get_ref().to_string(), node(value.get_ref(), at(key.span().start), at))
    };
    table.iter().map(entry).collect()
}

fn node(value: &DeValue<'_>, here: At, at: &dyn Fn(usize) -> At) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => match i128::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Whole(number),
            Err(_) => Value::Stray("a number beyond all bounds"),
        },
        DeValue::Float(number) => match number.as_str().parse() {
            Ok(number) => Value::Decimal(number),
            Err(_) => Value::Stray("a number that can't be read"),
        },
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Stray("a date"),
        DeValue::Array(list) => {
            Value::List(list.iter().map(|item| node(item.get_ref(), at(item.span().start), at)).collect())
        }
        DeValue::Table(table) => Value::Table(tree(table, at)),
    };
    Node { at: here, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let tree = parse("p", "name = \"a\"\n\n[rooms]\ncount = 1\nsize = { min = 2,\n max = 3 }\n").unwrap();
        let Value::Table(rooms) = &tree["rooms"].value else { panic!("no table") };
        assert_eq!(tree["name"].at, At::Line(1));
        assert_eq!(tree["rooms"].at, At::Line(3));
        assert_eq!(rooms["count"], Node { at: At::Line(4), value: Value::Whole(1) });
        let Value::Table(size) = &rooms["size"].value else { panic!("no table") };
        assert_eq!(size["max"].at, At::Line(6));
    }
}
