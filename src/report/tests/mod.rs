//! The reports of literal results in every format, with harmless and with hostile text.

mod capacity;
mod findings;
mod first_screen;
pub(in crate::report) mod sample;

use self::sample::{check_snapshot, controlled, explained, hostile, run};
use crate::report::{Format, TextOptions, render};
use crate::summary::{Outcome, Repeats, Summary, TargetProcess, TargetSecond, Verdict};

fn text(summary: &Summary) -> String {
    render(Format::Text(TextOptions::default()), summary)
}

#[test]
fn a_run_on_a_terminal() {
    check_snapshot("text", &text(&run()));
}

#[test]
fn everything_that_is_folded_is_told_on_request() {
    check_snapshot(
        "text_verbose",
        &render(Format::Text(TextOptions { verbose: true, ..TextOptions::default() }), &run()),
    );
}

#[test]
fn beside_each_figure_stands_what_of_it_is_ours() {
    check_snapshot("text_control", &text(&controlled()));
}

#[test]
fn a_failed_edge_has_its_cause_and_its_ladder() {
    check_snapshot("text_explained", &text(&explained()));
}

#[test]
fn a_run_in_a_pull_request() {
    check_snapshot("markdown", &render(Format::Markdown, &run()));
}

#[test]
fn a_run_for_a_ci_system() {
    check_snapshot("junit", &render(Format::Junit, &run()));
}

#[test]
fn repeats_on_a_terminal() {
    let runs = [("1".to_owned(), run()), ("2".to_owned(), run())];
    let repeats = Repeats { gates: run().gates, ..Repeats::of(&runs) };
    check_snapshot("repeats", &render(Format::Text(TextOptions::default()), &repeats));
    let json: serde_json::Value = serde_json::from_str(&render(Format::Json, &repeats)).unwrap();
    assert_eq!(json["runs"][1]["folder"], "2");
    assert!(json["timers"]["time_to_open"]["p50"]["median_us"].is_u64());
}

#[test]
fn colours_are_only_there_when_asked_for() {
    assert!(!text(&run()).contains('\u{1b}'));
    let coloured = render(Format::Text(TextOptions { color: true, ..TextOptions::default() }), &run());
    assert!(
        coloured.contains("\u{1b}[1;31mFAIL\u{1b}[0m") && coloured.contains("\u{1b}[1;32mok\u{1b}[0m"),
        "{coloured}"
    );
}

#[test]
fn text_from_the_target_is_inert_on_a_terminal() {
    let repeats = Repeats { gates: hostile().gates, ..Repeats::of(&[("1".to_owned(), hostile())]) };
    for text in [text(&hostile()), render(Format::Text(TextOptions::default()), &repeats)] {
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(text.lines().all(|line| !line.contains("::") && !line.contains("##[") && !line.contains("##vso[")));
    }
}

#[test]
fn text_from_the_target_is_no_markup() {
    // The ladders of traces are code blocks in Markdown, in which nothing is markup.
    let untraced = Summary { traces: vec![], ..hostile() };
    for (format, summary) in [(Format::Markdown, untraced), (Format::Html, hostile()), (Format::Junit, hostile())] {
        let report = render(format, &summary);
        let body = report.split_once("</style>").map_or(report.as_str(), |(_, body)| body);
        assert!(!body.contains("<img") && !body.contains("</script>"), "{body}");
        assert!(format != Format::Markdown || !body.contains("::error"), "{body}");
        assert!(!body.chars().any(|letter| letter.is_control() && letter != '\n'), "{body:?}");
    }
}

#[test]
fn a_run_that_met_nobody_is_not_called_valid_but_one_that_this_machine_spoilt_is_called_invalid() {
    let mut summary = Summary::default();
    summary.counts.peers.failed = 1;
    assert!(text(&summary).contains("validity: nothing was measured, "));
    summary.validity.verdict = Verdict::Invalid;
    assert!(text(&summary).contains("validity: INVALID, "));
}

#[test]
fn an_empty_run_is_shown_too() {
    let text = text(&Summary::default());
    assert!(text.contains("no edge opened"), "{text}");
}

#[test]
fn causes_have_their_evidence_and_a_command_to_paste() {
    let report = render(Format::Markdown, &explained());
    assert!(report.contains("## Causes"), "{report}");
    assert!(report.contains("`to look closer: meshload probe"), "{report}");
}

#[test]
fn a_control_run_has_its_columns_and_its_sentences_in_every_format() {
    for format in [Format::Text(TextOptions::default()), Format::Markdown, Format::Html, Format::Junit] {
        let (with, without) = (render(format, &controlled()), render(format, &run()));
        assert!(with.contains("ours p50") && !without.contains("ours p50"), "{with}");
        assert!(with.contains("p50 22.6 ms, of which 11.3 ms is ours"), "{with}");
    }
}

#[test]
fn a_gate_on_edges_that_failed_says_why_they_did() {
    let mut summary = explained();
    summary.gates[1].ok = false;
    let text = render(Format::Junit, &summary);
    assert!(text.contains("edges failed by: lost-first-offer or channel-isolation: 1 of 1 traced edge."), "{text}");
    assert_eq!(text.matches("edges failed by").count(), 1, "not beside a gate on times");
}

#[test]
fn gates_of_an_interrupted_run_are_skipped() {
    let text = render(Format::Junit, &Summary { result: Outcome::Interrupted, ..run() });
    assert!(text.contains("tests=\"3\" failures=\"0\" errors=\"0\" skipped=\"2\""), "{text}");
}

#[test]
fn a_run_without_gates_that_opened_nothing_fails() {
    let mut summary = Summary { result: Outcome::Failed, gates: vec![], ..run() };
    summary.counts.edges.opened = 0;
    assert!(render(Format::Junit, &summary).contains("tests=\"2\" failures=\"1\""));
}

#[test]
fn an_invalid_run_fails_its_validity_alone() {
    let mut summary = Summary { result: Outcome::Invalid, ..run() };
    summary.validity.verdict = Verdict::Invalid;
    let text = render(Format::Junit, &summary);
    assert!(text.contains("failures=\"1\" errors=\"0\" skipped=\"2\""), "{text}");
    assert!(text.contains("the run is INVALID: timers fired late"), "{text}");
}

#[test]
fn the_glossary_has_the_words_of_the_page_once_each() {
    let page = render(Format::Html, &run());
    let glossary = page.split_once("Words of this page").unwrap().1;
    for expected in ["time_to_open (", "mesh_complete (", "negotiation (", "SUSPECT (", "due ("] {
        assert_eq!(glossary.matches(&format!("<dt>{expected}")).count(), 1, "{expected} in {glossary}");
    }
    assert!(!glossary.contains("<dt>dns (") && !glossary.contains("<dt>VALID ("), "{glossary}");
}

#[test]
fn the_targets_cpu_is_drawn_second_by_second_with_a_gap_where_nothing_was_measured() {
    let row = |second, cpu_us| TargetSecond { second, cpu_us, ..TargetSecond::default() };
    let series = [(1, None), (2, Some(500_000)), (3, Some(750_000)), (5, None), (6, Some(250_000))];
    let process = TargetProcess { series: series.map(|(at, us)| row(at, us)).into(), ..TargetProcess::default() };
    let page = render(Format::Html, &Summary { target_process: Some(process), ..run() });
    let (_, chart) = page.split_once("The target's CPU, second by second").unwrap();
    let chart = chart.split("</svg>").next().unwrap();
    let path = chart.split("class=\"line c-due\" d=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
    assert_eq!((path.matches('M').count(), path.matches('L').count()), (2, 1), "{path}");
    for (second, cores) in [("1.5 s", "0.50"), ("2.5 s", "0.75"), ("5.5 s", "0.25")] {
        assert!(chart.contains(&format!("<title>in use, {second}, {cores}</title>")), "{second}: {chart}");
    }
    assert!(!render(Format::Html, &run()).contains("The target's CPU"));
}

#[test]
fn an_amplification_has_a_verdict_and_only_a_wasteful_one_has_advice() {
    let check = |times: f64, verdict: &str, advice: Option<&str>| {
        let page = text(&Summary { amplification: Some(times), ..run() });
        assert!(page.contains(verdict), "{page}");
        assert_eq!(page.split("saves the server ").nth(1).map(|rest| &rest[..6]), advice, "{page}");
    };
    check(1.0, "amplification: 1.00× (ideal: ", None);
    check(1.4, "amplification: 1.40× (good: 28.6 % of the frames read did not concern their reader)", None);
    check(4.0, "amplification: 4.00× (wasteful: 75.0 % of the frames read did not", Some("75.0 %"));
}
