//! Terms as text of a dialect file: templates for `[say]`, patterns for `match`.

use crate::dialect::{TYPE_KEYS, is_taken};
use crate::learning::frames::terms::{Term, TermHole};
use crate::learning::talk::grammar::doubled;
use crate::learning::talk::json::Json;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The names of a file's own variables, by the keys they were found at.
#[derive(Debug, Default)]
pub(in crate::learning) struct VariableNames(BTreeMap<String, String>);

impl VariableNames {
    /// A name for the variable found at `key`, unlike all that the language has and those that the rules bind.
    pub(in crate::learning) fn name(&mut self, key: &str) -> String {
        const BOUND: [&str; 4] = ["sdp", "candidate", "from", "there"];
        let plain = plain_name(key);
        let is_fit = !plain.is_empty() && !is_taken(&plain) && !BOUND.contains(&plain.as_str());
        let name = if is_fit { plain } else { format!("own_{plain}") };
        self.0.entry(key.to_owned()).or_insert(name).clone()
    }
}

/// The key as a name: letters and digits, and `_` for all else.
pub(in crate::learning) fn plain_name(key: &str) -> String {
    key.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}

/// A TOML text; braces are doubled, as the language writes them.
pub(in crate::learning) fn literal(text: &str) -> String {
    quoted(&doubled(text))
}

pub(in crate::learning) fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// A key of an inline table or a header.
pub(in crate::learning) fn key(name: &str) -> String {
    let is_bare =
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// The template of a frame that is said.
pub(in crate::learning) fn template(term: &Term, names: &mut VariableNames) -> Option<String> {
    Some(match term {
        Term::Fixed(json) => fixed(json)?,
        Term::Hole(TermHole::Roster(Some(key))) if key == "id" => quoted("{members}"),
        Term::Hole(TermHole::Roster(_)) => "[]".to_owned(),
        Term::Hole(hole) => quoted(&hole_text(hole, names)),
        Term::List(items) => {
            let items: Vec<String> =
                items.iter().map(|item| template(item, names).unwrap_or_else(|| quoted(""))).collect();
            format!("[{}]", items.join(", "))
        }
        Term::Object(entries) => {
            // A key whose value TOML can't say is left out.
            let entries: Vec<String> = entries
                .iter()
                .filter_map(|(name, term)| Some(format!("{} = {}", key(name), template(term, names)?)))
                .collect();
            if entries.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", entries.join(", ")) }
        }
        Term::Embedded(inner) => quoted(&embedded(inner, names)),
    })
}

fn fixed(json: &Json) -> Option<String> {
    Some(match json {
        Json::Text(text) => literal(text),
        Json::Number(number) if number.is_f64() => toml::Value::from(number.as_f64()?).to_string(),
        Json::Number(number) => number.as_i64()?.to_string(),
        Json::Flag(flag) => flag.to_string(),
        _ => return None,
    })
}

fn hole_text(hole: &TermHole, names: &mut VariableNames) -> String {
    match hole {
        TermHole::Me => "{me}".to_owned(),
        TermHole::Other(_) => "{peer}".to_owned(),
        TermHole::Room => "{room}".to_owned(),
        TermHole::MyName => "{my_name}".to_owned(),
        TermHole::Token => "{token}".to_owned(),
        TermHole::Now => "{now}".to_owned(),
        TermHole::Own(key) => format!("{{{}}}", names.name(key)),
        TermHole::Pair(key) => format!("{{pair.{}}}", names.name(key)),
        TermHole::Random(drawn) => drawn.template(),
        TermHole::Sdp(false) => "{sdp}".to_owned(),
        TermHole::Sdp(true) => "{sdp|base64}".to_owned(),
        TermHole::Candidate(false) => "{candidate}".to_owned(),
        TermHole::Candidate(true) => "{candidate|json}".to_owned(),
        TermHole::CandidateField(field) => format!("{{candidate.{field}}}"),
        TermHole::Roster(_) => "{members}".to_owned(),
    }
}

/// JSON in a text, with holes that write JSON.
fn embedded(term: &Term, names: &mut VariableNames) -> String {
    match term {
        Term::Fixed(json) => doubled(&json.to_string()),
        Term::Hole(hole) => {
            let written = hole_text(hole, names);
            match written.strip_suffix('}') {
                Some(open) if written.starts_with('{') => format!("{open}|json}}"),
                _ => written,
            }
        }
        Term::List(items) => {
            format!("[{}]", items.iter().map(|item| embedded(item, names)).collect::<Vec<_>>().join(","))
        }
        Term::Object(entries) => {
            let entry = |(key, term): &(String, Term)| {
                format!("{}:{}", doubled(&Value::from(key.as_str()).to_string()), embedded(term, names))
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{{{}}}}}", entries.join(","))
        }
        Term::Embedded(inner) => Value::from(embedded(inner, names)).to_string(),
    }
}

/// The pattern of a frame that is heard.
pub(in crate::learning) struct PatternWriter<'a> {
    pub names: &'a mut VariableNames,
    /// The places at which fixed texts tell classes apart.
    pub telling: &'a BTreeSet<Vec<String>>,
    /// The flag that says who offers, bound as `offers_first`.
    pub flag: Option<&'a [String]>,
    /// Variables of the pair to bind, by their keys; the names that were bound are left.
    pub bind_pairs: bool,
    /// A text that is not fixed is bound to this name: the peer's own value, given by the server.
    pub given: &'a BTreeMap<String, String>,
    pub bound: Vec<String>,
}

impl PatternWriter<'_> {
    /// The pattern of a whole frame; of one without anything to tell it by, its keys.
    pub(in crate::learning) fn frame(&mut self, term: &Term) -> String {
        if let Some(pattern) = self.of(term, &mut vec![]) {
            return pattern;
        }
        match term {
            Term::Object(entries) => {
                let entries: Vec<String> =
                    entries.iter().map(|(name, _)| format!("{} = \"{{_}}\"", key(name))).collect();
                format!("{{ {} }}", entries.join(", "))
            }
            _ => "[]".to_owned(),
        }
    }

    fn of(&mut self, term: &Term, path: &mut Vec<String>) -> Option<String> {
        match term {
            Term::Fixed(Json::Text(text)) if self.is_telling(path) => Some(literal(text)),
            Term::Fixed(_) if self.flag == Some(path.as_slice()) => self.bind("offers_first", ""),
            Term::Fixed(_) => None,
            Term::Hole(hole) => self.hole(hole),
            Term::Embedded(inner) => Some(quoted(
                &embedded(inner, self.names)
                    .replace("{peer|", "{from|")
                    .replace("{candidate.candidate|", "{candidate|"),
            )),
            Term::List(items) => {
                let mut patterns = vec![];
                for (at, item) in items.iter().enumerate() {
                    path.push(format!("#{at}"));
                    patterns.push(self.of(item, path));
                    path.pop();
                }
                // What follows the last of them is free.
                while patterns.last().is_some_and(Option::is_none) {
                    patterns.pop();
                }
                let patterns: Vec<String> =
                    patterns.into_iter().map(|one| one.unwrap_or_else(|| "\"{_}\"".to_owned())).collect();
                (!patterns.is_empty()).then(|| format!("[{}]", patterns.join(", ")))
            }
            Term::Object(entries) => {
                let mut patterns = vec![];
                for (name, term) in entries {
                    path.push(name.clone());
                    patterns.extend(self.of(term, path).map(|pattern| format!("{} = {pattern}", key(name))));
                    path.pop();
                }
                (!patterns.is_empty()).then(|| format!("{{ {} }}", patterns.join(", ")))
            }
        }
    }

    fn is_telling(&self, path: &[String]) -> bool {
        let key = path.last().map_or("", String::as_str);
        TYPE_KEYS.contains(&key) || path == ["#0"] || self.telling.contains(path)
    }

    fn hole(&mut self, hole: &TermHole) -> Option<String> {
        match hole {
            TermHole::Me if self.given.contains_key("me") => {
                let name = self.given["me"].clone();
                self.bind(&name, "")
            }
            TermHole::Me => Some(quoted("{me}")),
            TermHole::Other(_) => self.bind("from", ""),
            TermHole::Room => Some(quoted("{room}")),
            TermHole::Sdp(encoded) => self.bind("sdp", if *encoded { "|base64" } else { "" }),
            TermHole::Candidate(encoded) => self.bind("candidate", if *encoded { "|json" } else { "" }),
            TermHole::CandidateField("candidate") => self.bind("candidate", ""),
            TermHole::Pair(key) if self.bind_pairs => {
                let name = format!("their_{}", self.names.name(key));
                self.bind(&name, "")
            }
            TermHole::Own(key) => {
                let name = self.given.get(key)?.clone();
                self.bind(&name, "")
            }
            TermHole::Roster(_) => self.bind("there", ""),
            _ => None,
        }
    }

    /// A name that takes what is there; it is bound once.
    fn bind(&mut self, name: &str, filter: &str) -> Option<String> {
        if self.bound.iter().any(|bound| bound == name) {
            return None;
        }
        self.bound.push(name.to_owned());
        Some(quoted(&format!("{{{name}{filter}}}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_takes_no_name_of_the_language_or_of_a_rule() {
        let mut names = VariableNames::default();
        for (key, expected) in [
            ("peer_id", "peer_id"),
            ("peer-id", "peer_id"),
            ("data", "own_data"),
            ("null", "own_null"),
            ("room", "own_room"),
            ("from", "own_from"),
            ("", "own_"),
        ] {
            assert_eq!(names.name(key), expected, "{key}");
        }
    }
}
