//! Texts and class names as a page holds them: inert, and of bounded length.

use crate::report::document::ChartColour;
use crate::report::escape::{bounded, visible};

/// Longer texts are cut, so that a target can't fill the page.
const CHARS_MAX: usize = 400;
const VERBATIM_CHARS_MAX: usize = 64_000;

/// A text that can't be mistaken for another one; the template escapes HTML afterwards.
pub(super) fn inert(text: &str) -> String {
    visible(&bounded(text, CHARS_MAX))
}

pub(super) fn inert_lines(text: &str) -> String {
    bounded(text, VERBATIM_CHARS_MAX).lines().map(|line| visible(line) + "\n").collect()
}

/// The CSS class of a colour.
pub(super) fn class(colour: ChartColour) -> String {
    format!("c-{colour:?}").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_endless_text_ends_and_what_is_not_seen_is_spelled_out() {
        assert_eq!(inert(&"x".repeat(CHARS_MAX + 1)), "x".repeat(CHARS_MAX) + "…");
        assert_eq!(inert("a\u{202e}b\u{0}"), "a\\u{202e}b\\u{0}");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left(text in any::<String>()) {
            let is_unseen = |letter: char| letter.is_control() || ('\u{202a}'..='\u{202e}').contains(&letter);
            prop_assert!(!inert(&text).contains(is_unseen));
        }
    }
}
