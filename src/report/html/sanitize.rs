//! Makes foreign text safe to read in a page: no control characters, no direction marks, bounded length.

/// Longer texts are cut, so that a target can't fill the page.
const CHARS_MAX: usize = 400;

/// Spells out the characters that make a reader see another text than there is, and cuts the text at 400
/// characters. The template escapes HTML afterwards.
pub(crate) fn sanitize(text: &str) -> String {
    let mut seen = String::with_capacity(text.len().min(CHARS_MAX * 4));
    for (index, character) in text.chars().enumerate() {
        if index == CHARS_MAX {
            seen.push('…');
            break;
        }
        if is_unseen(character) {
            seen.extend(character.escape_unicode());
        } else {
            seen.push(character);
        }
    }
    seen
}

/// True for control characters, line and paragraph separators, direction marks (UAX #9) and the byte order mark.
pub(super) fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_seen_is_spelled_out() {
        assert_eq!(sanitize("room\u{2028}1"), "room\\u{2028}1");
        assert_eq!(sanitize("a\u{202e}b\u{0}"), "a\\u{202e}b\\u{0}");
        assert_eq!(sanitize("Ünïcode <b> 家"), "Ünïcode <b> 家");
    }

    #[test]
    fn an_endless_text_ends() {
        assert_eq!(sanitize(&"x".repeat(CHARS_MAX)), "x".repeat(CHARS_MAX));
        assert_eq!(sanitize(&"x".repeat(CHARS_MAX + 1)), "x".repeat(CHARS_MAX) + "…");
    }

    proptest! {
        #[test]
        fn nothing_unseen_is_left(text in any::<String>()) {
            prop_assert!(!sanitize(&text).chars().any(is_unseen));
        }
    }
}
