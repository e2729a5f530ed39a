//! The first words of a report and the marks of its charts: what broke, why, and nothing that is not so.

use super::sample::run;
use crate::report::{Format, TextOptions, render};
use crate::summary::{FailureRow, Outcome, Repeats, Summary, Unit};

fn page(summary: &Summary) -> String {
    render(Format::Html, summary)
}

#[test]
fn a_target_that_nobody_reached_says_why_in_its_title_and_rests_on_nothing() {
    let mut summary = Summary { result: Outcome::Unreachable, ..run() };
    summary.timers.clear();
    (summary.counts.peers.joined, summary.counts.peers.failed) = (0, 8);
    let row = FailureRow {
        phase: "connect".into(),
        reason: "refused".into(),
        detail: "ECONNREFUSED".into(),
        peers: 8,
        ..FailureRow::default()
    };
    summary.failures = vec![row];
    let page = page(&summary);
    let title = page.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
    assert!(title.starts_with("UNREACHABLE example: ") && title.contains("refused (ECONNREFUSED)"), "{title}");
    let cards = page.split("class=\"tiles").next().unwrap();
    assert!(cards.contains("8 attempts failed in phase connect: refused (ECONNREFUSED)"), "{cards}");
    for format in [Format::Text(TextOptions::default()), Format::Markdown] {
        let first = render(format, &summary).lines().next().unwrap().to_owned();
        assert!(first.contains("UNREACHABLE example: refused (ECONNREFUSED)"), "{first}");
    }
    assert!(!cards.contains("why they stand") && !cards.contains("observed"), "{cards}");
}

#[test]
fn a_gate_that_this_machine_left_open_is_neither_held_nor_failed() {
    let mut summary = Summary { result: Outcome::Invalid, ..run() };
    summary.gates.iter_mut().for_each(|gate| (gate.ok, gate.decided) = (true, Some(false)));
    summary.gates[0].why = Some("load_not_offered".into());
    let text = render(Format::Text(TextOptions::default()), &summary);
    assert!(text.starts_with("INVALID example: the figures are not the target's, so no gate is judged\n"), "{text}");
    assert_eq!((text.matches("  ? open").count(), text.matches("  ok ").count()), (2, 0), "{text}");
}

#[test]
fn a_run_cut_short_does_not_say_that_a_gate_without_enough_samples_failed() {
    for (result, first) in [
        (Outcome::Interrupted, "INTERRUPTED example: until then, 1 of 2 gates not judged, for want of samples\n"),
        (Outcome::Failed, "FAILED example: 1 of 2 gates failed\n"),
    ] {
        let mut summary = Summary { result, ..run() };
        assert!(summary.gates[0].lacks_samples());
        summary.gates[0].decided = Some(result == Outcome::Failed);
        let text = render(Format::Text(TextOptions::default()), &summary);
        assert!(text.starts_with(first), "{text}");
        assert_eq!(text.contains("  FAIL "), result == Outcome::Failed, "{text}");
    }
}

#[test]
fn repeats_say_which_gate_broke_before_they_list_the_runs() {
    let runs = ["1", "2", "3"].map(|folder| (folder.to_owned(), run()));
    let repeats = Repeats { result: Outcome::Failed, gates: run().gates, ..Repeats::of(&runs) };
    let text = render(Format::Text(TextOptions::default()), &repeats);
    let (head, _) = text.split_once("Runs").unwrap();
    assert!(head.contains("; 1 of 2 gates failed") && head.contains("p(95) < 800ms, observed 47.1 ms"), "{text}");
}

#[test]
fn the_charts_have_the_limits_of_gates_a_histogram_and_a_word_on_every_mark() {
    let mut summary = run();
    summary.gates[0].clock = None;
    assert_eq!(summary.gates[0].unit, Unit::Us);
    let page = page(&summary);
    let chart = |heading: &str| {
        let (_, chart) = page.split_once(&format!("<strong>{heading}</strong>")).unwrap_or_else(|| panic!("{heading}"));
        chart.split("</svg>").next().unwrap()
    };
    for heading in ["Time to open", "Time to open, second by second"] {
        assert!(chart(heading).contains("line rule c-failed"), "{heading}");
    }
    for svg in page.split("<svg ").skip(1).map(|rest| rest.split("</svg>").next().unwrap()) {
        let marks = svg.matches("<circle ").count() + svg.matches("<rect ").count();
        assert!(svg.matches("<title>").count() > marks, "one a mark, and the chart's own: {svg}");
    }
    assert!(chart("Time to open, histogram").contains("<rect "));
    for section in ["gates", "failures", "where-the-time-goes", "latency-and-load"] {
        assert!(
            page.contains(&format!("href=\"#{section}\"")) && page.contains(&format!("id=\"{section}\"")),
            "{section}"
        );
    }
    let few = "in brackets: too few samples";
    assert!(page.split("class=\"tiles").nth(1).is_some_and(|tiles| tiles.contains(few)), "the bracket has its word");
}
