//! The flaws found so far, and the fate of a frame in words.

use crate::dialect::compile::compiled::CompiledDialect;
use crate::vocabulary::{NearestRule, Problem};
use std::sync::Arc;

/// The flaws found so far, with their lines.
pub(super) struct Flaws<'a> {
    pub dialect: &'a Arc<CompiledDialect>,
    pub found: Vec<(usize, Problem)>,
}

impl Flaws<'_> {
    pub(super) fn note(&mut self, line: usize, path: &str, message: impl Into<String>) {
        let problem = Problem { path: path.to_owned(), message: message.into(), at: self.dialect.at(line) };
        if !self.found.iter().any(|(_, found)| *found == problem) {
            self.found.push((line, problem));
        }
    }
}

/// The fate of a frame in words: `no rule took it; the rule that comes nearest is at mine.toml:31: …`.
pub fn fate(rule: Option<&str>, near: Option<&NearestRule>) -> String {
    let near = match near {
        Some(near) if near.why.is_empty() => format!("the rule at {} would take it", near.at),
        Some(near) => format!("the rule that comes nearest is at {}: {}", near.at, near.why),
        None => "no rule comes near it".to_owned(),
    };
    match rule {
        Some(rule) => format!("the rule at {rule} took it for something else; {near}"),
        None => format!("no rule took it; {near}"),
    }
}
