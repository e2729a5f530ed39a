//! The problems of one dialect file, reported together.

use crate::vocabulary::{Problem, problem::PROBLEMS_MAX, problem::nearest};

/// Collects the problems of a file while its sections are compiled.
pub(crate) struct Problems {
    file: String,
    found: Vec<(usize, Problem)>,
    /// Places that work, and may not do as was meant.
    remarks: Vec<Problem>,
}

impl Problems {
    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: vec![], remarks: vec![] }
    }

    /// Adds a problem on `line`, counted from 1; those beyond `PROBLEMS_MAX` are dropped.
    pub(crate) fn note(&mut self, line: usize, path: &str, message: impl Into<String>) {
        if self.found.len() < PROBLEMS_MAX {
            let at = format!("{}:{line}", self.file);
            self.found.push((line, Problem { path: path.to_owned(), message: message.into(), at }));
        }
    }

    /// Adds a remark on `line`, which is no problem.
    pub(crate) fn remark(&mut self, line: usize, path: &str, message: impl Into<String>) {
        if self.remarks.len() < PROBLEMS_MAX {
            let at = format!("{}:{line}", self.file);
            self.remarks.push(Problem { path: path.to_owned(), message: message.into(), at });
        }
    }

    pub(crate) fn take_remarks(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.remarks)
    }

    /// Adds the syntax errors of the text.
    pub(crate) fn take(&mut self, found: Vec<Problem>) {
        self.found.extend(found.into_iter().map(|problem| (0, problem)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The problems in the order of their lines.
    pub(crate) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|(line, _)| *line);
        self.found.into_iter().map(|(_, problem)| problem).collect()
    }
}

/// `; did you mean x?` with the nearest of `words`, or nothing if none is near.
pub(crate) fn suggestion<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> String {
    nearest(typed, words).map_or_else(String::new, |word| format!("; did you mean {word}?"))
}
