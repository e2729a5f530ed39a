//! `[validity]`: the effect of SUSPECT and INVALID on the exit code, and the limits of the signs of strain.

use crate::profile::section::Section;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// More than any limit that a profile names.
const LIMIT_MAX: Duration = Duration::from_secs(1 << 32);
const SHARE_MAX: f64 = 1_000.0;

/// The effect of SUSPECT and INVALID, and their limits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValiditySettings {
    pub on_invalid: OnInvalid,
    pub on_suspect: OnSuspect,
    pub thresholds: Thresholds,
}

/// The limits from which a sign of strain is a hint, and those of a load that was not offered and of a jump of the clock
/// (docs/spec/measurement.md, "Validity"). Shares are from 0 to 1; a suspect limit never exceeds its invalid limit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    pub lag_suspect: Duration,
    /// A share of the p50 of `time_to_open`, which applies where it is more than `lag_suspect`.
    pub lag_suspect_share: f64,
    pub lag_invalid: Duration,
    pub busy_suspect: f64,
    pub waiting_suspect: f64,
    pub waiting_invalid: f64,
    pub dropped_suspect: f64,
    pub dropped_invalid: f64,
    pub clock_jump_invalid: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnInvalid {
    Fail,
    Warn,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnSuspect {
    Pass,
    Fail,
}

impl Thresholds {
    /// Limits that another process wrote are of a size that durations can be multiplied and divided by.
    pub fn is_sound(&self) -> bool {
        let Self { lag_suspect, lag_invalid, clock_jump_invalid, .. } = *self;
        let shares = [self.lag_suspect_share, self.busy_suspect, self.waiting_suspect, self.waiting_invalid];
        let mut shares = shares.into_iter().chain([self.dropped_suspect, self.dropped_invalid]);
        [lag_suspect, lag_invalid, clock_jump_invalid].iter().all(|limit| *limit <= LIMIT_MAX)
            && shares.all(|share| (0.0..=SHARE_MAX).contains(&share))
    }
}

pub(crate) fn check(root: &Section<'_>) -> ValiditySettings {
    let section = root.section("validity");
    let on_invalid = section.word("on_invalid", &[("fail", OnInvalid::Fail), ("warn", OnInvalid::Warn)]);
    let on_suspect = section.word("on_suspect", &[("pass", OnSuspect::Pass), ("fail", OnSuspect::Fail)]);
    let thresholds = Thresholds {
        lag_suspect: section.duration("lag_suspect"),
        lag_suspect_share: section.share("lag_suspect_share"),
        lag_invalid: section.duration("lag_invalid"),
        busy_suspect: section.share("busy_suspect"),
        waiting_suspect: section.share("waiting_suspect"),
        waiting_invalid: section.share("waiting_invalid"),
        dropped_suspect: section.share("dropped_suspect"),
        dropped_invalid: section.share("dropped_invalid"),
        clock_jump_invalid: section.duration("clock_jump_invalid"),
    };
    let pairs = [
        ("lag_suspect", "lag_invalid", thresholds.lag_suspect > thresholds.lag_invalid),
        ("waiting_suspect", "waiting_invalid", thresholds.waiting_suspect > thresholds.waiting_invalid),
        ("dropped_suspect", "dropped_invalid", thresholds.dropped_suspect > thresholds.dropped_invalid),
    ];
    for (suspect, invalid, crossed) in pairs {
        if crossed {
            let key = if section.is_given(suspect) { suspect } else { invalid };
            let (least, most) = (section.shown(suspect), section.shown(invalid));
            section.problem(key, format!("{suspect} ({least}) is past {invalid} ({most})"));
        }
    }
    ValiditySettings { on_invalid, on_suspect, thresholds }
}
