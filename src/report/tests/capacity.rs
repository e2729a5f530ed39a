//! The planning report of a search with made-up probes, with harmless and with hostile text.

use crate::capacity::{
    CapacityResult, Ends, Evidence, Probe, ProbeVerdict, Reproduction, SearchContext, SearchGate, StoppedBy, TargetRow,
    Vary,
};
use crate::profile::{ProfileSource, read};
use crate::report::tests::sample::run;
use crate::report::{Format, TextOptions, files, render};
use crate::summary::{Doubt, GateResult, Summary, Unit};

const TEXT: Format = Format::Text(TextOptions { color: false, verbose: false, columns: None });

fn page(findings: &CapacityResult) -> String {
    render(Format::Html, findings)
}

/// A search with rooms of 4 on a broadcasting server that breaks above 100 rooms.
fn found(word: &str) -> CapacityResult {
    let profile = read(ProfileSource { name: "t", text: "" }, &[], &|_| None).unwrap();
    let probe = |load: u64, verdict: ProbeVerdict| {
        let row = TargetRow {
            second: 1,
            cpu_cores: Some(load as f64 / 110.0),
            rss_bytes: Some(1 << 24),
            ..TargetRow::default()
        };
        let mut probe = Probe::of(load as f64, verdict, &Summary::default(), vec![row]);
        (probe.rooms, probe.room_size, probe.peers) = (load, 4.0, load * 4);
        (probe.edges_planned, probe.edges_opened, probe.edges_failed) = (load * 6, load * 6, Some(0.0));
        (probe.p50_us, probe.p95_us, probe.p99_us) = (Some(load * 100), Some(load * 5_000), Some(load * 9_000));
        probe.fan_out = Some(load as f64 * 3.0);
        probe.frames_in_per_second = Some(load as f64 * 20.0);
        probe.frames_out_per_second = Some((load * load) as f64 * 60.0);
        probe.mbit_out_per_second = Some((load * load) as f64 * 0.05);
        probe.target = crate::capacity::TargetLoad::of(&probe.target_rows, probe.edges_opened);
        let doubt = Doubt { what: word.into(), observed: word.into(), limit: word.into(), cure: word.into() };
        probe.validity.reasons.push(doubt);
        probe
    };
    let (held, broke) = (ProbeVerdict::Held, ProbeVerdict::Broke);
    let loads = [(10, held), (20, held), (40, held), (80, held), (160, broke), (113, broke), (95, held), (100, held)];
    let mut probes: Vec<Probe> = loads.map(|(load, verdict)| probe(load, verdict)).into();
    probes.push(probe(106, ProbeVerdict::NotValid));
    CapacityResult::new(Evidence {
        vary: Vary::Rooms,
        profile: &profile,
        ends: Ends { held: Some(100.0), broke: Some(113.0), out_of_reach: None },
        held_trials: 3,
        stopped_by: Some(StoppedBy::Budget),
        headroom: 0.3,
        require: Some(90.0),
        gates: vec![SearchGate {
            gate: format!("time_to_open: p(95) < 600ms{word}"),
            words: format!("time_to_open p95 below 600ms{word}"),
            limit_us: Some(600_000),
        }],
        probes,
        reproduction: Reproduction {
            search: format!("meshload capacity {word}"),
            run: Some(format!("meshload run {word}")),
            broken_run: None,
        },
        scope: SearchContext {
            profile: word.into(),
            tags: [("team".to_owned(), word.to_owned())].into(),
            target: word.into(),
            dialect: word.into(),
            ..SearchContext::default()
        },
        counts_invalid: true,
    })
}

#[test]
fn the_sentence_comes_first_in_every_form() {
    let findings = found("x");
    assert!(findings.sentence.starts_with("holds 100 rooms of 4 (400 peers) with "), "{}", findings.sentence);
    for form in [TEXT, Format::Markdown] {
        let report = render(form, &findings);
        let at = |text: &str| report.find(text).unwrap_or_else(|| panic!("no {text:?} in {report}"));
        assert!(at("100 rooms of 4") < at("bracket") && at("bracket") < at("frames/s out"), "{report}");
        assert!(report.contains("quadratic") && report.contains("145 % of one core"), "{report}");
    }
    assert!(render(TEXT, &findings).starts_with("holds 100 rooms of 4"));
    assert!(render(Format::Markdown, &findings).contains("team=x"));
}

#[test]
fn json_is_the_findings_and_nothing_else() {
    let json: serde_json::Value = serde_json::from_str(&render(Format::Json, &found("x"))).unwrap();
    assert_eq!(
        (&json["limit"], &json["limited_by"], &json["vary"]),
        (&100.0.into(), &"target".into(), &"rooms".into())
    );
    assert_eq!(json["probes"].as_array().unwrap().len(), 9);
    assert_eq!(json["model"]["fan_out"]["kind"], "population");
    assert!(serde_json::from_value::<CapacityResult>(json).is_ok());
}

#[test]
fn the_page_shows_the_knee_with_its_gate_and_tells_measured_from_extrapolated() {
    let page = page(&found("x"));
    for text in
        ["The knee", "time_to_open: p(95) &lt; 600ms", "limit 100", "extrapolated (dashed)", "\">extrapolated</td>"]
    {
        assert!(page.contains(text), "{text}");
    }
    let count = |text: &str| page.matches(text).count();
    assert_eq!(count("<svg "), 6, "the knee is drawn for a phone, too");
    assert_eq!(count("<svg "), count("role=\"img\" aria-label=\""));
    assert_eq!(count("<table"), count("<caption>"));
    assert!(page.len() < 1_000_000);
}

#[test]
fn another_search_stands_beside_in_every_form() {
    let mut findings = found("x");
    let alone = page(&findings);
    let mut other = found("y");
    other.scope.target = "ws://other.internal".into();
    other.scope.dialect = "x".into();
    other.probes.iter_mut().for_each(|probe| probe.fan_out = Some(2.5));
    other.model = crate::capacity::model(&other.probes);
    findings.beside = Some(Box::new(other.for_comparison()));
    for form in [TEXT, Format::Markdown] {
        let report = render(form, &findings);
        for words in
            ["beside it", "ws://other.internal", "quadratic in the population", "linear in the rooms", "2.50 peers"]
        {
            assert!(report.contains(words), "{words:?} in {report}");
        }
        assert!(report.contains("unlike in more than the target: gates"), "{report}");
    }
    let page = page(&findings);
    assert!(!alone.contains("Side by side") && !alone.contains("search beside"));
    assert!(page.contains("Side by side") && page.matches("search beside").count() >= 3, "a key in three charts");
    let json: serde_json::Value = serde_json::from_str(&render(Format::Json, &findings)).unwrap();
    assert_eq!(json["beside"]["scope"]["target"], "ws://other.internal");
    assert!(json["beside"].get("beside").is_none());
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = page(&found("x"));
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    for request in ["<script", "src=", "@import", "url(", "<iframe", "<base", " style="] {
        assert!(!page.contains(request), "{request}");
    }
    let mut links = page.split("href=\"").skip(1);
    assert!(links.all(|link| link.starts_with('#') || link.starts_with("data:,")), "it leads elsewhere");
}

/// The tags of a page in order, with the names of their attributes.
fn skeleton(page: &str) -> Vec<String> {
    page.split('<').skip(1).map(|piece| piece.split('>').next().unwrap().split('"').step_by(2).collect()).collect()
}

/// Findings with hostile text, and with another search beside them if asked.
fn worded(word: &str, beside: bool) -> CapacityResult {
    let mut findings = found(word);
    findings.beside = beside.then(|| Box::new(found(word).for_comparison()));
    findings
}

#[test]
fn hostile_words_change_no_tag_and_give_no_command() {
    let words = [
        "</script><img onerror=alert(1)>",
        "\"><b>",
        "'--><svg/onload=x>",
        "a\u{2028}b\u{202e}c\u{0}",
        "::error::x",
        "|`x`",
    ];
    for (word, beside) in words.into_iter().flat_map(|word| [(word, false), (word, true)]) {
        let findings = worded(word, beside);
        let shown = page(&findings);
        assert_eq!(skeleton(&shown), skeleton(&page(&worded("x", beside))), "{word:?}");
        assert!(!shown.contains(['\u{2028}', '\u{202e}', '\u{0}']), "{word:?}");
        let text = render(TEXT, &findings);
        // A command keeps its colons, after its name.
        assert!(!text.lines().any(|line| line.trim_start().starts_with("::")), "{text}");
        assert!(!text.contains(['\u{0}', '\u{202e}']), "{text}");
    }
}

#[test]
fn a_search_that_found_nothing_is_a_report_too() {
    let mut findings = found("x");
    findings.probes.clear();
    findings.forecast.clear();
    findings.limit = None;
    assert!(files(&findings).iter().all(|(_, content)| !content.is_empty()));
    assert_eq!(page(&findings).matches("<svg ").count(), 0);
}

#[test]
fn a_load_broke_by_the_gate_that_was_decided_and_not_by_one_that_this_machine_left_open() {
    let gate = |metric: &str, expr: &str, decided: bool| GateResult {
        metric: metric.into(),
        expr: expr.into(),
        observed: Some(0.5),
        decided: Some(decided),
        why: (!decided).then(|| "generator".into()),
        ..run().gates[1].clone()
    };
    let mut findings = found("x");
    findings.probes.retain(|probe| probe.verdict == ProbeVerdict::Broke);
    for probe in &mut findings.probes {
        probe.gates = vec![gate("signal_delivery", "p(95) < 2ms", false), gate("edges_failed", "rate < 1%", true)];
        probe.gates.iter_mut().for_each(|gate| gate.ok = false);
        probe.gates[1].unit = Unit::Ratio;
    }
    let text = render(TEXT, &findings);
    assert!(
        text.contains("edges_failed rate < 1%, observed 50.0 %") && !text.contains("signal_delivery p(95)"),
        "{text}"
    );
}
