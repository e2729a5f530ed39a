//! Descriptions and candidates by their grammar (RFC 8866 §9, RFC 8839 §5.1), and the look of drawn values.

use crate::learning::talk::json::Json;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::borrow::Cow;

/// The fewest letters that are drawn after a prefix, so that no two are alike.
const LETTERS_MIN: usize = 4;

/// The part of a negotiation that a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::learning) enum Said {
    Offer,
    Answer,
    Candidate,
    EndOfCandidates,
}

impl Said {
    pub(in crate::learning) fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Answer => "answer",
            Self::Candidate => "candidate",
            Self::EndOfCandidates => "end",
        }
    }
}

pub(in crate::learning) fn is_description(text: &str) -> bool {
    text.starts_with("v=0\r\n") || text.starts_with("v=0\n")
}

pub(in crate::learning) fn is_candidate(text: &str) -> bool {
    text.strip_prefix("a=").unwrap_or(text).starts_with("candidate:")
}

/// The description that a text is, plain or in base64.
pub(in crate::learning) fn sdp_in(text: &str) -> Option<Cow<'_, str>> {
    if is_description(text) {
        return Some(text.into());
    }
    // "v=0" begins so in base64.
    let bytes = text.starts_with("dj0w").then(|| BASE64.decode(text).ok())??;
    String::from_utf8(bytes).ok().filter(|text| is_description(text)).map(Cow::from)
}

/// JSON of an object inside of a text.
pub(in crate::learning) fn inner(text: &str) -> Option<Json> {
    text.starts_with('{').then(|| Json::parse(text)).flatten()
}

/// An object with the fields of an RTCIceCandidateInit (W3C WebRTC §4.8.1).
pub(in crate::learning) fn is_candidate_init(entries: &[(String, Json)]) -> bool {
    let has = |name: &str| entries.iter().any(|(key, _)| key == name);
    let line = entries.iter().find(|(key, _)| key == "candidate").and_then(|(_, value)| value.text());
    line.is_some_and(|line| is_candidate(line) || (line.is_empty() && (has("sdpMid") || has("sdpMLineIndex"))))
}

/// The part of a negotiation in a frame; a description wins over candidates.
pub(in crate::learning) fn said_of(body: &Json) -> Option<Said> {
    let mut said: Option<Said> = None;
    let mut note = |found: Said| said = Some(said.map_or(found, |before| before.min(found)));
    body.leaves(&mut vec![], &mut |path, leaf| {
        let key = path.last().map(|key| key.to_ascii_lowercase()).unwrap_or_default();
        let Json::Text(text) = leaf else {
            if *leaf == Json::Null && key.contains("candidate") {
                note(Said::EndOfCandidates);
            }
            return;
        };
        match (sdp_in(text), inner(text)) {
            // RFC 8842 §5.2: an offer says actpass.
            (Some(sdp), _) => note(if sdp.contains("a=setup:actpass") { Said::Offer } else { Said::Answer }),
            (None, Some(inner)) => said_of(&inner).into_iter().for_each(&mut note),
            (None, None) if is_candidate(text) => note(Said::Candidate),
            (None, None) if key.contains("candidate") && (text.is_empty() || text == "null") => {
                note(Said::EndOfCandidates);
            }
            _ => {}
        }
    });
    said
}

/// The description in a frame.
pub(in crate::learning) fn description(body: &Json) -> Option<String> {
    let mut found = None;
    body.leaves(&mut vec![], &mut |_, leaf| {
        let Json::Text(text) = leaf else { return };
        let here = sdp_in(text).map(Cow::into_owned);
        let here = here.or_else(|| inner(text).and_then(|inner| description(&inner)));
        found = found.take().or(here);
    });
    found
}

/// The shape of values that were drawn.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::learning) enum Drawn {
    Uuid,
    /// So many digits, as a number or a text.
    Digits {
        digits: usize,
        is_number: bool,
    },
    /// A prefix that all have, and so many letters and digits after it.
    Text {
        prefix: String,
        letters: usize,
    },
}

impl Drawn {
    /// The shape that values have in common; the length is the first one's.
    pub(in crate::learning) fn of<'a>(values: impl IntoIterator<Item = &'a Json>) -> Self {
        let values: Vec<&Json> = values.into_iter().collect();
        let texts: Vec<String> = values.iter().map(|value| value.plain()).collect();
        let first = texts.first().cloned().unwrap_or_default();
        if let Some(Json::Number(number)) = values.first() {
            let digits = number.to_string().bytes().take_while(u8::is_ascii_digit).count();
            return Self::Digits { digits: digits.clamp(1, 18), is_number: true };
        }
        if texts.iter().all(|text| is_uuid(text)) {
            return Self::Uuid;
        }
        if texts
            .iter()
            .all(|text| !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit()))
        {
            return Self::Digits { digits: first.len(), is_number: false };
        }
        let shared = texts.iter().skip(1).fold(first.len(), |shared, text| {
            shared.min(first.bytes().zip(text.bytes()).take_while(|(a, b)| a == b).count())
        });
        // Of one value alone, or of values that begin alike by chance, a word and its separator is the prefix.
        let separators = first[..first.floor_char_boundary(shared)].match_indices(['_', '-', ':', '.']);
        let ends = separators.map(|(at, _)| at + 1).filter(|end| first.len() - end >= LETTERS_MIN);
        let end = ends.max().unwrap_or(0);
        Self::Text { prefix: first[..end].to_owned(), letters: (first.len() - end).clamp(1, 64) }
    }

    /// The template of such a value.
    pub(in crate::learning) fn template(&self) -> String {
        match self {
            Self::Uuid => "{uuid}".to_owned(),
            Self::Digits { digits, is_number: true } => format!("{{digits:{digits}|int}}"),
            Self::Digits { digits, is_number: false } => format!("{{digits:{digits}}}"),
            Self::Text { prefix, letters } => format!("{}{{random:{letters}}}", doubled(prefix)),
        }
    }
}

/// The text with its braces doubled, as a template has those that open no hole.
pub(in crate::learning) fn doubled(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

fn is_uuid(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.concat().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A value that nobody writes by hand: a long number, or letters and digits mixed.
pub(in crate::learning) fn is_random(value: &Json) -> bool {
    match value {
        Json::Number(number) => number.to_string().len() >= 6,
        Json::Text(text) => {
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            let is_word = text.chars().all(|letter| letter.is_ascii_alphanumeric() || "_-.:+/=~".contains(letter));
            let is_mixed = text.contains(char::is_uppercase) && text.contains(char::is_lowercase);
            let is_one_word = text.chars().all(|letter| letter.is_ascii_alphanumeric());
            is_word && (6..=128).contains(&text.len()) && (digits >= 2 || (is_one_word && is_mixed && text.len() >= 16))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SDP: &str = "v=0\\r\\na=setup:actpass\\r\\n";

    #[test]
    fn parts_of_a_negotiation_are_found_wherever_they_stand() {
        let check =
            |text: &str, expected: Option<Said>| assert_eq!(said_of(&Json::parse(text).unwrap()), expected, "{text}");
        check(&format!(r#"{{"to":"x","d":{{"sdp":"{SDP}"}}}}"#), Some(Said::Offer));
        check(&format!(r#"["e",{{"s":"{}"}}]"#, SDP.replace("actpass", "active")), Some(Said::Answer));
        check(r#"{"c":"{\"candidate\":\"candidate:1 1 udp\",\"sdpMid\":\"0\"}"}"#, Some(Said::Candidate));
        check(r#"{"candidate":{"candidate":"","sdpMid":"0"}}"#, Some(Said::EndOfCandidates));
        check(r#"{"IceCandidate":"null"}"#, Some(Said::EndOfCandidates));
        check(r#"{"x":"dj0wDQphPXNldHVwOmFjdHBhc3MNCg=="}"#, Some(Said::Offer));
        check(r#"{"type":"offer","to":"v=0"}"#, None);
    }

    #[test]
    fn drawn_values_are_told_from_words() {
        for (text, expected) in [
            ("webrtc-dashboard-chat", false),
            ("a1b2c3", true),
            ("zBQoNhFhPpCqWnRqAAAB", true),
            ("hello world 12", false),
            ("offer", false),
        ] {
            assert_eq!(is_random(&Json::Text(text.to_owned())), expected, "{text}");
        }
    }

    #[test]
    fn drawn_values_have_a_shape() {
        let check = |values: &[&str], expected: &str| {
            let values: Vec<Json> = values.iter().map(|value| Json::parse(value).unwrap()).collect();
            assert_eq!(Drawn::of(&values).template(), expected);
        };
        check(&[r#""dc_abc1""#, r#""dc_xyz2""#], "dc_{random:4}");
        check(&["1795511065979.97"], "{digits:13|int}");
        check(&[r#""123456""#, r#""654321""#], "{digits:6}");
        check(&[r#""32fa6551-0000-4000-8000-000000000001""#], "{uuid}");
        check(&[r#""abc1""#, r#""abd2""#], "{random:4}");
    }
}
