//! The metric of a gate, parsed from its name.

use crate::summary::{
    Clock, metric::COUNTERS, metric::DELIVERY_OF_A_KIND, metric::FINAL_COUNTERS, metric::RATES, metric::TIMERS,
    metric::VALUES,
};
use serde::{Deserialize, Serialize};
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// The name without `.began`.
    pub name: String,
    pub sort: Sort,
    /// The clock of a timer; `None` for other sorts.
    pub clock: Option<Clock>,
    /// The scenario whose rooms alone are read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sort {
    Timer,
    Rate,
    Counter,
    Value,
}

impl Metric {
    /// Parses `NAME`, `NAME.began` or `NAME{scenario=LARGE}`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((name, selector)) = text.split_once('{') else { return Self::parse_name(text) };
        let metric = Self::parse_name(name.trim())?;
        let scenario = selected_scenario(selector)?;
        if FINAL_COUNTERS.contains(&metric.name.as_str()) {
            return Err(format!("{:?} is of the whole run; leave out {{scenario=…}}", metric.name));
        }
        Ok(Self { scenario: Some(scenario), ..metric })
    }

    /// Parses the name of a metric of the whole run.
    fn parse_name(text: &str) -> Result<Self, String> {
        if let Some(sort) = sort_of(text) {
            let clock = (sort == Sort::Timer).then_some(Clock::Due);
            return Ok(Self { name: text.into(), sort, clock, scenario: None });
        }
        let began = text.strip_suffix(".began").or_else(|| text.strip_suffix(".due")).unwrap_or(text);
        match sort_of(began) {
            Some(Sort::Timer) => {
                let clock = if text.ends_with(".began") { Clock::Began } else { Clock::Due };
                Ok(Self { name: began.into(), sort: Sort::Timer, clock: Some(clock), scenario: None })
            }
            Some(_) => Err(format!("{began:?} has no clock: leave out {:?}", &text[began.len()..])),
            None => Err(unknown(text)),
        }
    }

    /// True if it is the metric `name` of the whole run.
    pub fn is_of_run(&self, name: &str) -> bool {
        self.name == name && self.scenario.is_none()
    }

    /// The aggregations that the metric has, as the user writes them.
    pub(super) fn aggregations(&self) -> &'static str {
        match self.sort {
            Sort::Timer => "p(N), min, max, avg, med, count",
            Sort::Rate => "rate",
            Sort::Counter => "count",
            Sort::Value => "value",
        }
    }
}

/// The name in `scenario=LARGE}`, with or without quotes.
fn selected_scenario(selector: &str) -> Result<String, String> {
    let inner = selector.trim_end().strip_suffix('}').ok_or("a { has no }; write {scenario=NAME}")?;
    match inner.split_once('=').map(|(key, name)| (key.trim(), name.trim().trim_matches('"'))) {
        Some(("scenario", name)) if !name.is_empty() && !name.contains([',', '{', '"']) => Ok(name.to_owned()),
        Some(("scenario", _)) => Err("one scenario a gate: write {scenario=NAME}".to_owned()),
        Some((key, _)) => Err(format!("a gate reads one scenario, and nothing by {key:?}; write {{scenario=NAME}}")),
        None => Err(format!("{inner:?} selects nothing; write {{scenario=NAME}}")),
    }
}

fn sort_of(name: &str) -> Option<Sort> {
    let of_a_kind = name.strip_prefix(DELIVERY_OF_A_KIND).is_some_and(is_a_kind);
    if of_a_kind || TIMERS.contains(&name) {
        Some(Sort::Timer)
    } else if RATES.contains(&name) {
        Some(Sort::Rate)
    } else if COUNTERS.contains(&name) || FINAL_COUNTERS.contains(&name) {
        Some(Sort::Counter)
    } else if VALUES.contains(&name) {
        Some(Sort::Value)
    } else {
        None
    }
}

/// True for a possible message type: dialects define them, so that any word except a clock's name is one.
fn is_a_kind(kind: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    !kind.is_empty() && kind != "began" && kind != "due" && kind.bytes().all(plain)
}

fn unknown(name: &str) -> String {
    let known = TIMERS.iter().chain(&RATES).chain(&COUNTERS).chain(&FINAL_COUNTERS).chain(&VALUES);
    let nearest = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(likeness, _)| *likeness > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("there is no metric {name:?}; did you mean {nearest:?}?"),
        None => format!("there is no metric {name:?}; `meshload explain` lists them"),
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.clock == Some(Clock::Began) {
            f.write_str(".began")?;
        }
        self.scenario.as_ref().map_or(Ok(()), |scenario| write!(f, "{{scenario={scenario}}}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&str, Sort, Option<Clock>), &str>) {
        let metric = Metric::parse(text);
        let found = metric.as_ref().map(|metric| (metric.name.as_str(), metric.sort, metric.clock));
        assert_eq!(found.map_err(String::as_str), expected, "{text}");
    }

    #[test]
    fn gates_read_due_unless_asked_for_began() {
        check("time_to_open", Ok(("time_to_open", Sort::Timer, Some(Clock::Due))));
        check("time_to_open.began", Ok(("time_to_open", Sort::Timer, Some(Clock::Began))));
        check(
            "signal_delivery.webrtc-offer.began",
            Ok(("signal_delivery.webrtc-offer", Sort::Timer, Some(Clock::Began))),
        );
        check("signal_delivery.began", Ok(("signal_delivery", Sort::Timer, Some(Clock::Began))));
    }

    #[test]
    fn what_is_no_timer_has_no_clock() {
        check("edges.failed", Ok(("edges.failed", Sort::Counter, None)));
        check("edges_failed", Ok(("edges_failed", Sort::Rate, None)));
        check("amplification", Ok(("amplification", Sort::Value, None)));
        check("edges_failed.began", Err("\"edges_failed\" has no clock: leave out \".began\""));
    }

    #[test]
    fn a_scenario_is_selected_as_in_prometheus() {
        let scenario = |text: &str| Metric::parse(text).map(|metric| (metric.to_string(), metric.scenario));
        let large = |shown: &str| Ok((shown.to_owned(), Some("large".to_owned())));
        assert_eq!(scenario("time_to_open{scenario=large}"), large("time_to_open{scenario=large}"));
        assert_eq!(
            scenario("time_to_open.began { scenario = \"large\" }"),
            large("time_to_open.began{scenario=large}")
        );
        for (text, why) in [
            ("time_to_open{scenario=large", "a { has no }; write {scenario=NAME}"),
            ("time_to_open{scenario=}", "one scenario a gate: write {scenario=NAME}"),
            ("time_to_open{room=1}", "a gate reads one scenario, and nothing by \"room\"; write {scenario=NAME}"),
            ("time_to_open{large}", "\"large\" selects nothing; write {scenario=NAME}"),
            ("findings{scenario=large}", "\"findings\" is of the whole run; leave out {scenario=…}"),
        ] {
            assert_eq!(scenario(text), Err(why.to_owned()), "{text}");
        }
    }

    #[test]
    fn an_unknown_metric_is_met_with_the_nearest() {
        check("time_to_opne", Err("there is no metric \"time_to_opne\"; did you mean \"time_to_open\"?"));
        check("edge.failed", Err("there is no metric \"edge.failed\"; did you mean \"edges.failed\"?"));
        check("", Err("there is no metric \"\"; `meshload explain` lists them"));
        check("qqq", Err("there is no metric \"qqq\"; `meshload explain` lists them"));
    }
}
