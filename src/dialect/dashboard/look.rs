//! A look at a frame before any parsing: most frames of a broadcasting server are for somebody else.

use memchr::memmem::Finder;

/// The value of a leading `{"type":"…"`, the way every known client and server of the dialect begins.
/// `None`: the frame must be parsed to know.
pub fn leading_type(frame: &str) -> Option<&str> {
    let rest = frame.strip_prefix(r#"{"type":""#)?;
    let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
    (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
}

/// Finds a `"key":"value"` whose value is plain. A key inside a JSON string can't be mistaken for one:
/// there its quotes are escaped.
pub struct Field {
    finder: Finder<'static>,
    length: usize,
}

impl Field {
    pub fn new(key: &str) -> Self {
        let needle = format!(r#""{key}":""#);
        Self { finder: Finder::new(&needle).into_owned(), length: needle.len() }
    }

    /// The first value of the field. `None`: absent, not a plain string, or written with blanks.
    pub fn of<'a>(&self, frame: &'a str) -> Option<&'a str> {
        let start = self.finder.find(frame.as_bytes())? + self.length;
        let rest = &frame[start..];
        let end = memchr::memchr2(b'"', b'\\', rest.as_bytes())?;
        (rest.as_bytes()[end] == b'"').then(|| &rest[..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_type_is_read_without_parsing() {
        assert_eq!(leading_type(r#"{"type":"webrtc-ice","channel":"c"}"#), Some("webrtc-ice"));
        for unsure in [r#"{ "type":"x"}"#, r#"{"channel":"c","type":"x"}"#, r#"{"type":"a\"b"}"#, r#"{"type":"a"#, ""] {
            assert_eq!(leading_type(unsure), None, "{unsure}");
        }
    }

    #[test]
    fn a_key_inside_a_string_is_not_a_field() {
        let to = Field::new("toUserId");
        assert_eq!(to.of(r#"{"sdp":"\"toUserId\":\"x\"","toUserId":"y"}"#), Some("y"));
        assert_eq!(to.of(r#"{"toUserId": "y"}"#), None);
        assert_eq!(to.of(r#"{"toUserId":7}"#), None);
    }
}
