//! Redaction of foreign text: all that servers and peers say passes it before it is kept or shown.

use crate::vocabulary::text::inert_text::inert;
use crate::vocabulary::{Event, EventKind, Failure, FrameNote, NearestRule, PeerEvent};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD_NO_PAD};
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// The most characters of a foreign text that are kept.
const CHARS_MAX: usize = 300;
/// The most bytes of a foreign text that are looked at, beyond the longest secret.
const BYTES_MAX: usize = 4 * 1024;
/// Shorter secrets are no secrets: to hide each `1` would hide all that is said.
const SECRET_BYTES_MIN: usize = 4;
/// The shortest secret that is looked for in base64, of which neighbours leave seven characters.
const ENCODED_BYTES_MIN: usize = 6;
/// Texts are decoded so often: a proxy may encode what a server has encoded.
const DECODINGS: usize = 3;
const MASK: &str = "***";
/// Parts of the keys whose values are secrets.
const SECRET_KEYS: [&str; 9] =
    ["token", "password", "passwd", "secret", "credential", "authorization", "cookie", "pwd", "apikey"];
/// The end of a text that was cut.
const CUT: &str = "…";
/// The most bytes of an escape, `\u002b`, that a cut leaves of one byte.
const ESCAPE_BYTES_MAX: usize = 5;

/// The values of this key, of a JSON object, a query or a header, are secrets.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace(['-', '_'], "");
    SECRET_KEYS.iter().any(|secret| key.contains(secret))
}

/// Hides secrets in foreign text, cuts it, and takes from it all that a terminal or a CI runner would obey.
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    plain: Needles,
    /// The secrets in base64, at each of three offsets.
    encoded: Needles,
}

impl Redactor {
    /// Hides these secrets and their parts, however they are encoded: a header's value, a URL's query, a login.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let mut redactor = Self::default();
        secrets.into_iter().for_each(|secret| redactor.add(&secret));
        redactor
    }

    /// Hides one more secret and its parts.
    pub fn add(&mut self, secret: &str) {
        parts(secret).iter().for_each(|part| self.hide(part.as_bytes()));
    }

    fn hide(&mut self, secret: &[u8]) {
        self.plain.insert(secret);
        if secret.len() >= ENCODED_BYTES_MIN {
            (0..3).for_each(|offset| self.encoded.insert(&in_base64(secret, offset)));
        }
    }

    /// The text without secrets, control characters and commands to a CI runner, at most 300 characters.
    pub fn text(&self, foreign: &str) -> String {
        inert(&self.masked(foreign), CHARS_MAX)
    }

    /// Redacts the detail of a failure, unless it is a text of our own that the program has as a whole.
    pub fn failure(&self, failure: &mut Failure) {
        if let Cow::Owned(detail) = &mut failure.detail {
            *detail = self.text(detail);
        }
    }

    /// Redacts what an event has from a server or another peer.
    pub fn event(&self, event: &mut Event) {
        if let Some(failure) = event.kind.failure_mut() {
            self.failure(failure);
        }
        match &mut event.kind {
            EventKind::Peer(PeerEvent::Note { note }) => {
                let redacted = FrameNote {
                    shape: self.text(&note.shape),
                    example: self.text(&note.example),
                    near: note.near.clone().map(|near| NearestRule { why: self.text(&near.why), ..near }),
                    ..**note
                };
                *note = Arc::new(redacted);
            }
            // The diagnosis looks for what was said in what was read, so these texts are not cut here.
            EventKind::Peer(PeerEvent::Written { text, .. } | PeerEvent::Read { text, .. }) => {
                *text = self.masked(text).into();
            }
            _ => {}
        }
    }

    /// The text with each secret replaced; cut where no secret that begins in it is cut.
    fn masked(&self, foreign: &str) -> String {
        let longest = self.plain.longest.max(self.encoded.longest).saturating_mul(6);
        self.whole(&foreign[..foreign.floor_char_boundary(BYTES_MAX.saturating_add(longest))])
    }

    /// The text with each secret replaced, of any length.
    pub fn whole(&self, text: &str) -> String {
        if self.plain.by_start.is_empty() {
            return text.to_owned();
        }
        let mut view: Vec<Letter> =
            text.bytes().enumerate().map(|(at, byte)| Letter { byte, from: at..at + 1 }).collect();
        let mut hidden: Vec<Range<usize>> = vec![];
        for _ in 0..DECODINGS {
            hidden.extend(self.plain.find(&view, |byte| byte).map(|found| span(&view, found)));
            let encoded = self.encoded.find(&view, url_safe_to_standard);
            hidden.extend(encoded.map(|found| span(&view, whole_word(&view, found))));
            match decoded(&view) {
                Some(decoded) => view = decoded,
                None => break,
            }
        }
        replaced(text, hidden)
    }
}

/// A byte of a decoded text, and the part of the text that it stands for.
#[derive(Clone, Debug)]
struct Letter {
    byte: u8,
    from: Range<usize>,
}

/// Byte strings that are found in one pass, by their first four bytes.
#[derive(Clone, Debug, Default)]
struct Needles {
    by_start: FxHashMap<[u8; SECRET_BYTES_MIN], Vec<Box<[u8]>>>,
    longest: usize,
}

impl Needles {
    fn insert(&mut self, needle: &[u8]) {
        let Some(start) = needle.first_chunk() else { return };
        let alike = self.by_start.entry(*start).or_default();
        if !alike.iter().any(|known| **known == *needle) {
            alike.push(needle.into());
            // The longest first, so that no part of it is left.
            alike.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
            self.longest = self.longest.max(needle.len());
        }
    }

    fn find(&self, view: &[Letter], map: impl Fn(u8) -> u8) -> impl Iterator<Item = Range<usize>> {
        let bytes: Vec<u8> = view.iter().map(|letter| map(letter.byte)).collect();
        let found_at = move |at: usize| {
            let rest = &bytes[at..];
            let alike = self.by_start.get(rest.first_chunk::<SECRET_BYTES_MIN>()?)?;
            if let Some(found) = alike.iter().find(|needle| rest.starts_with(needle)) {
                return Some(at..at + found.len());
            }
            // A text that was cut for people ends within a secret, or within the escape of its next byte.
            let reach = &rest[..rest.len().min(self.longest + ESCAPE_BYTES_MAX + CUT.len())];
            let end = reach.windows(CUT.len()).position(|window| window == CUT.as_bytes())?;
            let ends = end.saturating_sub(ESCAPE_BYTES_MAX).max(SECRET_BYTES_MIN)..=end;
            let is_cut = ends.into_iter().any(|end| alike.iter().any(|needle| needle.starts_with(&rest[..end])));
            is_cut.then_some(at..at + end)
        };
        (0..view.len()).filter_map(found_at)
    }
}

/// The part of the text that a range of letters stands for.
fn span(view: &[Letter], found: Range<usize>) -> Range<usize> {
    view[found.start].from.start..view[found.end - 1].from.end
}

/// The whole run of base64 characters around a range: its neighbours hold bits of the secret.
fn whole_word(view: &[Letter], found: Range<usize>) -> Range<usize> {
    let is_base64 = |letter: &Letter| letter.byte.is_ascii_alphanumeric() || b"+/-_=".contains(&letter.byte);
    let before = view[..found.start].iter().rev().take_while(|letter| is_base64(letter)).count();
    let after = view[found.end..].iter().take_while(|letter| is_base64(letter)).count();
    found.start - before..found.end + after
}

fn replaced(text: &str, mut hidden: Vec<Range<usize>>) -> String {
    hidden.sort_by_key(|range| range.start);
    let (mut shown, mut at) = (String::with_capacity(text.len()), 0);
    for range in hidden {
        if range.start >= at {
            shown.push_str(&text[at..range.start]);
            shown.push_str(MASK);
        }
        at = at.max(range.end);
    }
    shown.push_str(&text[at..]);
    shown
}

/// The text with `%2B`, `\u002b` and `\/` decoded once (RFC 3986 §2.1, RFC 8259 §7); `None` if it has none.
fn decoded(view: &[Letter]) -> Option<Vec<Letter>> {
    let mut letters = Vec::with_capacity(view.len());
    let mut at = 0;
    let hex = |at: usize, digits: usize| {
        let digits = view.get(at..at + digits)?.iter();
        digits.map(|letter| char::from(letter.byte).to_digit(16)).try_fold(0, |value, digit| Some(value * 16 + digit?))
    };
    while at < view.len() {
        let next = view.get(at + 1).map(|letter| letter.byte);
        let (byte, length) = match (view[at].byte, next) {
            (b'%', _) => (hex(at + 1, 2).and_then(|value| u8::try_from(value).ok()), 3),
            (b'\\', Some(b'u')) => (hex(at + 2, 4).and_then(|value| u8::try_from(value).ok().filter(u8::is_ascii)), 6),
            (b'\\', Some(escaped @ (b'/' | b'"' | b'\\'))) => (Some(escaped), 2),
            _ => (None, 1),
        };
        match byte {
            Some(byte) => letters.push(Letter { byte, from: span(view, at..at + length) }),
            None => letters.push(view[at].clone()),
        }
        at += if byte.is_some() { length } else { 1 };
    }
    (letters.len() < view.len()).then_some(letters)
}

fn url_safe_to_standard(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    }
}

/// The base64 characters that a secret alone decides, `offset` bytes after a group of three began.
fn in_base64(secret: &[u8], offset: usize) -> Vec<u8> {
    let bytes: Vec<u8> = [&[0; 2][..offset], secret].concat();
    let encoded = STANDARD_NO_PAD.encode(&bytes).into_bytes();
    let first = [0, 2, 3][offset];
    encoded[first..bytes.len() * 8 / 6].to_vec()
}

/// A secret and what of it is one by itself: the credentials after a scheme (RFC 9110 §11.4), the values of a cookie,
/// the login that Basic encodes and its password.
fn parts(secret: &str) -> Vec<String> {
    const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "token", "negotiate", "apikey"];
    let lenient = GeneralPurpose::new(
        &STANDARD,
        GeneralPurposeConfig::new().with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let mut parts = vec![secret.to_owned()];
    for word in secret.split([' ', ';', ',', '\t', '"']).filter(|word| !SCHEMES.contains(&word.to_lowercase().as_str()))
    {
        parts.push(word.to_owned());
        parts.extend(word.split_once('=').map(|(_, value)| value.to_owned()));
        let login = lenient.decode(word).ok().and_then(|login| String::from_utf8(login).ok());
        if let Some(login) = login.filter(|login| login.contains(':')) {
            parts.extend(login.split_once(':').map(|(_, password)| password.to_owned()));
            parts.push(login);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    const SECRET: &str = "s3cret/with+signs=";

    #[track_caller]
    fn check(foreign: &str, expected: &str) {
        assert_eq!(Redactor::new([SECRET.to_owned()]).text(foreign), expected);
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_encoded() {
        check("invalid token: s3cret/with+signs=, go away", "invalid token: ***, go away");
        check("k=s3cret%2Fwith%2bsigns%3D&x", "k=***&x");
        check("k=s3cret%252Fwith%252Bsigns%253D&x", "k=***&x");
        check(r#"{"k":"s3cret\/with\u002Bsigns="}"#, r#"{"k":"***"}"#);
        check("s3cret/with+signs=s3cret/with+signs=", "******");
        check("\"s3cret/wi…\" and s3cret%2…", "\"***…\" and ***…");
        check("Bearer eyJrIjoiczNjcmV0L3dpdGgr… x", "Bearer ***… x");
        for before in ["", "a", "ab", "user:"] {
            check(&format!("Basic {} sent", STANDARD.encode(format!("{before}{SECRET}"))), "Basic *** sent");
            check(&format!("({})", URL_SAFE.encode(format!("{before}{SECRET}?"))), "(***)");
        }
    }

    #[test]
    fn the_parts_of_a_header_are_secrets_too() {
        let hidden = |header: &str, foreign: &str| Redactor::new([header.to_owned()]).text(foreign);
        assert_eq!(hidden("Bearer abcdef", "no abcdef, Bearer"), "no ***, Bearer");
        assert_eq!(hidden("sid=abcdef; theme=darkest", "abcdef darkest sid"), "*** *** sid");
        assert_eq!(hidden(&format!("Basic {}", STANDARD.encode("me:password")), "password of me"), "*** of me");
    }

    #[test]
    fn a_short_secret_hides_nothing_and_a_long_text_is_cut_after_the_secret_is_hidden() {
        let hidden = |secret: &str, foreign: &str| Redactor::new([secret.to_owned()]).text(foreign);
        assert_eq!(hidden("1", "close 1001"), "close 1001");
        assert_eq!(hidden("abcd", "abcd"), "***");
        let text = hidden("abcdefgh", &("x".repeat(CHARS_MAX - 3) + "abcdefgh" + &"y".repeat(1 << 20)));
        assert_eq!(text, "x".repeat(CHARS_MAX - 3) + "***…");
    }

    proptest! {
        #[test]
        fn any_text_is_redacted_without_harm(foreign in ".{0,80}", secret in ".{0,12}") {
            let shown = Redactor::new([secret.clone()]).text(&foreign);
            prop_assert!(secret.len() < SECRET_BYTES_MIN || secret == MASK || MASK.contains(&*secret) || !shown.contains(&secret));
        }
    }
}
