//! Wall-clock times as reports write them: RFC 3339, UTC, with milliseconds.

use jiff::Timestamp;
use std::time::SystemTime;

/// `2026-02-03T04:05:06.789Z`; a time that no calendar holds reads as the epoch.
pub fn stamp(time: SystemTime) -> String {
    format!("{:.3}", Timestamp::try_from(time).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// The time that `stamp` wrote, if `text` is one (RFC 3339 §5.6).
pub fn time_of(text: &str) -> Option<SystemTime> {
    text.parse::<Timestamp>().ok().and_then(|at| SystemTime::try_from(at).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_stamp_has_milliseconds_even_when_they_are_zero() {
        assert_eq!(stamp(SystemTime::UNIX_EPOCH), "1970-01-01T00:00:00.000Z");
        assert_eq!(stamp(SystemTime::UNIX_EPOCH + Duration::from_micros(1_500_999)), "1970-01-01T00:00:01.500Z");
    }

    #[test]
    fn a_stamp_reads_back() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_763_712_345_678);
        assert_eq!(time_of(&stamp(at)), Some(at));
        assert_eq!(time_of("yesterday"), None);
    }
}
