//! report.html: complete, small, quick, and deaf to whatever a server says.

use crate::common::hostile::{HOSTILE, poisoned};
use crate::common::sample;
use meshload::capacity::CapacityResult;
use meshload::report::{Format, render};
use meshload::summary::{CauseRow, Counts, Doubt, Outcome, Peers, Summary, TraceDiagnosis, Validity, Verdict};
use meshload::vocabulary::{format::duration, glossary};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// Leaves a copy where a person, or a browser, can look at it.
fn keep(name: &str, page: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, page).unwrap();
    println!("see {}", path.display());
    path
}

#[test]
fn a_run_of_five_thousand_edges_is_small_and_quick() {
    let summary = sample::summary();
    let began = Instant::now();
    let page = render(Format::Html, &summary);
    let took = began.elapsed();
    keep("report.html", &page);
    println!("{} bytes in {took:?}", page.len());
    assert!(page.len() < 1_000_000, "{} bytes", page.len());
    assert!(took < Duration::from_secs(2), "{took:?}");
}

#[test]
fn the_verdicts_come_before_everything_else() {
    let summary = sample::summary();
    let p95 = duration(summary.timers["time_to_open"].due.p.p95);
    let page = render(Format::Html, &summary);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    let order = ["Failed", "VALID", &p95, "Where the time goes", "Latency and load", "What was run"];
    assert!(order.map(at).is_sorted(), "{:?}", order.map(at));
    assert!(at("edges_failed rate &lt; 0.5%") < at("Where the time goes"));
}

#[test]
fn every_chart_has_words_and_every_table_a_caption() {
    let page = render(Format::Html, &sample::summary());
    let count = |text: &str| page.matches(text).count();
    assert!(count("<svg ") >= 12, "{} charts", count("<svg "));
    assert_eq!(count("<svg "), count("role=\"img\" aria-label=\""));
    assert_eq!(count("<table"), count("<caption>"));
    assert!(count("scope=\"row\"") > 50 && count("scope=\"col\"") > 30);
}

#[test]
fn a_summary_without_anything_is_a_page_too() {
    let page = render(Format::Html, &Summary::default());
    assert!(page.contains("None were set") && page.contains("nothing was measured"));
}

#[test]
fn the_page_asks_nobody_for_anything() {
    let page = render(Format::Html, &sample::summary());
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    for request in ["<script", "src=", "@import", "url(", "<iframe", "<base", " style="] {
        assert!(!page.contains(request), "{request}");
    }
    let links = page.split("href=\"").skip(1);
    assert!(links.into_iter().all(|link| link.starts_with('#') || link.starts_with("data:,")), "it leads elsewhere");
}

/// Structure of the page: its tags, in order, with their attributes' names.
fn skeleton(page: &str) -> Vec<String> {
    let mut tags = vec![];
    for piece in page.split('<').skip(1) {
        let tag = piece.split('>').next().unwrap();
        let words = tag.split('"').step_by(2).collect::<String>();
        tags.push(words);
    }
    tags
}

#[test]
fn forty_hostile_strings_in_every_field_change_no_tag() {
    assert!(HOSTILE.len() >= 40);
    let harmless = skeleton(&render(Format::Html, &poisoned(sample::summary(), "x")));
    for text in HOSTILE {
        let page = render(Format::Html, &poisoned(sample::summary(), text));
        assert_eq!(skeleton(&page), harmless, "{text:?}");
        assert!(!page.contains('\u{2028}') && !page.contains('\u{202e}') && !page.contains('\0'), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn no_text_changes_a_tag(text in "[<>&\"'a-z=/ `\u{0}-\u{1f}\u{2028}\u{202e}]{1,40}|\\PC{1,40}") {
        // A word of the glossary is marked as one, on purpose; a fact without a value is left out.
        prop_assume!(glossary::find(&text).next().is_none());
        let harmless = skeleton(&render(Format::Html, &poisoned(sample::summary(), "x")));
        prop_assert_eq!(skeleton(&render(Format::Html, &poisoned(sample::summary(), &text))), harmless);
    }
}

#[test]
fn in_a_real_browser_no_script_runs_and_the_console_stays_silent() {
    let Some(chromium) = installed() else { return };
    let all = HOSTILE.join(" ");
    let search = include_str!("../../reports/sample-capacity/capacity.json");
    let pages = [
        ("calm.html", render(Format::Html, &sample::summary())),
        ("hostile.html", render(Format::Html, &poisoned(sample::summary(), &all))),
        ("capacity.html", planning_report(search)),
        ("hostile-capacity.html", planning_report(&search.replace("mesh_complete", &within_quotes(&all)))),
    ];
    for (name, page) in pages {
        let (dom, log) = opened(chromium, &keep(name, &page), "1280,800");
        // Each hostile string would set the title to `owned`, had it its way.
        assert!(!dom.contains("<title>owned"), "{name}: a script ran");
        assert!(!log.contains("CONSOLE"), "{name}: {log}");
    }
}

/// The page's DOM and the browser's log, in a window of that size.
fn opened(chromium: &str, path: &Path, size: &str) -> (String, String) {
    let profile = tempfile::tempdir().unwrap();
    let output = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
        .arg(format!("--window-size={size}"))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("file://{}", path.display()))
        .output()
        .unwrap();
    let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(dom.contains("</html>"), "{}: no page\n{log}", path.display());
    (dom.into_owned(), log.into_owned())
}

/// A failed, an invalid and an unreachable run, and one that passed.
fn ends() -> [(&'static str, Summary); 4] {
    let mut failed = Summary { result: Outcome::Failed, ..sample::summary() };
    let row = CauseRow {
        causes: vec!["lost-first-offer".into()],
        edges: 30,
        evidence: "The offer of peer 0 to peer 1 was said and never arrived; what peer 0 said to it after that did."
            .into(),
        remedy: "Create the receiving side before it is announced; repeat an offer that stays unanswered.".into(),
    };
    failed.diagnosis = Some(TraceDiagnosis { traced: 30, causes: vec![row], probe: None });
    // A machine that was strained has much to say, which is no part of what failed.
    let hint =
        |what: &str| Doubt { what: what.into(), observed: "30.5 %".into(), limit: "30.0 %".into(), ..Doubt::default() };
    failed.validity =
        Validity { verdict: Verdict::Valid, reasons: vec![], hints: vec![hint("time spent waiting for a CPU"); 6] };
    let mut passed = Summary { result: Outcome::Passed, ..sample::summary() };
    passed.gates.iter_mut().for_each(|gate| gate.ok = true);
    let mut invalid = Summary { result: Outcome::Invalid, ..passed.clone() };
    let doubt = Doubt {
        what: "timers fired late (scheduler lag p99)".into(),
        observed: "120 ms".into(),
        limit: "50.0 ms".into(),
        cure: "fewer peers, fewer arrivals a second, or a machine that does nothing else".into(),
    };
    invalid.validity = Validity { verdict: Verdict::Invalid, reasons: vec![doubt], hints: vec![] };
    let mut unreachable = Summary { result: Outcome::Unreachable, timers: BTreeMap::new(), ..failed.clone() };
    unreachable.counts = Counts { peers: Peers { planned: 9, failed: 9, ..Peers::default() }, ..Counts::default() };
    [("failed", failed), ("passed", passed), ("invalid", invalid), ("unreachable", unreachable)]
}

/// A phone of 390 × 844 shows, without scrolling: what broke, whose fault it is, and what to do next.
#[test]
fn the_first_screen_of_a_phone_answers() {
    let Some(chromium) = installed() else { return };
    for (name, summary) in ends() {
        let page = render(Format::Html, &summary);
        // A window has at least 500 pixels, so that the phone is a frame in it.
        let quoted = page.replace('&', "&amp;").replace('"', "&quot;");
        let script = "onload = () => { const page = frames[0].document; document.title = \
                      [...page.querySelectorAll('.verdict')].map(card => \
                      Math.round(card.getBoundingClientRect().bottom)).join(' ') + ' of ' + \
                      page.documentElement.scrollWidth }";
        let measured = format!(
            "<title></title><script>{script}</script><iframe width=\"390\" height=\"844\" srcdoc=\"{quoted}\"></iframe></html>"
        );
        let (dom, log) = opened(chromium, &keep(&format!("phone-{name}.html"), &measured), "1000,1000");
        let title = dom.split("<title>").nth(1).and_then(|rest| rest.split("</title>").next()).unwrap();
        println!("{name}: {title}");
        let (bottoms, width) = title.split_once(" of ").unwrap_or_else(|| panic!("{name}: {title} {log}"));
        let bottoms: Vec<u32> = bottoms.split(' ').map(|bottom| bottom.parse().unwrap()).collect();
        assert!(bottoms.len() == 2 && bottoms.iter().all(|bottom| *bottom <= 844), "{name}: {title}");
        assert!(width.parse::<u32>().unwrap() <= 390, "{name}: {title}: something is wider than the screen");
        let cards = &page[page.find("class=\"verdict ").unwrap()..page.find("class=\"tiles").unwrap_or(page.len())];
        let needed = match name {
            "passed" => "VALID",
            "invalid" => "cure: fewer peers",
            _ => "<a href=\"#causes\">Cause: lost-first-offer, in 30 of 30 traced edges.",
        };
        assert!(cards.contains(needed), "{name}: {cards}");
        assert!(!cards.contains("Cause: ") || cards.contains("<strong>What to do: "), "{name}: {cards}");
    }
}

fn installed() -> Option<&'static str> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = places.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        println!("skipped: no chromium is installed (apt-get install chromium)");
    }
    found
}

fn planning_report(capacity_json: &str) -> String {
    let findings: CapacityResult = serde_json::from_str(capacity_json).unwrap();
    render(Format::Html, &findings)
}

/// As it may stand between the quotes of a JSON string.
fn within_quotes(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
