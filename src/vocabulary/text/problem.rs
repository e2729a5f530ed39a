//! Problems in a text of the user's: messages with the place of the mistake and a hint at its cure.

use std::fmt;

/// The most problems that are reported at once; nobody reads more.
pub const PROBLEMS_MAX: usize = 50;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The value, such as `rooms.size`; empty for the text as a whole.
    pub path: String,
    pub message: String,
    /// The place of the value: `profiles/churn.toml:7`, or the option that set it.
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

/// The word that `typed` most likely stands for; `None` if no word is similar enough.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A long text can't be near a short word, and the edit distance costs the square of its length.
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

/// The words as a list for a sentence: `a, b or c`.
pub fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// Text of the user's in quotes, with control characters escaped, cut after 60 characters.
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
