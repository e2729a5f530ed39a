//! The axes of the charts: their ranges, ticks and scales.

use crate::vocabulary::format;

/// The range of an axis in the chart's own units, with the labelled ticks within it.
#[derive(Clone, Debug)]
pub struct Axis {
    pub from: f64,
    pub to: f64,
    pub ticks: Vec<(f64, String)>,
    /// A value in words.
    pub words: fn(f64) -> String,
}

impl Axis {
    /// The value, clamped to the range.
    pub fn place(&self, value: f64) -> f64 {
        value.clamp(self.from, self.to)
    }
}

/// An axis of percentiles in which each further nine takes the same room; see `nines`.
pub fn percentiles(samples: u64) -> Axis {
    let to = (samples.max(2) as f64).log10().clamp(1.0, 6.0);
    // On a longer axis, the labels of p90 and p95 would overlap.
    let named = [50.0, 90.0, 95.0, 99.0, 99.9, 99.99, 99.999, 99.9999];
    let named = named.into_iter().filter(|percentile| *percentile != 90.0 || to <= 3.0);
    let ticks = named.map(|percentile| (nines(percentile), format!("p{percentile}")));
    // In binary floating point, 99.9 % lies just beyond three nines.
    let ticks = ticks.filter(|(at, _)| *at <= to + 1e-6).map(|(at, name)| (at.min(to), name)).collect();
    Axis { from: 0.0, to, ticks, words: |nines| format!("p{}", trimmed_percentile(nines)) }
}

/// The number of nines of a percentile: 1 for 90 %, 2 for 99 %.
pub fn nines(percentile: f64) -> f64 {
    -(1.0 - percentile.clamp(0.0, 99.999_999) / 100.0).log10()
}

/// An axis of times on a log scale, in the logarithm of microseconds; see `log_time`.
pub fn times(min_us: u64, max_us: u64) -> Axis {
    let from = log_time(min_us as f64) - 0.05;
    let to = (log_time(max_us as f64) + 0.05).max(from + 0.4);
    let factors: &[f64] = match to - from {
        span if span <= 1.7 => &[1.0, 2.0, 5.0],
        span if span <= 3.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let ticks = (0..10)
        .flat_map(|decade| factors.iter().map(move |factor| factor * 10f64.powi(decade)))
        .filter(|us| (from..=to).contains(&us.log10()))
        .map(|us| (us.log10(), short_time(us)))
        .collect();
    Axis { from, to, ticks, words: |log| format::duration(10f64.powf(log) as u64) }
}

pub fn log_time(us: f64) -> f64 {
    us.max(1.0).log10()
}

/// An axis of whole seconds since the start of the run.
pub fn seconds(to: f64) -> Axis {
    let to = to.max(1.0);
    let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0, 3_600.0, 7_200.0, 36_000.0];
    let step = steps.into_iter().find(|step| to / step <= 6.0).unwrap_or_else(|| round_step(to / 6.0));
    let name = |second: f64| if step >= 60.0 { format!("{} min", second / 60.0) } else { format!("{second} s") };
    let ticks = multiples(step, to).map(|second| (second, name(second))).collect();
    Axis { from: 0.0, to, ticks, words: |second| format!("{} s", tenths(second)) }
}

/// An axis of whole amounts from zero to a round figure above `max`, with about four ticks.
pub fn amounts(max: f64, words: fn(f64) -> String) -> Axis {
    linear(max.max(1.0), 1.0, words)
}

/// As `amounts`, for amounts that need not be whole.
pub fn fractions(max: f64, words: fn(f64) -> String) -> Axis {
    linear(max.clamp(1e-6, 1e15), 0.0, words)
}

fn linear(max: f64, least_step: f64, words: fn(f64) -> String) -> Axis {
    let step = round_step(max / 4.0).max(least_step);
    let to = (max / step).ceil() * step;
    Axis { from: 0.0, to, ticks: multiples(step, to).map(|amount| (amount, words(amount))).collect(), words }
}

/// A linear axis of microseconds from zero, with about four ticks.
pub fn spans(max_us: f64) -> Axis {
    let max_us = max_us.max(10.0);
    let step = round_step(max_us / 4.0);
    let ticks = multiples(step, max_us).map(|us| (us, short_time(us))).collect();
    Axis { from: 0.0, to: max_us, ticks, words: |us| format::duration(us as u64) }
}

/// An axis with a row for each name, the first on top: row `i` from the top is centred on `rows − i − ½`.
pub fn rows(names: impl ExactSizeIterator<Item = String>) -> Axis {
    let to = names.len().max(1) as f64;
    let ticks = names.enumerate().map(|(row, name)| (to - row as f64 - 0.5, name)).collect();
    Axis { from: 0.0, to, ticks, words: |_| String::new() }
}

/// 1 234 as `1.2k`.
pub fn short_count(amount: f64) -> String {
    match amount {
        _ if amount >= 999_500.0 => format!("{}M", tenths(amount / 1e6)),
        _ if amount >= 1_000.0 => format!("{}k", tenths(amount / 1e3)),
        _ => tenths(amount),
    }
}

fn short_time(us: f64) -> String {
    match us {
        0.0 => "0".into(),
        _ if us < 1e3 => format!("{} µs", tenths(us)),
        _ if us < 1e6 => format!("{} ms", tenths(us / 1e3)),
        _ if us < 1e9 => format!("{} s", tenths(us / 1e6)),
        _ => format::duration(us as u64),
    }
}

/// The percentile of a number of nines: `99.5` for 2.3.
fn trimmed_percentile(nines: f64) -> String {
    let decimals = nines.max(0.0) as usize;
    format!("{:.decimals$}", 100.0 - 10f64.powf(2.0 - nines))
}

/// To a tenth, `1.5`, or whole, `2`.
pub fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The smallest of 1, 2, 5 × 10ⁿ that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}

fn multiples(step: f64, to: f64) -> impl Iterator<Item = f64> {
    (0..=20).map(move |index| f64::from(index) * step).take_while(move |value| *value <= to * (1.0 + 1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(axis: &Axis, names: &[&str]) {
        assert_eq!(axis.ticks.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), names);
        assert!(axis.ticks.iter().all(|(at, _)| (axis.from..=axis.to).contains(at)), "a tick lies outside");
    }

    #[test]
    fn ticks_are_round_and_few() {
        check(&percentiles(1_000), &["p50", "p90", "p95", "p99", "p99.9"]);
        check(&percentiles(100_000), &["p50", "p95", "p99", "p99.9", "p99.99", "p99.999"]);
        check(&times(3_000, 90_000), &["5 ms", "10 ms", "20 ms", "50 ms", "100 ms"]);
        check(&times(900, 10_000_000), &["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        check(&seconds(25.0), &["0 s", "5 s", "10 s", "15 s", "20 s", "25 s"]);
        check(&seconds(300.0), &["0 min", "1 min", "2 min", "3 min", "4 min", "5 min"]);
        check(&amounts(4_100.0, short_count), &["0", "2k", "4k", "6k"]);
        check(&fractions(0.03, |share| format!("{share:.2}")), &["0.00", "0.01", "0.02", "0.03"]);
        check(&spans(45_000.0), &["0", "20 ms", "40 ms"]);
        check(&rows(["a".to_owned(), "b".to_owned()].into_iter()), &["a", "b"]);
    }

    #[test]
    fn no_axis_is_empty_or_endless_whatever_it_is_given() {
        for us in [0, 1, u64::MAX] {
            let same = us as f64;
            let counted = [amounts(same, short_count), fractions(same, short_count)];
            for axis in [times(us, us), spans(same), seconds(same)].into_iter().chain(counted) {
                assert!(axis.to > axis.from && axis.ticks.len() < 40);
            }
        }
    }
}
