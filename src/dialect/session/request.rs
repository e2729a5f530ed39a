//! Parts of the requests before and for a connection, with their holes filled in.

use crate::dialect::language::evaluate::LookupView;
use crate::dialect::language::template::Template;
use rand_chacha::ChaCha8Rng;

/// The pairs with their holes filled in.
pub(super) fn filled(
    pairs: &[(String, Template)],
    view: LookupView<'_>,
    rng: &mut ChaCha8Rng,
) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| (name.clone(), value.text(view, rng))).collect()
}

pub(super) fn cookie_header(cookies: &[(String, String)]) -> Option<(String, String)> {
    let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    (!pairs.is_empty()).then(|| ("Cookie".to_owned(), pairs.join("; ")))
}

/// Percent-encodes all but the unreserved characters (RFC 3986 §2.3).
pub(super) fn in_url(value: &str) -> String {
    let mut encoded = String::new();
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// The target as an HTTP URL.
pub(super) fn http_url(base: &str) -> String {
    base.strip_prefix("ws").map_or_else(|| base.to_owned(), |rest| format!("http{rest}"))
}
