//! Tells what makes any run INVALID, and the signs of strain (docs/spec/measurement.md, "Validity"); `gates` decides.

use crate::profile::Thresholds;
use crate::summary::{Doubt, Validity, Verdict, distribution::samples_needed};
use std::time::Duration;

/// Figures of the generator that a run's validity is judged by.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::metrics) struct Strain {
    /// Timer lag of the worker that lagged most, microseconds.
    pub lag_p99_us: u64,
    pub lag_samples: u64,
    pub time_to_open_p50_us: u64,
    /// The share of the run in which the cores granted were nearly used up.
    pub busy_share: f64,
    /// The share of the run spent waiting for a CPU.
    pub waiting_share: f64,
    pub peers_planned: u64,
    pub peers_dropped: u64,
    pub messages_due: u64,
    pub messages_dropped: u64,
    /// The number of failures for want of descriptors, ports or memory, and the first one's detail.
    pub exhausted: Option<(u64, String)>,
    pub lost_intervals: u64,
    pub clock_jump: Duration,
}

/// INVALID, with its reasons, if this machine ran out of something or the clock jumped; every other exceeded limit is a
/// hint, the worst first.
pub(in crate::metrics) fn judge(strain: &Strain, thresholds: &Thresholds) -> Validity {
    // No figure of a run with one of these can be used.
    let reasons = worst_first([exhausted(strain), clock(strain, thresholds)]);
    let hints =
        worst_first([lag(strain, thresholds), waiting(strain, thresholds), busy(strain, thresholds), lost(strain)]);
    let verdict = if reasons.is_empty() { Verdict::Valid } else { Verdict::Invalid };
    Validity { verdict, reasons, hints }
}

fn worst_first<const N: usize>(doubts: [Option<RankedDoubt>; N]) -> Vec<Doubt> {
    let mut doubts: Vec<RankedDoubt> = doubts.into_iter().flatten().collect();
    doubts.sort_by(|a, b| b.verdict.cmp(&a.verdict).then(b.excess.total_cmp(&a.excess)));
    doubts.into_iter().map(|ranked| ranked.doubt).collect()
}

struct RankedDoubt {
    verdict: Verdict,
    /// The observed figure divided by its limit; the sort key among reasons of one verdict.
    excess: f64,
    doubt: Doubt,
}

impl RankedDoubt {
    fn new(verdict: Verdict, excess: f64, what: &str, observed: String, limit: String, cure: &str) -> Option<Self> {
        let doubt = Doubt { what: what.into(), observed, limit, cure: cure.into() };
        Some(Self { verdict, excess, doubt })
    }
}

fn exhausted(strain: &Strain) -> Option<RankedDoubt> {
    let (count, detail) = strain.exhausted.as_ref()?;
    let observed = if detail.is_empty() { format!("{count} times") } else { format!("{count} times ({detail})") };
    let cure = "raise the limit (ulimit -n, net.ipv4.ip_local_port_range, memory), or run fewer peers on this machine";
    RankedDoubt::new(
        Verdict::Invalid,
        f64::INFINITY,
        "this machine ran out of descriptors, ports or memory",
        observed,
        "never".into(),
        cure,
    )
}

fn clock(strain: &Strain, thresholds: &Thresholds) -> Option<RankedDoubt> {
    let (jump, limit) = (strain.clock_jump, thresholds.clock_jump_invalid);
    if jump <= limit {
        return None;
    }
    let excess = jump.as_secs_f64() / limit.as_secs_f64();
    let cure = "keep the machine awake, and the process from being stopped, while it measures";
    RankedDoubt::new(Verdict::Invalid, excess, "the clock jumped", ms(jump), ms(limit), cure)
}

fn lag(strain: &Strain, thresholds: &Thresholds) -> Option<RankedDoubt> {
    let lag = Duration::from_micros(strain.lag_p99_us);
    let of_the_figure = Duration::from_micros(strain.time_to_open_p50_us).mul_f64(thresholds.lag_suspect_share);
    let (mut suspect, invalid) = (thresholds.lag_suspect.max(of_the_figure), thresholds.lag_invalid);
    if strain.lag_samples < samples_needed(99.0) {
        // With so few samples the p99 is the worst of them, and one hiccup does not make a small run suspect.
        suspect = invalid;
    }
    let (verdict, limit) = exceeded(lag.as_secs_f64(), suspect.min(invalid).as_secs_f64(), invalid.as_secs_f64())?;
    let cure = "fewer peers, fewer arrivals a second, or a machine that does nothing else";
    let excess = lag.as_secs_f64() / limit;
    RankedDoubt::new(
        verdict,
        excess,
        "timers fired late (scheduler lag p99)",
        ms(lag),
        ms(Duration::from_secs_f64(limit)),
        cure,
    )
}

fn waiting(strain: &Strain, thresholds: &Thresholds) -> Option<RankedDoubt> {
    let share = strain.waiting_share;
    let (verdict, limit) = exceeded(share, thresholds.waiting_suspect, thresholds.waiting_invalid)?;
    let cure = "stop what else runs here, raise the cgroup's CPU quota, or use fewer workers";
    RankedDoubt::new(verdict, share / limit, "time spent waiting for a CPU", percent(share), percent(limit), cure)
}

fn busy(strain: &Strain, thresholds: &Thresholds) -> Option<RankedDoubt> {
    let (verdict, limit) = exceeded(strain.busy_share, thresholds.busy_suspect, f64::INFINITY)?;
    let cure = "fewer edges at once, or more cores";
    let what = "seconds with more than 85 % of the cores granted in use";
    RankedDoubt::new(verdict, strain.busy_share / limit, what, percent(strain.busy_share), percent(limit), cure)
}

fn lost(strain: &Strain) -> Option<RankedDoubt> {
    let observed = strain.lost_intervals;
    let cure = "keep this process from being stopped or starved while it measures";
    (observed > 0).then(|| {
        RankedDoubt::new(
            Verdict::Suspect,
            observed as f64,
            "intervals were lost",
            observed.to_string(),
            "0".into(),
            cure,
        )
    })?
}

/// The verdict on a value, and the limit that it exceeds.
fn exceeded(value: f64, suspect: f64, invalid: f64) -> Option<(Verdict, f64)> {
    if value > invalid {
        Some((Verdict::Invalid, invalid))
    } else if value > suspect {
        Some((Verdict::Suspect, suspect))
    } else {
        None
    }
}

pub(in crate::metrics) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn ms(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::tests::thresholds;

    fn check(strain: Strain, verdict: Verdict, said: &[&str]) {
        let validity = judge(&strain, &thresholds());
        let both = validity.reasons.iter().chain(&validity.hints);
        assert_eq!(
            (validity.verdict, both.map(|doubt| doubt.what.as_str()).collect::<Vec<_>>()),
            (verdict, said.to_vec())
        );
    }

    fn lagging(lag_p99_us: u64, lag_samples: u64, time_to_open_p50_us: u64) -> Strain {
        Strain { lag_p99_us, lag_samples, time_to_open_p50_us, ..Strain::default() }
    }

    const LAG: &str = "timers fired late (scheduler lag p99)";
    const WAIT: &str = "time spent waiting for a CPU";
    const BUSY: &str = "seconds with more than 85 % of the cores granted in use";

    #[test]
    fn a_run_at_ease_is_valid() {
        check(Strain::default(), Verdict::Valid, &[]);
    }

    #[test]
    fn lag_is_told_past_ten_milliseconds() {
        check(lagging(10_000, 100, 0), Verdict::Valid, &[]);
        check(lagging(10_001, 100, 0), Verdict::Valid, &[LAG]);
        check(lagging(100_000, 100, 0), Verdict::Valid, &[LAG]);
        check(lagging(100_001, 100, 0), Verdict::Valid, &[LAG]);
    }

    #[test]
    fn lag_is_measured_against_a_slow_figure() {
        check(lagging(20_000, 100, 400_000), Verdict::Valid, &[]);
        check(lagging(20_001, 100, 400_000), Verdict::Valid, &[LAG]);
        check(lagging(100_001, 100, 60_000_000), Verdict::Valid, &[LAG]);
    }

    #[test]
    fn one_hiccup_of_a_small_run_is_not_told() {
        check(lagging(30_000, 99, 0), Verdict::Valid, &[]);
        check(lagging(100_001, 99, 0), Verdict::Valid, &[LAG]);
    }

    #[test]
    fn shares_count_from_just_past_their_limits() {
        check(Strain { busy_share: 0.1, waiting_share: 0.1, ..Strain::default() }, Verdict::Valid, &[]);
        check(Strain { busy_share: 0.9, ..Strain::default() }, Verdict::Valid, &[BUSY]);
        check(Strain { waiting_share: 0.31, ..Strain::default() }, Verdict::Valid, &[WAIT]);
    }

    #[test]
    fn the_worst_reason_comes_first_and_names_its_cure() {
        let strain = Strain {
            busy_share: 1.0,
            waiting_share: 0.2,
            exhausted: Some((3, "EMFILE".into())),
            lost_intervals: 1,
            ..Strain::default()
        };
        let exhausted = "this machine ran out of descriptors, ports or memory";
        check(strain.clone(), Verdict::Invalid, &[exhausted, BUSY, WAIT, "intervals were lost"]);
        let worst = &judge(&strain, &thresholds()).reasons[0];
        assert_eq!((worst.observed.as_str(), worst.limit.as_str()), ("3 times (EMFILE)", "never"));
        assert!(worst.cure.contains("ulimit -n"));
    }

    #[test]
    fn a_stopped_process_is_invalid() {
        let jumped = |ms| Strain { clock_jump: Duration::from_millis(ms), ..Strain::default() };
        check(jumped(1_000), Verdict::Valid, &[]);
        check(jumped(1_001), Verdict::Invalid, &["the clock jumped"]);
    }
}
