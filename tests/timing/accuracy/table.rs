//! One line for each thing that must hold: what, observed, expected.

/// A figure and what it must be.
#[derive(Clone, Debug)]
pub struct Row {
    pub what: String,
    pub observed: String,
    pub expected: String,
    pub holds: bool,
    /// It isn't less than expected: what a busy machine can't change.
    pub holds_at_least: bool,
}

impl Row {
    pub fn new(what: impl Into<String>, observed: impl Into<String>, expected: impl Into<String>, holds: bool) -> Self {
        Self { what: what.into(), observed: observed.into(), expected: expected.into(), holds, holds_at_least: holds }
    }

    /// Microseconds that must lie within max(1 %, 0.5 ms) of `expected` (docs/spec/measurement.md, "Numbers that must
    /// hold"), where waking a thread costs nothing; it may be later by what the machine takes for that.
    pub fn near(what: impl Into<String>, observed_us: u64, expected_us: u64, floor_us: u64) -> Self {
        let slack = (expected_us / 100).max(500);
        let row = Self::new(
            what,
            format!("{} ms", ms(observed_us)),
            format!("{} ms ± {} ms, + {} ms of this machine", ms(expected_us), ms(slack), ms(floor_us)),
            observed_us + slack >= expected_us && observed_us <= expected_us + slack + floor_us,
        );
        Self { holds_at_least: observed_us + slack >= expected_us, ..row }
    }

    /// Microseconds within `slack_us` of `expected_us`, with a remark about the run.
    pub fn within(what: String, observed_us: u64, remark: String, expected_us: u64, slack_us: u64) -> Self {
        Self::new(
            what,
            format!("{} ms; {remark}", ms(observed_us)),
            format!("{} ms ± {} ms", ms(expected_us), ms(slack_us)),
            observed_us.abs_diff(expected_us) <= slack_us,
        )
    }
}

fn ms(us: u64) -> String {
    format!("{:.2}", us as f64 / 1e3)
}

pub fn print(rows: &[Row]) {
    let width = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
    let (what, observed) = (width(|row| &row.what), width(|row| &row.observed));
    for row in rows {
        let mark = if row.holds { "ok  " } else { "MISS" };
        println!("{mark} {:what$}  observed {:observed$}  expected {}", row.what, row.observed, row.expected);
    }
}
