//! JUnit XML for CI systems, in the strictest schema (Ant's): one test case for each gate and one for validity.

use crate::gates::ended_without_server;
use crate::report::escape::xml;
use crate::report::sections;
use crate::summary::{GateResult, Outcome, Summary, Unit, Verdict};
use jiff::civil::DateTime;

pub(in crate::report) fn render(summary: &Summary) -> String {
    let classname = xml(&format!("meshload.{}", summary.run.name));
    let cases = cases(summary);
    let failures = cases.iter().filter(|case| matches!(case.end, TestOutcome::Failed { .. })).count();
    let skipped = cases.iter().filter(|case| matches!(case.end, TestOutcome::Skipped(_))).count();
    let totals = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\"", cases.len());
    let time = format!("time=\"{:.3}\"", summary.run.duration_us as f64 / 1e6);
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    text.push_str(&format!(
        "  <testsuite id=\"0\" package=\"meshload\" name=\"{classname}\" {totals} {time} timestamp=\"{}\" hostname=\"localhost\">\n",
        to_the_second(&summary.run.started_at)
    ));
    text.push_str(&properties(summary));
    for case in cases {
        let open = format!("    <testcase classname=\"{classname}\" name=\"{}\" time=\"0\"", xml(&case.name));
        text.push_str(&match case.end {
            TestOutcome::Passed => format!("{open}/>\n"),
            TestOutcome::Failed { sort, message } => {
                let failure = format!("<failure type=\"{sort}\" message=\"{}\"/>", xml(&message));
                format!("{open}>\n      {failure}\n    </testcase>\n")
            }
            TestOutcome::Skipped(why) => {
                format!("{open}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(&why))
            }
        });
    }
    let control = sections::control(summary);
    let control = control.iter().map(|line| format!("control run: {}\n", xml(line))).collect::<String>();
    text.push_str(&format!("    <system-out>{control}</system-out>\n    <system-err/>\n"));
    text.push_str("  </testsuite>\n</testsuites>\n");
    text
}

/// The time without fraction and zone, as the schema of Ant's JUnit task demands; 1970-01-01 for a text that is no time.
fn to_the_second(stamp: &str) -> String {
    let time = stamp.get(..19).and_then(|time| time.parse::<DateTime>().ok()).filter(|time| time.year() > 0);
    let time = time.unwrap_or(jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0));
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

/// Properties of the run, for a reader who has only this file.
fn properties(summary: &Summary) -> String {
    let run = &summary.run;
    let (target, seed, verdict) = (run.destination(), run.seed.to_string(), summary.validity_in_words());
    let all = [
        ("meshload", summary.meshload.version.as_str()),
        ("target", &target),
        ("dialect", &run.dialect),
        ("engine", &run.engine),
        ("seed", &seed),
        ("plan_sha256", &run.plan_sha256),
        ("result", summary.result.name()),
        ("validity", verdict),
    ];
    let property =
        |(name, value): (&str, &str)| format!("      <property name=\"{name}\" value=\"{}\"/>\n", xml(value));
    let findings: String = summary.findings.iter().map(|finding| property(("finding", &finding.in_words()))).collect();
    format!("    <properties>\n{}{findings}    </properties>\n", all.map(property).concat())
}

struct TestCase {
    /// A case name has no measured values, so that it stays the same from run to run.
    name: String,
    end: TestOutcome,
}

enum TestOutcome {
    Passed,
    Failed { sort: &'static str, message: String },
    Skipped(String),
}

fn cases(summary: &Summary) -> Vec<TestCase> {
    let unjudged = match summary.result {
        Outcome::Passed | Outcome::Failed => None,
        other => Some(format!("not judged: the run is {}", other.name())),
    };
    let gate = |gate: &GateResult| {
        let end = match &unjudged {
            Some(why) => TestOutcome::Skipped(why.clone()),
            None if gate.ok => TestOutcome::Passed,
            // A gate on opened edges fails because of those that did not open, so it names their causes.
            None if gate.unit == Unit::Ratio || gate.unit == Unit::Count => {
                TestOutcome::Failed { sort: "gate", message: format!("{}{}", message(gate), causes(summary)) }
            }
            None => TestOutcome::Failed { sort: "gate", message: message(gate) },
        };
        TestCase { name: format!("{}: {}", gate.metric_in_words(), gate.expr), end }
    };
    let mut cases: Vec<TestCase> = summary.gates.iter().map(gate).collect();
    // Only if there are causes: a healthy run has its gates and validity and nothing else.
    if unjudged.is_none() && summary.counts.edges.opened == 0 {
        let message = format!("no edge opened, so nothing was measured that a pass could rest on{}", causes(summary));
        cases.push(TestCase { name: "an edge opened".into(), end: TestOutcome::Failed { sort: "verdict", message } });
    }
    if unjudged.is_none() && ended_without_server(summary) {
        let message = sections::verdict_facts(summary).join(" | ");
        let end = TestOutcome::Failed { sort: "verdict", message };
        cases.push(TestCase { name: "the peers have the server at the end".into(), end });
    }
    cases.push(validity(summary));
    cases
}

/// The known causes of failed edges.
fn causes(summary: &Summary) -> String {
    let shown: Vec<String> = sections::causes(summary).into_iter().chain(sections::probe_hint(summary)).collect();
    if shown.is_empty() { String::new() } else { format!("; edges failed by: {}", shown.join(" | ")) }
}

fn message(gate: &GateResult) -> String {
    let why = gate.why.as_deref().map(|why| format!(" ({why})")).unwrap_or_default();
    let line = gate.line.as_deref().map(|line| format!(", {line}")).unwrap_or_default();
    let samples = if gate.samples == 1 { "1 sample".into() } else { format!("{} samples", gate.samples) };
    format!("{}: {}: observed {} of {samples}{why}{line}", gate.metric_in_words(), gate.expr, gate.observed_in_words())
}

/// Only INVALID fails the case; SUSPECT is a warning.
fn validity(summary: &Summary) -> TestCase {
    let reasons = summary.validity.reasons.iter();
    let reasons: Vec<String> = reasons
        .map(|doubt| format!("{}: {} (limit {}); {}", doubt.what, doubt.observed, doubt.limit, doubt.cure))
        .collect();
    let end = match summary.validity.verdict {
        Verdict::Invalid => {
            TestOutcome::Failed { sort: "validity", message: format!("the run is INVALID: {}", reasons.join("; ")) }
        }
        _ if summary.measured_nothing() => {
            TestOutcome::Skipped("no peer ever connected, so nothing was measured".into())
        }
        Verdict::Valid | Verdict::Suspect => TestOutcome::Passed,
    };
    TestCase { name: "validity".into(), end }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{check_snapshot, controlled, explained, hostile, run};

    #[test]
    fn a_run_for_a_ci_system() {
        check_snapshot("junit", &render(&run()));
    }

    #[test]
    fn a_gate_on_edges_that_failed_says_why_they_did() {
        let mut summary = explained();
        summary.gates[1].ok = false;
        let text = render(&summary);
        assert!(text.contains("edges failed by: lost-first-offer or channel-isolation: 1 of 1 traced edge."), "{text}");
        assert_eq!(text.matches("edges failed by").count(), 1, "not beside a gate on times");
    }

    #[test]
    fn gates_of_an_interrupted_run_are_skipped() {
        let summary = Summary { result: Outcome::Interrupted, ..run() };
        let text = render(&summary);
        assert!(text.contains("tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"2\""), "{text}");
    }

    #[test]
    fn a_run_without_gates_that_opened_nothing_fails() {
        let mut summary = Summary { result: Outcome::Failed, gates: vec![], ..run() };
        summary.counts.edges.opened = 0;
        assert!(render(&summary).contains("tests=\"2\" failures=\"1\""));
    }

    #[test]
    fn an_invalid_run_fails_its_validity_alone() {
        let mut summary = Summary { result: Outcome::Invalid, ..run() };
        summary.validity.verdict = Verdict::Invalid;
        let text = render(&summary);
        assert!(text.contains("failures=\"1\" errors=\"0\" skipped=\"2\""), "{text}");
        assert!(text.contains("the run is INVALID: timers fired late"), "{text}");
    }

    #[test]
    fn what_the_control_run_took_is_in_the_output_of_the_suite() {
        assert!(render(&run()).contains("<system-out></system-out>"));
        let text = render(&controlled());
        assert!(text.contains("<system-out>control run: 12 of 12 edges opened"), "{text}");
        assert!(text.contains("is ours"), "{text}");
    }

    #[test]
    fn a_hostile_name_stays_inside_its_attribute() {
        let text = render(&hostile());
        assert!(!text.contains("<img") && !text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text}");
    }
}
