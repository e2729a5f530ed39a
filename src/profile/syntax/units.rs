//! Parsers for durations, rates, sizes and shares: `1m30s`, `20/s`, `4KiB`, `5%`.

use crate::vocabulary::{self, problem};
use std::time::Duration;

const TIMES: &[(&str, u128)] = &[
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration: `10s`, `500ms`, `1m30s`, `1.5s`.
///
/// # Errors
/// One sentence without a subject.
pub fn duration(written: &str) -> Result<Duration, String> {
    let mut rest = written.trim();
    if rest.starts_with('-') {
        return Err("a time can't be negative".to_owned());
    }
    if rest.is_empty() {
        return Err("a time is missing; write 10s, 500ms or 1m30s".to_owned());
    }
    let mut nanos: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit() || c == '.');
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if unit.is_empty() && is_number(number) {
            return Err(missing_time_unit(number));
        }
        let Some(&(_, scale)) = TIMES.iter().find(|(name, _)| *name == unit) else {
            return Err(no_time(written));
        };
        let part = scaled(number, scale).ok_or_else(|| no_time(written))?;
        nanos = nanos.checked_add(part).ok_or_else(|| too_large(written))?;
        rest = after.trim_start();
    }
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| too_large(written))
}

/// The message for a duration without a unit; a small number may mean seconds.
pub(crate) fn missing_time_unit(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(small) if small < 100.0 => format!("{number} of what? write {number}s or {number}ms"),
        _ => format!("{number} of what? write {number}ms"),
    }
}

/// Parses a rate into events per second: `20/s`, `3/min`, `0.5/h`.
///
/// # Errors
/// One sentence without a subject.
pub fn rate(written: &str) -> Result<f64, String> {
    let Some((number, unit)) = written.split_once('/') else {
        let number = written.trim();
        return Err(if is_number(number) {
            format!("{number} in what time? write {number}/s")
        } else {
            format!("{} is no rate; write 20/s or 3/min", shown(written))
        });
    };
    let number = number.trim();
    if number.starts_with('-') {
        return Err("a rate can't be negative".to_owned());
    }
    let seconds = seconds_of(unit.trim()).ok_or_else(|| {
        let unit = unit.trim();
        format!("a rate is per s, min or h, not per {}", shown(unit))
    })?;
    match number.parse::<f64>() {
        Ok(count) if is_number(number) && count.is_finite() => Ok(count / seconds),
        _ => Err(format!("{} is no rate; write 20/s or 3/min", shown(written))),
    }
}

/// Parses a size into bytes: `64B`, `4KiB`, `1.5MiB`, `4kB`.
///
/// # Errors
/// One sentence without a subject.
pub fn size(written: &str) -> Result<u64, String> {
    const SIZES: &[(&str, u128)] =
        &[("B", 1), ("kB", 1_000), ("KB", 1_000), ("MB", 1_000_000), ("KiB", 1 << 10), ("MiB", 1 << 20)];
    let text = written.trim();
    if text.starts_with('-') {
        return Err("a size can't be negative".to_owned());
    }
    let (number, unit) = split(text, |c| c.is_ascii_digit() || c == '.');
    let unit = unit.trim();
    if unit.is_empty() && is_number(number) {
        return Err(format!("{number} of what? write {number}B"));
    }
    let unknown = || format!("{} is no size; write 64B or 4KiB", shown(written));
    let &(_, scale) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(unknown)?;
    let bytes = scaled(number, scale).ok_or_else(unknown)?;
    u64::try_from(bytes).map_err(|_| too_large(written))
}

/// Parses a share into a fraction from 0 to 1: `5%`.
///
/// # Errors
/// One sentence without a subject.
pub fn share(written: &str) -> Result<f64, String> {
    vocabulary::share(written, 1.0)
}

/// Parses a share per time into a fraction per second: `5%/min`.
///
/// # Errors
/// One sentence without a subject.
pub(crate) fn share_rate(written: &str) -> Result<f64, String> {
    let unknown = || format!("{} is no share in a time; write 5%/min", shown(written));
    let (number, unit) = written.split_once('/').ok_or_else(unknown)?;
    Ok(share(number)? / seconds_of(unit.trim()).ok_or_else(unknown)?)
}

fn seconds_of(unit: &str) -> Option<f64> {
    match unit {
        "s" => Some(1.0),
        "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    }
}

/// `number` × `scale`, in whole units, rounded down; exact, so that `0.1s` is 100 ms.
fn scaled(number: &str, scale: u128) -> Option<u128> {
    if !is_number(number) {
        return None;
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let digits = &fraction[..fraction.len().min(18)];
    let part = match digits {
        "" => 0,
        digits => digits.parse::<u128>().ok()? * scale / 10u128.pow(digits.len() as u32),
    };
    whole.checked_mul(scale)?.checked_add(part)
}

fn is_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let points = text.bytes().filter(|&byte| byte == b'.').count();
    digits > 0 && points <= 1 && digits + points == text.len() && digits <= 40
}

fn split(text: &str, belongs: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()))
}

fn no_time(written: &str) -> String {
    format!("{} is no time; write 10s, 500ms or 1m30s", shown(written))
}

fn too_large(written: &str) -> String {
    format!("{} is too large", shown(written))
}

fn shown(written: &str) -> String {
    problem::quoted(written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    fn check<T: PartialEq + Debug>(read: fn(&str) -> Result<T, String>, cases: &[(&str, Result<T, &str>)]) {
        for (written, expected) in cases {
            let got = read(written);
            assert_eq!(got.as_ref().map_err(String::as_str), expected.as_ref().map_err(|e| *e), "{written}");
        }
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        check(
            duration,
            &[
                ("10s", Ok(Duration::from_secs(10))),
                ("500ms", Ok(Duration::from_millis(500))),
                ("1m30s", Ok(Duration::from_secs(90))),
                ("1h 1m", Ok(Duration::from_secs(3660))),
                ("0.1s", Ok(Duration::from_millis(100))),
                ("250us", Ok(Duration::from_micros(250))),
                ("0s", Ok(Duration::ZERO)),
            ],
        );
    }

    #[test]
    fn a_time_that_could_mean_two_things_is_refused() {
        check(
            duration,
            &[
                ("500", Err("500 of what? write 500ms")),
                ("10", Err("10 of what? write 10s or 10ms")),
                ("-5s", Err("a time can't be negative")),
                ("5 parsecs", Err("\"5 parsecs\" is no time; write 10s, 500ms or 1m30s")),
                ("1.2.3s", Err("\"1.2.3s\" is no time; write 10s, 500ms or 1m30s")),
                ("s", Err("\"s\" is no time; write 10s, 500ms or 1m30s")),
                ("NaNs", Err("\"NaNs\" is no time; write 10s, 500ms or 1m30s")),
                ("99999999999999999999h", Err("\"99999999999999999999h\" is too large")),
                ("", Err("a time is missing; write 10s, 500ms or 1m30s")),
            ],
        );
    }

    #[test]
    fn rates_are_each_second() {
        check(
            rate,
            &[
                ("20/s", Ok(20.0)),
                ("3/min", Ok(0.05)),
                ("36 / h", Ok(0.01)),
                ("20", Err("20 in what time? write 20/s")),
                ("-1/s", Err("a rate can't be negative")),
                ("20/fortnight", Err("a rate is per s, min or h, not per \"fortnight\"")),
                ("nan/s", Err("\"nan/s\" is no rate; write 20/s or 3/min")),
                ("1e400/s", Err("\"1e400/s\" is no rate; write 20/s or 3/min")),
            ],
        );
    }

    #[test]
    fn sizes_are_bytes() {
        check(
            size,
            &[
                ("64B", Ok(64)),
                ("4KiB", Ok(4096)),
                ("4 kB", Ok(4000)),
                ("1.5KiB", Ok(1536)),
                ("64", Err("64 of what? write 64B")),
                ("-1B", Err("a size can't be negative")),
                ("4 parsecs", Err("\"4 parsecs\" is no size; write 64B or 4KiB")),
                ("99999999999999999999MiB", Err("\"99999999999999999999MiB\" is too large")),
            ],
        );
    }

    #[test]
    fn shares_lie_between_nothing_and_all() {
        check(
            share,
            &[
                ("5%", Ok(0.05)),
                ("100%", Ok(1.0)),
                ("101%", Err("\"101%\" is not between 0% and 100%")),
                ("NaN%", Err("\"NaN%\" is no share; write 5%")),
                ("5", Err("5 of what? write 5%")),
            ],
        );
        check(share_rate, &[("60%/min", Ok(0.01)), ("5%", Err("\"5%\" is no share in a time; write 5%/min"))]);
    }
}
