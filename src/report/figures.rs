//! Figures as people read them.

use crate::summary::distribution::{Distribution, samples_needed};
use crate::summary::verdict::{GateResult, Unit};

/// `812 µs`, `41.2 ms`, `1.3 s`, `2 min 5 s`.
pub(super) fn duration(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..999_950 => format!("{:.1} ms", us as f64 / 1e3),
        999_950..59_950_000 => format!("{:.1} s", us as f64 / 1e6),
        _ => {
            let seconds = us.saturating_add(500_000) / 1_000_000;
            match (seconds / 60, seconds % 60) {
                (minutes, 0) => format!("{} min", count(minutes)),
                (minutes, seconds) => format!("{} min {seconds} s", count(minutes)),
            }
        }
    }
}

/// With commas between thousands.
pub(super) fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut grouped = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Of a ratio: `99.2 %`, and never `100 %` for less than all.
pub(super) fn percent(ratio: f64) -> String {
    let shown = format!("{:.1}", ratio * 100.0);
    match shown.as_str() {
        "100.0" if ratio < 1.0 => "> 99.9 %".into(),
        "0.0" if ratio > 0.0 => "< 0.1 %".into(),
        _ => format!("{} %", shown.strip_suffix(".0").unwrap_or(&shown)),
    }
}

/// `1.4 KiB`, `3 MiB`.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1_024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1_024.0;
    let mut unit = 0;
    while amount >= 1_023.95 && unit + 1 < UNITS.len() {
        amount /= 1_024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

/// `one edge`, `2 edges`.
pub(super) fn plural(number: u64, one: &str) -> String {
    format!("{} {one}{}", count(number), if number == 1 { "" } else { "s" })
}

/// A percentile of fewer samples than give it a meaning stands in brackets.
pub(super) fn percentile(distribution: &Distribution, percentile: f64, us: u64) -> String {
    let shown = duration(us);
    if distribution.count < samples_needed(percentile) { format!("[{shown}]") } else { shown }
}

pub(super) fn observed(gate: &GateResult) -> String {
    match (gate.observed, gate.unit) {
        (None, _) => "no data".into(),
        (Some(us), Unit::Us) => duration(us as u64),
        (Some(number), Unit::Count) => count(number as u64),
        (Some(number), Unit::Bytes) => bytes(number as u64),
        // A ratio of more than one is no share: amplification.
        (Some(ratio), Unit::Ratio) if gate.expr.starts_with("value") => format!("{ratio:.2}"),
        (Some(ratio), Unit::Ratio) => percent(ratio),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_the_unit_that_people_would_choose() {
        for (us, shown) in [
            (0, "0 µs"),
            (999, "999 µs"),
            (1_000, "1.0 ms"),
            (41_234, "41.2 ms"),
            (999_949, "999.9 ms"),
            (999_950, "1.0 s"),
            (1_300_000, "1.3 s"),
            (59_949_999, "59.9 s"),
            (59_950_000, "1 min"),
            (125_000_000, "2 min 5 s"),
            (600_000_000, "10 min"),
        ] {
            assert_eq!(duration(us), shown, "{us}");
        }
    }

    #[test]
    fn thousands_are_set_apart() {
        for (number, shown) in [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678")] {
            assert_eq!(count(number), shown);
        }
    }

    #[test]
    fn all_is_said_only_of_all() {
        for (ratio, shown) in
            [(1.0, "100 %"), (0.9999, "> 99.9 %"), (0.992, "99.2 %"), (0.0001, "< 0.1 %"), (0.0, "0 %")]
        {
            assert_eq!(percent(ratio), shown);
        }
    }

    #[test]
    fn a_percentile_with_too_few_samples_is_in_brackets() {
        let of = |count| percentile(&Distribution { count, ..Distribution::default() }, 99.0, 5_000);
        assert_eq!((of(99).as_str(), of(100).as_str()), ("[5.0 ms]", "5.0 ms"));
    }

    #[test]
    fn bytes_are_binary() {
        for (number, shown) in
            [(1_023, "1023 B"), (1_024, "1.0 KiB"), (1_048_576, "1.0 MiB"), (u64::MAX, "16777216.0 TiB")]
        {
            assert_eq!(bytes(number), shown);
        }
    }
}
