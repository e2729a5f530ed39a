//! The user and password of a URL as an HTTP Basic credential (RFC 7617).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use url::Url;

/// Formats `Basic …`; `None` if the URL has neither user nor password.
pub(super) fn basic(url: &Url) -> Option<String> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    let pair = [&decoded(user)[..], b":", &decoded(password.unwrap_or(""))].concat();
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_decoded_and_then_encoded_for_the_header() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(basic(&Url::parse(url).unwrap()).as_deref(), expected, "{url}");
        };
        check("ws://a.example/", None);
        check("ws://us%40er:p%3Aw@a.example/", Some("Basic dXNAZXI6cDp3"));
        check("ws://user@a.example/", Some("Basic dXNlcjo="));
        check("ws://:pw@a.example/", Some("Basic OnB3"));
    }
}
