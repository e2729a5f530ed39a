//! Masks the secrets of a recording, each by a name of its own, so that equal ones stay equal.

use super::{Exchange, FramePayload, Recording};
use crate::vocabulary::{Redactor, is_secret_key};
use serde_json::Value;
use url::Url;

/// Shorter values are no secrets: to hide each `1` would hide all that is said.
const SECRET_BYTES_MIN: usize = 4;
/// The most secrets that get a name of their own and are looked for everywhere; further ones are `***` in their own text.
const SECRETS_MAX: usize = 1_000;
/// The start of the names that replace secrets.
pub const MASKED: &str = "masked-";

/// The secrets seen so far: values of headers that carry credentials, and of keys that are called so.
#[derive(Debug, Default)]
pub struct Masker {
    /// Each secret and its replacement, the longest first.
    secrets: Vec<(String, String)>,
    redactor: Redactor,
    /// The secrets of the current text that have no place among the others.
    own: Redactor,
}

impl Masker {
    /// Masks a text frame or body, with all secrets known so far and its own.
    pub fn text(&mut self, text: &str) -> String {
        // Engine.IO 4 joins the packets of one body by this character, and SignalR ends each with it.
        for part in text.split('\u{1e}') {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if let Ok(content) = serde_json::from_str::<Value>(&part[digits..]) {
                self.note_json(&content);
            } else if !part.contains(['{', '\n', ' ']) {
                let pairs = part.split('&').filter_map(|pair| pair.split_once('='));
                pairs.for_each(|(key, value)| self.note_pair(key, value));
            }
        }
        self.masked_once(text)
    }

    pub fn url(&mut self, url: &str) -> String {
        if let Ok(parsed) = Url::parse(url) {
            parsed.query_pairs().for_each(|(key, value)| self.note_pair(&key, &value));
            [parsed.password(), Some(parsed.username())].into_iter().flatten().for_each(|secret| self.note(secret));
        }
        self.masked_once(url)
    }

    pub fn headers(&mut self, headers: &mut [(String, String)]) {
        for (name, value) in headers.iter() {
            match name.to_ascii_lowercase().as_str() {
                "cookie" => {
                    value.split(';').filter_map(|one| one.split_once('=')).for_each(|(_, value)| self.note(value));
                }
                "set-cookie" => {
                    let first = value.split(';').next().and_then(|first| first.split_once('='));
                    first.into_iter().for_each(|(_, value)| self.note(value));
                }
                "authorization" | "proxy-authorization" => {
                    self.note(value.split_once(' ').map_or(value, |(_, rest)| rest));
                }
                key if is_secret_key(key) => self.note(value),
                _ => {}
            }
        }
        headers.iter_mut().for_each(|(_, value)| *value = self.masked(value));
        self.own = Redactor::default();
    }

    pub fn body(&mut self, body: &mut Vec<u8>) {
        if let Ok(text) = std::str::from_utf8(body) {
            *body = self.text(text).into_bytes();
        }
    }

    /// Masks a whole recording, which may have been masked before.
    pub fn mask(recording: &mut Recording) {
        let mut masker = Self::default();
        for Exchange { request, response, frames, .. } in &mut recording.exchanges {
            masker.headers(&mut request.headers);
            masker.headers(&mut response.headers);
            request.url = masker.url(&request.url);
            masker.body(&mut request.body);
            masker.body(&mut response.body);
            for frame in frames.iter_mut().flatten() {
                if let FramePayload::Text(text) = &mut frame.payload {
                    *text = masker.text(text);
                }
            }
        }
        masker.finish(recording);
    }

    /// Masks once more what was kept before a secret in it was known as one.
    pub fn finish(&self, recording: &mut Recording) {
        if self.secrets.is_empty() {
            return;
        }
        for Exchange { request, response, frames, .. } in &mut recording.exchanges {
            request.url = self.masked(&request.url);
            let headers = request.headers.iter_mut().chain(&mut response.headers);
            headers.for_each(|(_, value)| *value = self.masked(value));
            for body in [&mut request.body, &mut response.body] {
                if let Ok(text) = std::str::from_utf8(body) {
                    *body = self.masked(text).into_bytes();
                }
            }
            for frame in frames.iter_mut().flatten() {
                if let FramePayload::Text(text) = &mut frame.payload {
                    *text = self.masked(text);
                }
            }
        }
    }

    fn note_json(&mut self, value: &Value) {
        match value {
            Value::Object(entries) => {
                for (key, value) in entries {
                    match value {
                        Value::String(text) => self.note_pair(key, text),
                        inner => self.note_json(inner),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.note_json(item)),
            _ => {}
        }
    }

    fn note_pair(&mut self, key: &str, value: &str) {
        if is_secret_key(key) {
            self.note(value);
        }
    }

    fn note(&mut self, secret: &str) {
        let secret = secret.trim();
        let known = self.secrets.iter().any(|(known, _)| known == secret);
        if secret.len() < SECRET_BYTES_MIN || known || secret.starts_with(MASKED) {
            return;
        }
        let count = self.secrets.len() + 1;
        if count > SECRETS_MAX {
            return self.own.add(secret);
        }
        let name = format!("{MASKED}{count}");
        let at = self.secrets.partition_point(|(known, _)| known.len() >= secret.len());
        self.secrets.insert(at, (secret.to_owned(), name));
        self.redactor.add(secret);
    }

    /// The text with each secret replaced, in whatever encoding it stands there.
    fn masked(&self, text: &str) -> String {
        if self.secrets.is_empty() {
            return text.to_owned();
        }
        self.own.whole(&self.redactor.whole(&self.replaced(text)))
    }

    /// The same, for the one text that has the secrets without a place.
    fn masked_once(&mut self, text: &str) -> String {
        let masked = self.masked(text);
        self.own = Redactor::default();
        masked
    }

    fn replaced(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (secret, name) in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), name);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_secrets_stay_equal_and_others_stay_apart() {
        let mut masker = Masker::default();
        assert_eq!(masker.url("ws://h/?token=aaaa1&id=x"), "ws://h/?token=masked-1&id=x");
        assert_eq!(masker.url("ws://h/?token=bbbb2&id=y"), "ws://h/?token=masked-2&id=y");
        assert_eq!(masker.text(r#"42["join",{"authToken":"aaaa1"}]"#), r#"42["join",{"authToken":"masked-1"}]"#);
        assert_eq!(masker.text(r#"{"token":17955,"sdp":"v=0"}"#), r#"{"token":17955,"sdp":"v=0"}"#);
        assert_eq!(masker.text("user=me&password=s3cret"), "user=me&password=masked-3");
    }

    #[test]
    fn headers_with_credentials_are_masked_and_what_repeats_them_is_too() {
        let mut masker = Masker::default();
        let mut headers: Vec<(String, String)> =
            [("Cookie", "sid=abcdef; a=1"), ("Authorization", "Bearer s3cr/t"), ("X", "abcdef")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        masker.headers(&mut headers);
        let values: Vec<&str> = headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(values, ["sid=masked-1; a=1", "Bearer masked-2", "masked-1"]);
        assert_eq!(masker.text("{\"echo\":\"s3cr%2Ft\"}"), "{\"echo\":\"***\"}");
    }

    #[test]
    fn a_secret_that_is_known_late_is_masked_in_what_came_before() {
        let mut masker = Masker::default();
        let text = masker.text(r#"{"hello":"abcd/f","encoded":"abcd%2Ff"}"#);
        let frame = super::super::RecordedFrame { at_us: 0, sent: true, payload: FramePayload::Text(text) };
        let exchange = Exchange { frames: Some(vec![frame]), ..Exchange::default() };
        let mut recording = Recording { exchanges: vec![exchange], ..Recording::default() };
        masker.text(r#"{"token":"abcd/f"}"#);
        masker.finish(&mut recording);
        let kept = &recording.exchanges[0].frames.as_ref().unwrap()[0].payload;
        assert_eq!(*kept, FramePayload::Text(r#"{"hello":"masked-1","encoded":"***"}"#.to_owned()));
    }

    #[test]
    fn secrets_beyond_the_bound_are_hidden_in_their_own_text_and_none_is_kept() {
        let mut masker = Masker::default();
        for number in 0..SECRETS_MAX {
            masker.url(&format!("ws://h/?token=secret-{number:05}"));
        }
        assert_eq!(masker.text(r#"{"token":"one-more","copy":"one-more"}"#), r#"{"token":"***","copy":"***"}"#);
        assert_eq!((masker.secrets.len(), masker.text("one-more")), (SECRETS_MAX, "one-more".to_owned()));
        assert_eq!(masker.text("secret-00007"), "masked-8");
    }
}
