//! report.html: complete, small, quick, and deaf to whatever a server says.

use crate::common::hostile::{HOSTILE, poisoned};
use crate::common::sample;
use meshload::capacity::CapacityResult;
use meshload::report::{Format, render};
use meshload::summary::Summary;
use meshload::vocabulary::glossary;
use proptest::prelude::*;
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
    let p95 = format!("{:.1} ms", summary.timers["time_to_open"].due.p.p95 as f64 / 1e3);
    let page = render(Format::Html, &summary);
    let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("no {text:?}"));
    let order = ["Failed", "VALID", &p95, "Where the time goes", "Latency and load", "What was run"];
    assert!(order.map(at).is_sorted(), "{:?}", order.map(at));
    assert!(at("edges_failed: rate &lt; 0.5%") < at("Where the time goes"));
}

#[test]
fn every_chart_has_words_and_every_table_a_caption() {
    let page = render(Format::Html, &sample::summary());
    let count = |text: &str| page.matches(text).count();
    assert!(count("<svg ") >= 12, "{} charts", count("<svg "));
    assert_eq!(count("<svg "), count("role=\"img\" aria-label=\""));
    assert_eq!(count("<table>"), count("<caption>"));
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
    assert_eq!(page.matches("href=").count(), 1, "only the empty icon");
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
    let Some(chromium) = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
        .into_iter()
        .find(|path| Path::new(path).exists())
    else {
        println!("skipped: no chromium is installed (apt-get install chromium)");
        return;
    };
    let all = HOSTILE.join(" ");
    let search = include_str!("../../reports/sample-capacity/capacity.json");
    let pages = [
        ("calm.html", render(Format::Html, &sample::summary())),
        ("hostile.html", render(Format::Html, &poisoned(sample::summary(), &all))),
        ("capacity.html", planning_report(search)),
        ("hostile-capacity.html", planning_report(&search.replace("mesh_complete", &within_quotes(&all)))),
    ];
    for (name, page) in pages {
        let path = keep(name, &page);
        let profile = tempfile::tempdir().unwrap();
        let output = Command::new(chromium)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--enable-logging=stderr", "--v=0", "--dump-dom"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(format!("file://{}", path.display()))
            .output()
            .unwrap();
        let (dom, log) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(dom.contains("</html>"), "{name}: no page\n{log}");
        // Each hostile string would set the title to `owned`, had it its way.
        assert!(!dom.contains("<title>owned"), "{name}: a script ran");
        assert!(!log.contains("CONSOLE"), "{name}: {log}");
    }
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
