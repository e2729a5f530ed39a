//! Results of gates and of the validity check, as data; `gates` and `metrics` judge.

use crate::summary::distribution::Clock;
use crate::vocabulary::format;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

/// A gate and its result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateResult {
    /// The metric's name without `.began`.
    pub metric: String,
    /// The clock of a timer; absent for rates, counters and values.
    pub clock: Option<Clock>,
    /// The scenario whose rooms alone were read; absent for the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
    pub expr: String,
    /// The observed value in `unit`; absent when nothing was measured.
    #[serde(serialize_with = "whole_if_whole")]
    pub observed: Option<f64>,
    /// The value without the generator's share, in `unit`; absent if it is the same.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "whole_if_whole")]
    pub net: Option<f64>,
    pub unit: Unit,
    pub samples: u64,
    /// True if the gate holds.
    pub ok: bool,
    /// False if the answer could be the generator's: gross and net disagree, or the gate holds under a load that was not
    /// offered; or if the run was cut short and lacks the samples; absent in summaries of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<bool>,
    /// The reason why the gate could not be judged, `too_few_samples` or `no_data`, or is undecided, `generator` or
    /// `load_not_offered`; absent if neither.
    pub why: Option<String>,
    /// The gate's place: `file:line` of the profile, or `--gate`.
    pub line: Option<String>,
}

impl GateResult {
    /// The result for people: `time_to_open p(95) < 800ms, observed 1.20 s`. The caller escapes it.
    pub fn in_words(&self) -> String {
        format!("{} {}, observed {}", self.metric_in_words(), self.expr, self.observed_in_words())
    }

    pub fn is_decided(&self) -> bool {
        self.decided != Some(false)
    }

    /// True if there was nothing to read, or less than the gate needs.
    pub fn lacks_samples(&self) -> bool {
        matches!(self.why.as_deref(), Some("too_few_samples" | "no_data"))
    }

    /// The metric's name as a gate writes it: with `.began` for that clock, and with its scenario.
    pub fn metric_in_words(&self) -> String {
        let clock = if self.clock == Some(Clock::Began) { ".began" } else { "" };
        let scenario = self.scenario.as_ref().map(|scenario| format!("{{scenario={scenario}}}"));
        format!("{}{clock}{}", self.metric, scenario.unwrap_or_default())
    }

    /// True if the gate reads this metric of one scenario, or of the whole run.
    pub fn reads(&self, metric: &str, scenario: Option<&str>) -> bool {
        self.metric == metric && self.scenario.as_deref() == scenario
    }

    pub fn observed_in_words(&self) -> String {
        self.value_in_words(self.observed)
    }

    /// The value without the generator's share.
    pub fn net_in_words(&self) -> String {
        self.value_in_words(self.net.or(self.observed))
    }

    fn value_in_words(&self, value: Option<f64>) -> String {
        let Some(observed) = value else { return "no data".into() };
        match self.unit {
            // Amplification is a ratio above 1, which is no percentage.
            Unit::Ratio if self.expr.starts_with("value") => format!("{observed:.2}"),
            unit => unit.in_words(observed),
        }
    }
}

impl Unit {
    /// A value in this unit for people.
    pub fn in_words(self, value: f64) -> String {
        match self {
            Self::Us => format::duration(value.max(0.0) as u64),
            Self::Count => format::count(value.max(0.0) as u64),
            Self::Bytes => format::bytes(value.max(0.0) as u64),
            Self::Ratio => format::percent(value),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Us,
    Ratio,
    Count,
    Bytes,
}

/// The validity of a run: whether its figures are the target's, or limited by this machine.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validity {
    pub verdict: Verdict,
    /// The reasons, worst first.
    pub reasons: Vec<Doubt>,
    /// Signs of strain, worst first: they explain, and judge nothing by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Doubt>,
}

impl Validity {
    /// True if nothing at all speaks against the generator.
    pub fn is_at_ease(&self) -> bool {
        self.verdict == Verdict::Valid && self.hints.is_empty()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verdict {
    #[default]
    Valid,
    Suspect,
    Invalid,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Suspect => "SUSPECT",
            Self::Invalid => "INVALID",
        }
    }
}

/// One reason to doubt the figures, and its cure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Doubt {
    pub what: String,
    pub observed: String,
    pub limit: String,
    pub cure: String,
}

impl Doubt {
    pub fn in_words(&self) -> String {
        format!("{} (limit {}); cure: {}", self.in_short(), self.limit, self.cure)
    }

    /// Without its limit and its cure.
    pub fn in_short(&self) -> String {
        format!("{}: {}", self.what, self.observed)
    }
}

/// Serializes whole numbers as integers: microseconds and counts are integers everywhere else in the summary.
fn whole_if_whole<S: Serializer>(observed: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    match observed {
        Some(value) if value.fract() == 0.0 && (0.0..9e15).contains(value) => serializer.serialize_u64(*value as u64),
        Some(value) => serializer.serialize_f64(*value),
        None => serializer.serialize_none(),
    }
}
