//! Foreign text that a terminal, a reader and a CI runner can take: cut, spelled out, and without commands.

use std::borrow::Cow;

/// The text with control and direction characters spelled out and commands to CI runners broken up, cut after `chars_max`
/// characters.
pub fn inert(foreign: &str, chars_max: usize) -> String {
    let mut text = without(visible(&bounded(foreign, chars_max)), &[("##[", "# #["), ("##vso[", "# #vso[")]);
    let mut from = 0;
    while let Some(at) = text[from..].find("::").map(|at| from + at) {
        if !is_in_address(&text, at) {
            text.insert(at + 1, ' ');
        }
        from = at + 1;
    }
    text
}

/// Cuts a text after `chars_max` characters, so that a target can't fill a report.
pub fn bounded(text: &str, chars_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

/// Breaks commands up. GitHub's runner obeys `::…::` at the start of a line and `##[…]`, Azure's `##vso[…]`; a blank inside
/// prevents it.
pub fn without(mut text: String, commands: &[(&str, &str)]) -> String {
    for (command, broken) in commands {
        while text.contains(command) {
            text = text.replace(command, broken);
        }
    }
    text
}

/// Escapes the characters that make a reader see another text than there is.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_control() || is_invisible(letter) {
            true => visible.extend(letter.escape_default()),
            false => visible.push(letter),
        }
    }
    visible
}

/// True between the brackets of an IPv6 address, `[::1]`, which no runner obeys.
fn is_in_address(text: &str, at: usize) -> bool {
    let open = text[..at].rfind('[').map(|open| open + 1);
    let close = text[at..].find(']').map(|close| at + close);
    open.zip(close).is_some_and(|(open, close)| text[open..close].parse::<std::net::Ipv6Addr>().is_ok())
}

/// True for line and paragraph separators, zero-width characters and direction marks (UAX #9).
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// A text of a JSON document of another run, in characters; sentences of our own are shorter.
const JSON_CHARS_MAX: usize = 4_000;

/// JSON with every text in it made inert, keys too, except histograms, which are checked when they are decoded.
pub fn inert_json(json: &str) -> String {
    let mut inert = String::with_capacity(json.len());
    let (mut rest, mut key) = (json, "");
    while let Some((before, literal, after)) = next_literal(rest) {
        inert.push_str(before);
        let is_key = after.trim_start().starts_with(':');
        key = if is_key { literal } else { key };
        match key {
            "\"hdr\"" => inert.push_str(literal),
            "\"profile\"" if !is_key => inert.push_str(&inert_literal(literal, |text| {
                let lines = text.split('\n').map(|line| self::inert(&line.replace('\t', " "), JSON_CHARS_MAX));
                lines.collect::<Vec<_>>().join("\n")
            })),
            _ => inert.push_str(&inert_literal(literal, |text| self::inert(text, JSON_CHARS_MAX))),
        }
        rest = after;
    }
    inert.push_str(rest);
    inert
}

/// The next text of a JSON document with its quotes, and what is before and after it.
fn next_literal(json: &str) -> Option<(&str, &str, &str)> {
    let start = json.find('"')?;
    let bytes = json.as_bytes();
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'\\' => at += 2,
            b'"' => return Some((&json[..start], &json[start..=at], &json[at + 1..])),
            _ => at += 1,
        }
    }
}

/// The literal with its text made inert; one that is no text of JSON stays, and its reader refuses it.
fn inert_literal(literal: &str, inert: impl Fn(&str) -> String) -> Cow<'_, str> {
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !matches!(byte, b'\\' | b':' | b'#');
    if literal.len() <= JSON_CHARS_MAX && literal.bytes().all(is_plain) {
        return Cow::Borrowed(literal);
    }
    let text = serde_json::from_str::<String>(literal).map(|text| inert(&text));
    text.and_then(|text| serde_json::to_string(&text)).map_or(Cow::Borrowed(literal), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CHARS_MAX: usize = 300;

    #[test]
    fn neither_a_terminal_nor_a_runner_gets_a_command() {
        for (foreign, expected) in [
            ("a\u{1b}[31mred\r\n", "a\\u{1b}[31mred\\r\\n"),
            ("::set-output name=x::y", ": :set-output name=x: :y"),
            (":::", ": : :"),
            ("###[x", "## #[x"),
            ("##vso[task]", "# #vso[task]"),
            ("gnp\u{202e}exe", "gnp\\u{202e}exe"),
            ("[::1]:9000: ECONNREFUSED", "[::1]:9000: ECONNREFUSED"),
            ("[::error]", "[: :error]"),
        ] {
            assert_eq!(inert(foreign, CHARS_MAX), expected);
        }
    }

    #[test]
    fn every_text_of_a_document_is_inert_and_the_document_stays_the_same_otherwise() {
        let check = |json: &str, expected: &str| assert_eq!(inert_json(json), expected);
        let harmless = r#"{"a": [1, "two", {"b": "é", "c\"d": "\\"}], "hdr": "HISTFAAA/+=="}"#;
        check(harmless, harmless);
        check(r###"{"::x": "##[y]", "z": "\u001b"}"###, r###"{": :x": "# #[y]", "z": "\\u{1b}"}"###);
        check(r#"{"profile": "a = 1\n::b"}"#, r#"{"profile": "a = 1\n: :b"}"#);
        check(r#"{"a": "open"#, r#"{"a": "open"#);
        check(&format!("[\"{}\"]", "é".repeat(5_000)), &format!("[\"{}…\"]", "é".repeat(JSON_CHARS_MAX)));
    }

    proptest! {
        #[test]
        fn no_text_keeps_a_command(foreign in "[:#vso\\[\\]1\u{1b}\n ]{0,20}") {
            let text = inert(&foreign, CHARS_MAX);
            prop_assert!(!text.contains("##[") && !text.contains("##vso[") && !text.chars().any(char::is_control));
            prop_assert!(!text.trim_start().starts_with("::"));
        }

        #[test]
        fn any_document_is_read_without_harm(json in "[\"\\\\:,{}a# ]{0,40}") {
            let _ = inert_json(&json);
        }
    }
}
