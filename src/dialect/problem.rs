//! What is wrong with a dialect file, said so that it can be put right without looking anything up.

use std::fmt;

/// More mistakes than this are not read by anybody.
pub(super) const PROBLEMS_MAX: usize = 50;

/// One mistake: which value (`on[3].match`, or empty for the text as a whole), what is wrong with it,
/// and where it was written (`mine.toml:7`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub path: String,
    pub message: String,
    pub at: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} ({})", self.message, self.at)
    }
}

/// Collects the mistakes of one file as its parts are read.
pub(super) struct Problems {
    file: String,
    found: Vec<(usize, Problem)>,
}

impl Problems {
    pub fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: vec![] }
    }

    /// Notes a mistake on `line`, counted from 1.
    pub fn note(&mut self, line: usize, path: &str, message: impl Into<String>) {
        if self.found.len() < PROBLEMS_MAX {
            let at = format!("{}:{line}", self.file);
            self.found.push((line, Problem { path: path.to_owned(), message: message.into(), at }));
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// In the order of the file.
    pub fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(line, _)| *line);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// ` (did you mean x?)`, or nothing when no word is near.
pub(super) fn suggestion<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, words).map_or_else(String::new, |word| format!("; did you mean {word}?"))
}

/// The one of `words` that `typed` was most likely meant to be, if any is near.
fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long word can't be near a short one, and measuring it would take its length squared.
    if typed.len() > 64 {
        return None;
    }
    let mut best = None;
    for word in words {
        let likeness = strsim::jaro_winkler(typed, word);
        let near = strsim::osa_distance(typed, word) <= 2.min(word.len() / 2) || likeness > 0.87;
        if near && best.is_none_or(|(_, found)| likeness > found) {
            best = Some((word, likeness));
        }
    }
    best.map(|(word, _)| word)
}

/// Text of the author's, quoted, with control characters escaped and no longer than a line can bear.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}
