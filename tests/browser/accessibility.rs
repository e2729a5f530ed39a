//! Reports as axe-core judges them: nothing serious, which has the contrast of every text in it, on both screens and themes.

use meshload::capacity::CapacityResult;
use meshload::gates::baseline::{ToleranceRule, compare};
use meshload::report::{Format, render};
use meshload::summary::{Outcome, Summary, Verdict};
use std::fs;
use std::path::Path;
use std::process::Command;
use support::chromium::{Chromium, installed};
use support::network;
use support::serving::Serving;

const AXE: &str = "tests/browser/node_modules/axe-core/axe.min.js";
/// Everything that axe calls serious or critical, in a line each.
const JUDGE: &str = "axe.run({ resultTypes: ['violations'], runOnly: RULES }).then((found) => found.violations
    .filter((rule) => ['serious', 'critical'].includes(rule.impact))
    .map((rule) => `${rule.id}: ${rule.nodes.slice(0, 5).map((node) => `${node.html} ${node.any.map((any) => any.message)}`).join(' | ')}`)
    .join('\\n'))";

#[test]
fn reports_are_legible_on_both_screens_and_in_both_themes() {
    let Ok(axe) = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(AXE)) else {
        return network::skip("axe-core is not installed (scripts/setup)");
    };
    let Some(program) = installed() else {
        return network::skip("no chromium is installed (apt-get install chromium)");
    };
    let folder = tempfile::tempdir().unwrap();
    let mut chromium = Chromium::start(program);
    let mut faults = vec![];
    for (name, page) in pages() {
        let path = folder.path().join(format!("{name}.html"));
        fs::write(&path, page).unwrap();
        let tab = chromium.show(&format!("file://{}", path.display()));
        chromium.until(&tab, "document.readyState === 'complete' && document.querySelector('footer') !== null");
        chromium.run(&tab, &format!("{axe}; document.querySelectorAll('details').forEach((each) => each.open = true)"));
        // A contrast depends on the theme alone, the rest on neither but for what is scrolled on a phone.
        for (width, scheme, rules) in [(390, "light", "undefined"), (1280, "dark", "['color-contrast']")] {
            chromium.emulate(&tab, width, scheme);
            let dark = "matchMedia('(prefers-color-scheme: dark)').matches";
            assert_eq!(
                chromium.run(&tab, &format!("[innerWidth, {dark}]")),
                serde_json::json!([width, scheme == "dark"])
            );
            let found = chromium.run(&tab, &JUDGE.replace("RULES", rules));
            if found != "" {
                faults.push(format!("{name}, {width}, {scheme}: {}", found.as_str().unwrap()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn pages() -> Vec<(&'static str, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports");
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let passed = Summary::read(&read("sample/summary.json")).unwrap();
    let mut failed = Summary { result: Outcome::Failed, ..passed.clone() };
    failed.gates.iter_mut().step_by(2).for_each(|gate| gate.ok = false);
    failed.validity.verdict = Verdict::Suspect;
    failed.rates.edges_failed = Some(0.5);
    let comparison = compare(std::slice::from_ref(&passed), std::slice::from_ref(&failed), &ToleranceRule::default());
    let search: CapacityResult = serde_json::from_str(&read("sample-capacity/capacity.json")).unwrap();
    vec![
        ("run", render(Format::Html, &failed)),
        ("compare", render(Format::Html, &comparison)),
        ("capacity", render(Format::Html, &search)),
        ("probe", probed()),
    ]
}

/// The page of a handshake that fails at once.
fn probed() -> String {
    let server = Serving::start(&["--fault", "reject type=webrtc-offer"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.args(["probe", "--target", &server.url, "--timeout", "1s", "--format", "html"]);
    String::from_utf8(command.output().unwrap().stdout).unwrap()
}
