//! Every finding in every format, and the verdict of a run that has some.

use super::sample::run;
use crate::diagnosis::findings::finding_ids;
use crate::report::{Format, TextOptions, render};
use crate::summary::{
    CauseRow, FindingConfidence, GateResult, Outcome, RunFinding, Severity, Summary, TraceDiagnosis, Unit,
};

const FORMATS: [Format; 5] = [
    Format::Text(TextOptions { color: false, verbose: false, columns: None }),
    Format::Markdown,
    Format::Html,
    Format::Junit,
    Format::Json,
];

fn finding(id: &str) -> RunFinding {
    RunFinding {
        id: id.into(),
        severity: Severity::Fault,
        confidence: FindingConfidence::High,
        sentence: format!("Seen of {id}."),
        evidence: vec![format!("Evidence of {id}.")],
        remedy: format!("Mend {id}."),
        share: 0.5,
    }
}

/// A run whose gates hold, with these findings.
fn passed(ids: &[&str]) -> Summary {
    let mut summary =
        Summary { result: Outcome::Passed, findings: ids.iter().map(|id| finding(id)).collect(), ..run() };
    summary.gates.iter_mut().for_each(|gate| gate.ok = true);
    summary
}

fn text(summary: &Summary) -> String {
    render(FORMATS[0], summary)
}

#[test]
fn each_finding_stands_with_its_remedy_in_every_format_and_fails_nothing_by_itself() {
    for id in finding_ids() {
        let summary = passed(&[id]);
        for format in FORMATS {
            let report = render(format, &summary);
            for words in [format!("Seen of {id}."), format!("Mend {id}.")] {
                assert!(report.contains(&words), "{format:?} lacks {words:?}: {report}");
            }
        }
        let junit = render(Format::Junit, &summary);
        assert!(junit.contains(&format!("<property name=\"finding\" value=\"{id} (fault")), "{junit}");
        assert!(junit.contains("failures=\"0\""), "{junit}");
    }
}

#[test]
fn all_findings_at_once_are_in_every_file_and_three_of_them_in_the_verdict() {
    let ids: Vec<&str> = finding_ids().collect();
    let summary = passed(&ids);
    let whole = Format::Text(TextOptions { verbose: true, ..TextOptions::default() });
    for format in [whole, Format::Markdown, Format::Html, Format::Junit, Format::Json] {
        let report = render(format, &summary);
        let missing: Vec<_> = ids.iter().filter(|id| !report.contains(&format!("Evidence of {id}."))).collect();
        assert!(missing.is_empty(), "{format:?} lacks {missing:?}");
    }
    let head = text(&summary);
    assert_eq!(head.matches("finding: ").count(), 3, "{head}");
    assert!(head.contains(&format!("and {} findings more", ids.len() - 3)), "{head}");
}

#[test]
fn a_gate_on_findings_makes_a_fault_a_failure_of_junit() {
    let gate = GateResult {
        metric: "findings.fault".into(),
        expr: "count == 0".into(),
        observed: Some(1.0),
        unit: Unit::Count,
        samples: 1,
        ok: false,
        decided: Some(true),
        ..run().gates[1].clone()
    };
    let mut summary = Summary { result: Outcome::Failed, ..passed(&["misrouted"]) };
    summary.gates.push(gate);
    let junit = render(Format::Junit, &summary);
    assert!(junit.contains("failures=\"1\"") && junit.contains("name=\"findings.fault: count == 0\""), "{junit}");
}

#[test]
fn a_pass_says_with_how_many_findings_and_does_not_count_what_was_not_tested() {
    let check = |ids: &[&str], says: &str| {
        let report = text(&passed(ids));
        let first = report.lines().next().unwrap();
        assert_eq!(first.strip_prefix("PASSED example: 2 gates held"), Some(says), "{report}");
    };
    check(&[], "");
    check(&["untested"], "");
    check(&["drift"], ", with 1 finding");
    check(&["drift", "untested", "repeated"], ", with 2 findings");
    assert_eq!(passed(&["drift", "repeated"]).result_in_words(), "passed, with 2 findings");
}

/// Before the figures and everything else: in the card of the verdict.
#[test]
fn the_cause_stands_in_the_verdict_of_every_format() {
    let row = CauseRow {
        causes: vec!["no-answer".into()],
        edges: 1,
        evidence: "The answer was said and never arrived.".into(),
        remedy: "Look for the answer.".into(),
    };
    let diagnosis = Some(TraceDiagnosis { traced: 1, causes: vec![row], probe: None });
    let summary = Summary { diagnosis, ..run() };
    for (format, figures) in
        [(FORMATS[0], "time_to_open:"), (Format::Markdown, "- time_to_open:"), (Format::Html, "class=\"tiles")]
    {
        let report = render(format, &summary);
        let (card, _) = report.split_once(figures).unwrap_or_else(|| panic!("{format:?}: {report}"));
        assert!(card.contains("Cause: no-answer, in 1 of 1 traced edge"), "{format:?}: {card}");
        assert!(card.contains("Look for the answer."), "{format:?}: {card}");
    }
    let junit = render(Format::Junit, &summary);
    assert!(junit.contains("Cause: no-answer, in 1 of 1 traced edge"), "{junit}");
}

#[test]
fn what_the_server_called_an_error_is_told_in_every_format() {
    let mut summary = run();
    summary.unmatched = vec![crate::summary::UnmatchedRow {
        kind: "server_error".into(),
        shape: "room is full".into(),
        example: "room is full".into(),
        count: 3,
        ..Default::default()
    }];
    for format in FORMATS.into_iter().filter(|format| *format != Format::Json) {
        let report = render(format, &summary);
        assert!(report.contains("the server said an error 3 times: room is full"), "{format:?}: {report}");
    }
}
