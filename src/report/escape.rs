//! Escapes text from the target, the dialect or the profile for each output format.

pub(super) use crate::vocabulary::inert_text::{bounded, visible};

use crate::vocabulary::inert_text::without;

/// For a terminal or a CI log: leaves no control character, no direction mark and no command to a CI runner.
pub(super) fn plain(text: &str) -> String {
    without(visible(text), &[("::", ": :"), ("##[", "# #["), ("##vso[", "# #vso[")])
}

/// For an address or a command, after other words on its line: as `plain`, but colons stay, so that it can be pasted.
pub(super) fn input(text: &str) -> String {
    without(visible(text), &[("##[", "# #["), ("##vso[", "# #vso[")])
}

/// For a table cell of Markdown: leaves no markup, HTML, mention or end of the cell.
pub(super) fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in plain(text).chars() {
        match letter {
            // An address must not become a link.
            ':' if escaped.ends_with("http") || escaped.ends_with("https") => escaped.push_str("&#58;"),
            '&' | '<' | '>' | '@' | '#' => escaped.push_str(&format!("&#{};", u32::from(letter))),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '!' | '$' => escaped.extend(['\\', letter]),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A code span (CommonMark §6.1), fenced with more backticks than its text has in a row.
pub(super) fn code(text: &str) -> String {
    let longest = text.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let gap = if longest == 0 { "" } else { " " };
    format!("{fence}{gap}{}{gap}{fence}", input(text).replace('|', "\\|"))
}

/// For XML 1.0, attribute or text: markup becomes entities, a character that XML forbids becomes U+FFFD (§2.2).
pub(super) fn xml(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\t' | '\n' | '\r' => escaped.push_str(&format!("&#{};", u32::from(letter))),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// For a label's value (OpenMetrics 1.0, "escaped-string"); controls and line separators become U+FFFD.
pub(super) fn label(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    escaped.replace(|letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}'), "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(escape: fn(&str) -> String, text: &str, expected: &str) {
        assert_eq!(escape(text), expected);
    }

    #[test]
    fn a_server_gives_neither_terminal_nor_runner_a_command() {
        check(plain, "a\u{1b}[31mred\r\n", "a\\u{1b}[31mred\\r\\n");
        check(plain, "::error file=x::y", ": :error file=x: :y");
        check(plain, ":::", ": : :");
        check(plain, "##[group]", "# #[group]");
        check(plain, "###[x", "## #[x");
        check(plain, "##vso[task]", "# #vso[task]");
        check(plain, "gnp\u{202e}exe", "gnp\\u{202e}exe");
        check(plain, "HTTP 429", "HTTP 429");
    }

    #[test]
    fn an_address_keeps_its_colons() {
        check(input, "ws://[::1]:9/\u{7}", "ws://[::1]:9/\\u{7}");
        check(input, "--name ##vso[x", "--name # #vso[x");
    }

    #[test]
    fn markup_is_text_in_markdown() {
        check(markdown, "<b>|`x`", "&#60;b&#62;\\|\\`x\\`");
        check(markdown, "@all #1", "&#64;all &#35;1");
        check(markdown, "https://a", "https&#58;//a");
    }

    #[test]
    fn xml_stays_legal() {
        check(xml, "<a b=\"'&\">\u{0}\n", "&lt;a b=&quot;&apos;&amp;&quot;&gt;\u{fffd}&#10;");
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_command(text in "[:#vso\\[\u{1b}\n ]{0,20}") {
            let plain = plain(&text);
            prop_assert!(!plain.contains("::") && !plain.contains("##[") && !plain.contains("##vso["));
            prop_assert!(!plain.chars().any(char::is_control));
        }
    }
}
