//! Figures formatted for people: three significant digits and the unit that fits.

use std::fmt::Write;
use std::time::Duration;

/// Whole microseconds, as histograms and JSON store them; saturates at `u64::MAX`.
pub fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Bytes as hexadecimal digits, `0b5f`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Microseconds as `812 µs`, `41.2 ms`, `1.30 s`, `2 min 5 s`.
pub fn duration(us: u64) -> String {
    let us_exact = us as f64;
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..999_500 => format!("{} ms", digits(us_exact / 1e3)),
        999_500..59_950_000 => format!("{} s", digits(us_exact / 1e6)),
        _ => {
            let seconds = us.saturating_add(500_000) / 1_000_000;
            match (seconds / 60, seconds % 60) {
                (minutes, 0) => format!("{} min", count(minutes)),
                (minutes, seconds) => format!("{} min {seconds} s", count(minutes)),
            }
        }
    }
}

/// Milliseconds with one digit, for times that are read beside each other: `41.2 ms`.
pub fn milliseconds(us: u64) -> String {
    format!("{:.1} ms", us as f64 / 1e3)
}

/// A figure in words; a dash if it is not known.
pub fn known<T>(figure: Option<T>, words: impl FnOnce(T) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), words)
}

/// A number with commas between thousands: `1,234,567`.
pub fn count(count: u64) -> String {
    let plain = count.to_string();
    let mut grouped = String::with_capacity(plain.len() * 4 / 3);
    for (index, digit) in plain.chars().enumerate() {
        if index > 0 && (plain.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 edge`, `2 edges`.
pub fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A share that someone has chosen, without digits that say nothing: `10 %`.
pub fn short_percent(fraction: f64) -> String {
    format!("{} %", format!("{:.2}", fraction * 100.0).trim_end_matches('0').trim_end_matches('.'))
}

/// A fraction from 0 to 1 as a percentage; a part never rounds to 0 % or 100 %.
pub fn percent(fraction: f64) -> String {
    let percent = fraction * 100.0;
    match percent {
        _ if percent > 0.0 && percent < 0.01 => "< 0.01 %".into(),
        _ if percent < 100.0 && percent > 99.99 => "> 99.99 %".into(),
        _ if percent == 0.0 || percent == 100.0 => format!("{percent:.0} %"),
        _ if !(10.0..=99.0).contains(&percent) => format!("{percent:.2} %"),
        _ => format!("{percent:.1} %"),
    }
}

/// A relative change (0.123) as a signed percentage: `+12.3 %`.
pub fn change(fraction: f64) -> String {
    format!("{:+.1} %", fraction * 100.0)
}

/// Bytes in binary units: `812 B`, `1.50 MiB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1_024.0;
        unit += 1;
    }
    format!("{} {}", digits(value), UNITS[unit])
}

/// A figure without a unit, to three significant digits.
pub fn number(value: f64) -> String {
    if value.abs() >= 1_000.0 { count(value.abs().round() as u64) } else { digits(value) }
}

fn digits(value: f64) -> String {
    match value.abs() {
        below if below < 9.995 => format!("{value:.2}"),
        below if below < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_takes_the_unit_that_fits() {
        for (us, shown) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.00 ms"),
            (9_994, "9.99 ms"),
            (9_996, "10.0 ms"),
            (41_215, "41.2 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1 min"),
            (125_000_000, "2 min 5 s"),
            (600_000_000, "10 min"),
        ] {
            assert_eq!(duration(us), shown, "{us} µs");
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_nothing_or_to_all() {
        for (fraction, shown) in [
            (0.0, "0 %"),
            (0.000_01, "< 0.01 %"),
            (0.0123, "1.23 %"),
            (0.5, "50.0 %"),
            (0.998, "99.80 %"),
            (0.999_99, "> 99.99 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(percent(fraction), shown, "{fraction}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), shown);
        }
        assert_eq!([plural(1, "edge"), plural(2_000, "edge")], ["1 edge", "2,000 edges"]);
    }

    #[test]
    fn bytes_take_binary_units() {
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_024), "1.00 KiB");
        assert_eq!(bytes(1_048_576), "1.00 MiB");
        assert_eq!(bytes(u64::MAX), "16384 PiB");
    }
}
