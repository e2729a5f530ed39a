//! Conversion of wall-clock times to and from RFC 3339 with milliseconds, in UTC.

use jiff::Timestamp;
use std::time::SystemTime;

/// Formats a time as `2026-02-03T04:05:06.789Z`; a time out of the calendar's range becomes the epoch.
pub fn to_rfc3339(time: SystemTime) -> String {
    format!("{:.3}", Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Parses a time (RFC 3339 §5.6); `None` if it is none.
pub fn from_rfc3339(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().and_then(|at| SystemTime::try_from(at).ok())
}

/// A time of RFC 3339 for people: `2026-11-29 11:57:39 UTC`; any other text as it is.
pub fn in_words(stamp: &str) -> String {
    match from_rfc3339(stamp).and(stamp.get(..19)) {
        Some(second) => format!("{} UTC", second.replace('T', " ")),
        None => stamp.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stamp_has_milliseconds_even_when_they_are_zero() {
        assert_eq!(to_rfc3339(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
        assert_eq!(to_rfc3339(SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_999)), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn a_stamp_reads_back() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_712_345_678);
        assert_eq!(from_rfc3339(&to_rfc3339(at)), Some(at));
        assert_eq!(from_rfc3339("yesterday"), None);
    }
}
