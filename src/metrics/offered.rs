//! Judges whether the load was offered as planned, second by second (docs/spec/measurement.md, "Validity").

use crate::metrics::fold::series::SecondCounts;
use crate::metrics::fold::time_buckets::TimeRows;
use crate::metrics::validity::{Strain, percent};
use crate::profile::Thresholds;
use crate::summary::{Doubt, Histogram, OfferedLoad, Punctuality};
use crate::vocabulary::format::duration;

/// Percentages that may begin late, of the run and of one second: a machine that stands still for 20 ms, as virtual
/// ones do, makes 2 % of a second's arrivals late, and nothing easier for the target.
const RUN_MAX: u64 = 1;
const SECOND_MAX: u64 = 5;

/// A second of fewer is judged with the whole run alone: one of ten that is late is no share.
const ROW_MIN: u64 = 100;

/// The load as it was offered, with everything that speaks against it.
pub(super) fn offered_load(
    strain: &Strain,
    series: &TimeRows<SecondCounts>,
    handling: &Histogram,
    thresholds: &Thresholds,
) -> OfferedLoad {
    let (arrivals, messages) = (of_rows(series, |row| row.arrivals_due), of_rows(series, |row| row.messages_due));
    let load = OfferedLoad {
        arrivals: arrivals.all,
        messages: messages.all,
        worst_second: [arrivals.worst, messages.worst]
            .into_iter()
            .flatten()
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|of| of.1),
        handled: handling.count(),
        handled_p95_us: handling.quantile_us(0.95),
        ..OfferedLoad::default()
    };
    let mut doubts = vec![];
    let mut doubt = |what: &str, observed: String, limit: &str, cure: &str| {
        doubts.push(Doubt { what: what.into(), observed, limit: limit.into(), cure: cure.into() });
    };
    let late = |of: &Punctuality| format!("{} of {}", of.late, of.due);
    const LIMIT: &str = "1 % of a run's and 5 % of a second's more than 10 ms late";
    if let Some(broken) = arrivals.broken {
        doubt(
            "the load was not offered: arrivals began late",
            late(&broken),
            LIMIT,
            "fewer arrivals a second, or more cores",
        );
    }
    if let Some(broken) = messages.broken {
        doubt("the load was not offered: messages began late", late(&broken), LIMIT, "fewer messages, or more cores");
    }
    let dropped = |part: u64, of: u64| part as f64 / of.max(1) as f64;
    for (what, share) in [
        ("the load was not offered: peers were not started", dropped(strain.peers_dropped, strain.peers_planned)),
        ("the load was not offered: messages were not sent", dropped(strain.messages_dropped, strain.messages_due)),
    ] {
        if share > thresholds.dropped_suspect {
            doubt(what, percent(share), &percent(thresholds.dropped_suspect), "fewer peers or messages, or more cores");
        }
    }
    if load.is_late_reader() {
        let observed = format!("{} at p95", duration(load.handled_p95_us));
        let what = "the load was not offered: what was heard was handled late";
        doubt(what, observed, "20 ms", "fewer peers on this machine, or more cores");
    }
    OfferedLoad { offered: doubts.is_empty(), doubts, ..load }
}

#[derive(Default)]
struct OfferedRows {
    all: Punctuality,
    /// The run, or else the first second, in which too many were late.
    broken: Option<Punctuality>,
    /// The largest share that was late, with its second.
    worst: Option<(f64, u64)>,
}

fn of_rows(series: &TimeRows<SecondCounts>, of: impl Fn(&SecondCounts) -> Punctuality) -> OfferedRows {
    let (mut rows, mut second_broken) = (OfferedRows::default(), None);
    for (second, _, row) in series.iter() {
        let row = of(row);
        rows.all += row;
        if row.due >= ROW_MIN && !row.is_within(SECOND_MAX) {
            second_broken.get_or_insert(row);
        }
        let share = row.late as f64 / row.due.max(1) as f64;
        if row.late > 0 && rows.worst.is_none_or(|(worst, _)| share > worst) {
            rows.worst = Some((share, second));
        }
    }
    rows.broken = Some(rows.all).filter(|all| !all.is_within(RUN_MAX)).or(second_broken);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::fold::time_buckets::TimeBuckets;
    use crate::metrics::tests::thresholds;
    use std::time::{Duration, Instant};

    /// Seconds in which so many were due, and so many late; what was heard took `handled_us`.
    fn check(seconds: &[(u64, u64)], handled_us: u64, strain: &Strain, expected: &[&str]) {
        let start = Instant::now();
        let mut series = TimeBuckets::<SecondCounts>::new(start);
        for (second, (due, late)) in seconds.iter().enumerate() {
            let row = series.at(start + Duration::from_secs(second as u64));
            row.arrivals_due = Punctuality { due: *due, late: *late };
        }
        let mut handling = Histogram::default();
        handling.record_us(handled_us);
        let load = offered_load(strain, series.rows(), &handling, &thresholds());
        let found: Vec<&str> = load.doubts.iter().filter_map(|doubt| doubt.what.split(": ").nth(1)).collect();
        assert_eq!((found.as_slice(), load.offered), (expected, expected.is_empty()), "{seconds:?}");
    }

    #[test]
    fn one_percent_of_a_run_and_five_of_a_second_may_be_late() {
        let calm = Strain::default();
        check(&[], 1, &calm, &[]);
        check(&[(300, 3), (400, 4)], 1, &calm, &[]);
        check(&[(300, 3), (400, 5)], 1, &calm, &["arrivals began late"]);
        check(&[(100, 5), (400, 0)], 1, &calm, &[]);
        check(&[(100, 6), (500, 0)], 1, &calm, &["arrivals began late"]);
        check(&[(20, 1), (20, 0)], 1, &calm, &[]);
        check(&[(20, 1), (20, 1)], 1, &calm, &["arrivals began late"]);
    }

    #[test]
    fn what_is_heard_is_handled_within_twenty_milliseconds() {
        check(&[], 19_900, &Strain::default(), &[]);
        check(&[], 20_100, &Strain::default(), &["what was heard was handled late"]);
    }

    #[test]
    fn what_was_never_started_was_not_offered() {
        let dropped = |peers_dropped| Strain { peers_planned: 1_000, peers_dropped, ..Strain::default() };
        check(&[], 1, &dropped(1), &[]);
        check(&[], 1, &dropped(2), &["peers were not started"]);
        let unsent = Strain { messages_due: 1_000, messages_dropped: 2, ..Strain::default() };
        check(&[], 1, &unsent, &["messages were not sent"]);
    }
}
