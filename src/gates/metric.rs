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
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sort {
    Timer,
    Rate,
    Counter,
    Value,
}

impl Metric {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(sort) = sort_of(text) {
            let clock = (sort == Sort::Timer).then_some(Clock::Due);
            return Ok(Self { name: text.into(), sort, clock });
        }
        let began = text.strip_suffix(".began").or_else(|| text.strip_suffix(".due")).unwrap_or(text);
        match sort_of(began) {
            Some(Sort::Timer) => {
                let clock = if text.ends_with(".began") { Clock::Began } else { Clock::Due };
                Ok(Self { name: began.into(), sort: Sort::Timer, clock: Some(clock) })
            }
            Some(_) => Err(format!("{began:?} has no clock: leave out {:?}", &text[began.len()..])),
            None => Err(unknown(text)),
        }
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
        if self.clock == Some(Clock::Began) { f.write_str(".began") } else { Ok(()) }
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
    fn an_unknown_metric_is_met_with_the_nearest() {
        check("time_to_opne", Err("there is no metric \"time_to_opne\"; did you mean \"time_to_open\"?"));
        check("edge.failed", Err("there is no metric \"edge.failed\"; did you mean \"edges.failed\"?"));
        check("", Err("there is no metric \"\"; `meshload explain` lists them"));
        check("qqq", Err("there is no metric \"qqq\"; `meshload explain` lists them"));
    }
}
