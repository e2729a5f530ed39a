//! Templates of frames: values with holes, compiled once; `"{x}"` alone yields `x` with its JSON type.

use super::document::{DialectNode, Item};
use super::evaluate::LookupView;
use super::filter::{Filter, text};
use super::names::{Binding, Name, Scope};
use super::problem::{Problems, suggestion};
use crate::vocabulary::problem::quoted;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;

/// JSON's null, which TOML has no word for.
pub(crate) const NULL: &str = "{null}";

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Template {
    /// A constant and its JSON.
    Fixed(Value, String),
    Hole(Hole),
    Text(Vec<Piece>),
    List(Vec<Template>),
    /// Entries whose keys are encoded as JSON.
    Table(Vec<(String, Template)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    Literal(String),
    Hole(Hole),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hole {
    source: HoleSource,
    filters: Vec<Filter>,
    /// `{x?}`: its key is omitted if the value is null.
    optional: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum HoleSource {
    Name(Name),
    /// Lower-case letters and digits, 1 to 256 of them.
    Random(usize),
    /// Digits, 1 to 18 of them, the first not 0.
    Digits(usize),
    Uuid,
}

/// Splits `a{b}c` into literals (`Ok`) and the content of holes (`Err`); `{{` and `}}` are braces.
///
/// # Errors
/// A single brace.
pub(crate) fn pieces(written: &str) -> Result<Vec<Result<String, String>>, String> {
    let mut pieces: Vec<Result<String, String>> = vec![];
    let mut literal = String::new();
    let mut rest = written;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            literal.push_str(brace);
            rest = &rest[at + 2..];
            continue;
        }
        let end = rest[at..].find('}').filter(|_| brace == "{");
        let Some(end) = end else { return Err(format!("{}: a brace alone; write {{{{ or }}}}", quoted(written))) };
        if !literal.is_empty() {
            pieces.push(Ok(std::mem::take(&mut literal)));
        }
        pieces.push(Err(rest[at + 1..at + end].trim().to_owned()));
        rest = &rest[at + end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() || pieces.is_empty() {
        pieces.push(Ok(literal));
    }
    Ok(pieces)
}

/// Splits `name|filter|filter` into the name and its filters.
///
/// # Errors
/// An unknown filter.
pub(crate) fn hole_parts(hole: &str) -> Result<(&str, Vec<Filter>), String> {
    let mut parts = hole.split('|').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let filter = |written: &str| {
        Filter::named(written).ok_or_else(|| {
            let near = suggestion(written, Filter::NAMES);
            format!("no filter is called {}{near}", quoted(written))
        })
    };
    Ok((name, parts.map(filter).collect::<Result<_, _>>()?))
}

impl Template {
    /// Compiles a value of the file; one with a problem becomes null.
    pub(crate) fn compile(node: &DialectNode, path: &str, scope: &Scope<'_>, problems: &mut Problems) -> Self {
        let template = match &node.value {
            Item::Text(written) => Self::parse(written, scope).unwrap_or_else(|message| {
                problems.note(node.line, path, message);
                fixed(Value::Null)
            }),
            Item::List(items) => {
                Self::List(items.iter().map(|item| Self::compile(item, path, scope, problems)).collect())
            }
            Item::Table(entries) => {
                let entry = |(key, node): &(String, DialectNode)| {
                    let at = format!("{path}.{key}");
                    (Value::from(key.as_str()).to_string(), Self::compile(node, &at, scope, problems))
                };
                Self::Table(entries.iter().map(entry).collect())
            }
            plain => fixed(plain.plain().unwrap_or_default()),
        };
        template.folded()
    }

    /// Compiles text with holes.
    ///
    /// # Errors
    /// A single brace, an unknown name or filter, or a length out of range.
    pub(crate) fn parse(written: &str, scope: &Scope<'_>) -> Result<Self, String> {
        if written == NULL {
            return Ok(fixed(Value::Null));
        }
        let mut compiled = vec![];
        for piece in pieces(written)? {
            compiled.push(match piece {
                Ok(literal) => Piece::Literal(literal),
                Err(hole) => Piece::Hole(Hole::parse(&hole, scope)?),
            });
        }
        Ok(match compiled.as_slice() {
            [Piece::Literal(literal)] => fixed(Value::from(literal.as_str())),
            [Piece::Hole(hole)] => Self::Hole(hole.clone()),
            _ => Self::Text(compiled),
        })
    }

    /// Turns a constant list into one constant.
    fn folded(self) -> Self {
        match &self {
            Self::List(items) if items.iter().all(|item| matches!(item, Self::Fixed(..))) => {
                let values =
                    items.iter().map(|item| if let Self::Fixed(value, _) = item { value.clone() } else { Value::Null });
                fixed(values.collect())
            }
            _ => self,
        }
    }

    /// The local whose value this template yields unchanged, if it does.
    pub(crate) fn local(&self) -> Option<usize> {
        match self {
            Self::Hole(Hole { source: HoleSource::Name(name), filters, .. })
                if filters.is_empty() && name.path.is_empty() =>
            {
                name.local()
            }
            _ => None,
        }
    }

    /// The template yields the local, or a part of it, somewhere.
    pub(crate) fn reads_local(&self, slot: usize) -> bool {
        self.reads(&|name| name.local() == Some(slot))
    }

    /// The template yields the whole local, or its field `key`, somewhere.
    pub(crate) fn reads_field(&self, slot: usize, key: &str) -> bool {
        self.reads(&|name| name.local() == Some(slot) && name.path.first().is_none_or(|first| first == key))
    }

    /// The template yields the variable somewhere.
    pub(crate) fn reads_global(&self, slot: usize) -> bool {
        self.reads(&|name| name.place == Binding::Global(slot))
    }

    fn reads(&self, is_meant: &dyn Fn(&Name) -> bool) -> bool {
        let of_hole = |hole: &Hole| matches!(&hole.source, HoleSource::Name(name) if is_meant(name));
        match self {
            Self::Fixed(..) => false,
            Self::Hole(hole) => of_hole(hole),
            Self::Text(pieces) => pieces.iter().any(|piece| matches!(piece, Piece::Hole(hole) if of_hole(hole))),
            Self::List(items) => items.iter().any(|item| item.reads(is_meant)),
            Self::Table(entries) => entries.iter().any(|(_, item)| item.reads(is_meant)),
        }
    }

    pub(crate) fn value(&self, view: LookupView<'_>, rng: &mut ChaCha8Rng) -> Value {
        match self {
            Self::Fixed(value, _) => value.clone(),
            Self::Hole(hole) => hole.value(view, rng),
            Self::Text(_) => Value::from(self.text(view, rng)),
            Self::List(_) | Self::Table(_) => {
                let mut written = String::new();
                self.write(&mut written, view, rng);
                serde_json::from_str(&written).unwrap_or_default()
            }
        }
    }

    /// Renders text for a text frame, a URL or a header.
    pub(crate) fn text(&self, view: LookupView<'_>, rng: &mut ChaCha8Rng) -> String {
        self.text_with(view, rng, &|value| value)
    }

    /// Renders text like `text`, with `encode` applied to the value of each hole.
    pub(crate) fn text_with(
        &self,
        view: LookupView<'_>,
        rng: &mut ChaCha8Rng,
        encode: &dyn Fn(String) -> String,
    ) -> String {
        match self {
            Self::Text(pieces) => {
                let piece = |piece: &Piece| match piece {
                    Piece::Literal(literal) => literal.clone(),
                    Piece::Hole(hole) => encode(text(&hole.value(view, rng))),
                };
                pieces.iter().map(piece).collect()
            }
            Self::Hole(hole) => encode(text(&hole.value(view, rng))),
            Self::Fixed(value, _) => text(value),
            Self::List(_) | Self::Table(_) => text(&self.value(view, rng)),
        }
    }

    /// Renders JSON with the keys in file order.
    pub(crate) fn write(&self, out: &mut String, view: LookupView<'_>, rng: &mut ChaCha8Rng) {
        match self {
            Self::Fixed(_, json) => out.push_str(json),
            Self::Hole(hole) => out.push_str(&hole.value(view, rng).to_string()),
            Self::Text(_) => out.push_str(&Value::from(self.text(view, rng)).to_string()),
            Self::List(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    if position > 0 {
                        out.push(',');
                    }
                    item.write(out, view, rng);
                }
                out.push(']');
            }
            Self::Table(entries) => {
                out.push('{');
                let mut first = true;
                for (key, template) in entries {
                    if template.is_left_out(view, rng) {
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        out.push(',');
                    }
                    out.push_str(key);
                    out.push(':');
                    template.write(out, view, rng);
                }
                out.push('}');
            }
        }
    }

    fn is_left_out(&self, view: LookupView<'_>, rng: &mut ChaCha8Rng) -> bool {
        matches!(self, Self::Hole(hole) if hole.optional && hole.value(view, rng).is_null())
    }
}

impl Hole {
    fn parse(written: &str, scope: &Scope<'_>) -> Result<Self, String> {
        let (name, filters) = hole_parts(written)?;
        let (name, optional) = name.strip_suffix('?').map_or((name, false), |name| (name, true));
        let length = |digits: &str| digits.parse().ok().filter(|length| (1..=256).contains(length));
        let source = match name.split_once(':') {
            Some(("random", digits)) => length(digits).map(HoleSource::Random),
            Some(("digits", digits)) => length(digits).filter(|length| *length <= 18).map(HoleSource::Digits),
            None if name == "uuid" => Some(HoleSource::Uuid),
            _ => Some(HoleSource::Name(scope.resolve(name)?)),
        };
        let source = source.ok_or_else(|| format!("{{{written}}}: the length must be 1 to 256 (digits: 1 to 18)"))?;
        Ok(Self { source, filters, optional })
    }

    fn value(&self, view: LookupView<'_>, rng: &mut ChaCha8Rng) -> Value {
        const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let value = match &self.source {
            HoleSource::Name(name) => view.of(name).into_owned(),
            HoleSource::Random(length) => {
                let letter = |_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]);
                Value::from((0..*length).map(letter).collect::<String>())
            }
            HoleSource::Digits(length) => {
                let lowest = 10_u64.pow(*length as u32 - 1);
                Value::from(rng.random_range(lowest..lowest * 10).to_string())
            }
            HoleSource::Uuid => {
                // RFC 9562 §5.4: version 4, variant 10.
                let bits = rng.random::<u128>() & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
                let hex = format!("{bits:032x}");
                let parts = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
                Value::from(parts.join("-"))
            }
        };
        self.filters.iter().fold(value, |value, filter| filter.write(value))
    }
}

fn fixed(value: Value) -> Template {
    let json = value.to_string();
    Template::Fixed(value, json)
}
