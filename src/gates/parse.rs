//! The parser of a gate's condition.

use crate::gates::condition::{Aggregation, Operator};
use crate::gates::metric::{Metric, Sort};
use crate::summary::Clock;
use crate::vocabulary::share;

// gate        = metric [ ".began" | ".due" ] ":" expr
// expr        = aggregation operator number [ unit ]         blanks are free between the parts
// aggregation = percentile | "min" | "max" | "avg" | "med" | "count" | "rate" | "value"
// percentile  = "p" "(" number ")" | "p" number              above 0, below 100
// operator    = "<=" | ">=" | "==" | "<" | ">"
// number      = digits [ "." digits ]
// unit        = "us" | "µs" | "ms" | "s" | "m"               of a timer, and needed there
//             | "%"                                          of a rate, or a bare number up to 1
//             | "B" | "kB" | "KiB" | "MB" | "MiB"            of signaling_bytes_per_edge, where B is meant if none

/// Parses the aggregation, the operator, and the number in the base unit (microseconds, a ratio, a count, bytes).
pub(super) fn expr(metric: &Metric, text: &str) -> Result<(Aggregation, Operator, f64), String> {
    let text = text.trim();
    let at = text.find(['<', '>', '=']).ok_or_else(|| format!("{text:?} compares nothing: {}", example(metric)))?;
    let (left, right) = text.split_at(at);
    let operators = || Operator::ALL.into_iter().filter(|operator| right.starts_with(operator.sign()));
    let operator = operators()
        .max_by_key(|operator| operator.sign().len())
        .ok_or_else(|| format!("{text:?}: the operators are < <= > >= =="))?;
    let aggregation = aggregation(metric, left.trim_end())?;
    let number = number(metric, aggregation, right[operator.sign().len()..].trim_start())?;
    Ok((aggregation, operator, number))
}

fn aggregation(metric: &Metric, text: &str) -> Result<Aggregation, String> {
    let aggregation = match text {
        "min" => Aggregation::Min,
        "max" => Aggregation::Max,
        "avg" => Aggregation::Avg,
        "med" => Aggregation::Med,
        "count" => Aggregation::Count,
        "rate" => Aggregation::Rate,
        "value" => Aggregation::Value,
        _ => percentile(text).ok_or_else(|| wrong_aggregation(metric, text))??,
    };
    let fits = match metric.sort {
        Sort::Timer => !matches!(aggregation, Aggregation::Rate | Aggregation::Value),
        Sort::Rate => aggregation == Aggregation::Rate,
        Sort::Counter => aggregation == Aggregation::Count,
        Sort::Value => aggregation == Aggregation::Value,
    };
    if fits { Ok(aggregation) } else { Err(wrong_aggregation(metric, text)) }
}

/// Parses a percentile; `None` if the text does not have the form of one.
fn percentile(text: &str) -> Option<Result<Aggregation, String>> {
    let inner = text.strip_prefix('p')?.trim_start();
    let digits = match inner.strip_prefix('(') {
        Some(rest) => rest.strip_suffix(')')?.trim(),
        None => inner,
    };
    let (number, rest) = digits_of(digits)?;
    if !rest.is_empty() {
        return None;
    }
    if number <= 0.0 || number >= 100.0 {
        let instead = if number <= 0.0 { "min" } else { "max" };
        return Some(Err(format!("p({number}) is no percentile: they lie above 0 and below 100; write {instead}")));
    }
    Some(Ok(Aggregation::Percentile(number)))
}

fn number(metric: &Metric, aggregation: Aggregation, text: &str) -> Result<f64, String> {
    let (number, unit) = digits_of(text).ok_or_else(|| format!("{text:?} is no number: {}", example(metric)))?;
    let unit = unit.trim_start();
    let wrong_unit = |units: &str| Err(format!("{unit:?} is no unit of {metric}: it takes {units}"));
    let factor = match (metric.sort, aggregation, unit) {
        (_, Aggregation::Count, "") => 1.0,
        (_, Aggregation::Count, _) => return wrong_unit("a bare number"),
        (Sort::Timer, _, "us" | "µs" | "μs") => 1.0,
        (Sort::Timer, _, "ms") => 1e3,
        (Sort::Timer, _, "s") => 1e6,
        (Sort::Timer, _, "m") => 60e6,
        (Sort::Timer, _, "") => return Err(format!("{number} of what? k6 means ms: write {number}ms")),
        (Sort::Timer, ..) => return wrong_unit("us, ms, s or m"),
        // A bare 1 would be asked whether it means 1 %; a rate of 1 is all.
        (Sort::Rate, _, "") if number == 1.0 => 1.0,
        (Sort::Rate, _, "%" | "") => return share(text, 1.0),
        (Sort::Rate, ..) => return wrong_unit("%, or a bare number from 0 to 1"),
        (Sort::Value, _, "") => 1.0,
        (Sort::Value, ..) if metric.name == "amplification" => return wrong_unit("a bare number"),
        (Sort::Value, _, "B") => 1.0,
        (Sort::Value, _, "kB") => 1e3,
        (Sort::Value, _, "KiB") => 1024.0,
        (Sort::Value, _, "MB") => 1e6,
        (Sort::Value, _, "MiB") => 1_048_576.0,
        (Sort::Value, ..) => return wrong_unit("B, kB, KiB, MB or MiB"),
        (Sort::Counter, ..) => 1.0,
    };
    Ok(number * factor)
}

/// A leading number and the rest of the text; no sign, exponent, NaN or infinity.
fn digits_of(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let starts_right = digits.starts_with(|letter: char| letter.is_ascii_digit()) && !digits.ends_with('.');
    let number = digits.parse::<f64>().ok().filter(|number| number.is_finite())?;
    starts_right.then_some((number, rest))
}

fn wrong_aggregation(metric: &Metric, text: &str) -> String {
    format!("{text:?} can't be read from {metric}, which has {}: {}", metric.aggregations(), example(metric))
}

fn example(metric: &Metric) -> String {
    let condition = match metric.sort {
        Sort::Timer if metric.clock == Some(Clock::Began) => "p(50) < 200ms",
        Sort::Timer => "p(95) < 800ms",
        Sort::Rate => "rate < 1%",
        Sort::Counter => "count < 10",
        Sort::Value => "value < 2",
    };
    format!("write \"{condition}\"")
}

#[cfg(test)]
mod tests {
    use crate::gates::{Aggregation, Gate, Metric, Operator};
    use crate::summary::{metric::COUNTERS, metric::RATES, metric::TIMERS, metric::VALUES};
    use proptest::prelude::*;
    use std::time::Duration;

    fn check(metric: &str, expr: &str, expected: Result<&str, &str>) {
        let gate = Gate::parse(metric, expr).map(|gate| gate.to_string());
        assert_eq!(gate.as_deref().map_err(String::as_str), expected, "{metric}: {expr}");
    }

    #[test]
    fn the_conditions_of_the_manual_are_read() {
        check("mesh_complete", "rate >= 99%", Ok("mesh_complete: rate >= 99%"));
        check("edges_failed", "rate < 1%", Ok("edges_failed: rate < 1%"));
        check("time_to_open", "p(95) < 800ms", Ok("time_to_open: p(95) < 800ms"));
        check("time_to_open.began", "p(50) < 200ms", Ok("time_to_open.began: p(50) < 200ms"));
        check("message_latency", "p99.9<=1.5s", Ok("message_latency: p(99.9) <= 1500ms"));
        check("connect", " max  >  250µs ", Ok("connect: max > 250us"));
        check("edges.failed", "count == 0", Ok("edges.failed: count == 0"));
        check("time_to_open", "count >= 100", Ok("time_to_open: count >= 100"));
        check("amplification", "value < 1.5", Ok("amplification: value < 1.5"));
        check("signaling_bytes_per_edge", "value < 4KiB", Ok("signaling_bytes_per_edge: value < 4096B"));
        check("edges_failed", "rate < 0.01", Ok("edges_failed: rate < 1%"));
        check("room_complete", "avg < 1m", Ok("room_complete: avg < 60s"));
    }

    #[test]
    fn a_time_without_a_unit_is_asked_for_one() {
        check("time_to_open", "p(95) < 500", Err("500 of what? k6 means ms: write 500ms"));
        check(
            "time_to_open",
            "p(95) < 500 apples",
            Err("\"apples\" is no unit of time_to_open: it takes us, ms, s or m"),
        );
        check("edges.failed", "count < 3ms", Err("\"ms\" is no unit of edges.failed: it takes a bare number"));
    }

    #[test]
    fn a_rate_lies_from_0_to_1() {
        check("edges_failed", "rate <= 100%", Ok("edges_failed: rate <= 100%"));
        check("edges_failed", "rate <= 101%", Err("\"101%\" is not between 0% and 100%"));
        check("edges_failed", "rate < 5", Err("5 of what? write 5%"));
    }

    #[test]
    fn what_a_metric_does_not_have_is_named_with_what_it_has() {
        let has = "which has p(N), min, max, avg, med, count: write \"p(95) < 800ms\"";
        check("join", "rate < 1%", Err(&format!("\"rate\" can't be read from join, {has}")));
        check("join", "p(x) < 1s", Err(&format!("\"p(x)\" can't be read from join, {has}")));
        check("join", " < 1s", Err(&format!("\"\" can't be read from join, {has}")));
        check("join", "p(95)", Err("\"p(95)\" compares nothing: write \"p(95) < 800ms\""));
        check("join", "p(95) = 1s", Err("\"p(95) = 1s\": the operators are < <= > >= =="));
        check("join", "p(95) < -1s", Err("\"-1s\" is no number: write \"p(95) < 800ms\""));
        check("join", "p(95) < 1.s", Err("\"1.s\" is no number: write \"p(95) < 800ms\""));
        check("join", "p(100) < 1s", Err("p(100) is no percentile: they lie above 0 and below 100; write max"));
        check("join", "p(0) < 1s", Err("p(0) is no percentile: they lie above 0 and below 100; write min"));
    }

    #[test]
    fn a_line_is_a_metric_a_colon_and_a_condition() {
        let parsed = Gate::parse_line("time_to_open.began : p(50)<200ms").map(|gate| gate.to_string());
        assert_eq!(parsed.as_deref(), Ok("time_to_open.began: p(50) < 200ms"));
        assert!(Gate::parse_line("time_to_open p(50)").unwrap_err().contains("a metric, a colon and a condition"));
    }

    /// Any valid gate.
    fn any_gate() -> impl Strategy<Value = Gate> {
        let percentile = (1..100_000u32).prop_map(|thousandth| Aggregation::Percentile(f64::from(thousandth) / 1e3));
        let of_timer = prop_oneof![
            percentile,
            prop::sample::select(vec![Aggregation::Min, Aggregation::Max, Aggregation::Avg, Aggregation::Med]),
        ];
        let whole = |limit: u32| f64::from(limit);
        let names = |names: &[&'static str]| prop::sample::select(names.to_vec());
        let timer = (names(&TIMERS), prop::bool::ANY, of_timer, 0..700_000_000u32).prop_map(
            move |(name, began, aggregation, us)| {
                (format!("{name}{}", if began { ".began" } else { "" }), aggregation, whole(us))
            },
        );
        let rate = (names(&RATES), 0..=1_000_000u32)
            .prop_map(|(name, millionth)| (name.to_owned(), Aggregation::Rate, f64::from(millionth) / 1e6));
        let counter = (names(&COUNTERS), any::<u32>())
            .prop_map(move |(name, count)| (name.to_owned(), Aggregation::Count, whole(count)));
        let value = (names(&VALUES), any::<u32>())
            .prop_map(|(name, number)| (name.to_owned(), Aggregation::Value, f64::from(number) / 64.0));
        let operator = prop::sample::select(Operator::ALL.to_vec());
        (prop_oneof![timer, rate, counter, value], operator).prop_map(|((metric, aggregation, number), operator)| {
            Gate {
                metric: Metric::parse(&metric).unwrap(),
                aggregation,
                operator,
                number,
                abort: false,
                after: Duration::ZERO,
                min_samples: 0,
                line: None,
            }
        })
    }

    proptest! {
        #[test]
        fn a_gate_reads_back_as_it_is_written(gate in any_gate()) {
            prop_assert_eq!(Gate::parse_line(&gate.to_string()), Ok(gate));
        }

        #[test]
        fn any_text_is_read_or_refused_without_harm(metric in "\\PC{0,20}", expr in "[p(0-9).<>=% msµ]{0,20}") {
            let _ = Gate::parse(&metric, &expr);
            let _ = Gate::parse("time_to_open", &expr);
            let _ = Gate::parse("edges_failed", &expr);
        }
    }
}
