//! What is wrong with a text that somebody wrote, said so that it can be put right without looking anything up.

use std::fmt;

/// More mistakes than this are not read by anybody.
pub const PROBLEMS_MAX: usize = 50;

/// One mistake: which value (`rooms.size`, or empty for the text as a whole), what is wrong with it,
/// and where it was written (`profiles/churn.toml:7`, or the option it came from).
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

/// The one of `words` that `typed` was most likely meant to be, if any is near.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long word can't be near a short one, and measuring it would take its length squared.
    if typed.len() > 64 {
        return None;
    }
    let typed = typed.to_lowercase();
    let mut best = None;
    for word in words {
        let likeness = strsim::jaro_winkler(&typed, &word.to_lowercase());
        let edits = strsim::osa_distance(&typed, &word.to_lowercase());
        let near = edits <= 2.min(word.len() / 2) || likeness > 0.87;
        if near && best.is_none_or(|(_, found)| likeness > found) {
            best = Some((word, likeness));
        }
    }
    best.map(|(word, _)| word)
}

/// `a, b or c`
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Text of the user's, quoted, with control characters escaped and no longer than a line can bear.
pub fn quoted(text: &str) -> String {
    const SHOWN: usize = 60;
    let mut shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_word_and_a_stranger_none() {
        let words = ["count", "size", "id", "guests"];
        assert_eq!(nearest("sise", words), Some("size"));
        assert_eq!(nearest("Count", words), Some("count"));
        assert_eq!(nearest("guest", words), Some("guests"));
        assert_eq!(nearest("colour", words), None);
        assert_eq!(nearest(&"count".repeat(20), words), None);
    }
}
