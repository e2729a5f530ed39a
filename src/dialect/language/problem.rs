//! Collects the mistakes of a dialect file in the order of its lines.

use crate::vocabulary::problem::{PROBLEMS_MAX, Problem, nearest};

/// Collects the mistakes of one file as its parts are read.
pub(crate) struct Problems {
    file: String,
    found: Vec<(usize, Problem)>,
}

impl Problems {
    pub fn file(&self) -> &str {
        &self.file
    }

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

    /// Takes what is wrong with the text as such, and can't be followed by anything.
    pub fn take(&mut self, found: Vec<Problem>) {
        self.found.extend(found.into_iter().map(|problem| (0, problem)));
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
pub(crate) fn suggestion<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, words).map_or_else(String::new, |word| format!("; did you mean {word}?"))
}
