//! Summaries of others: no word in one is a command to a CI runner or a terminal, in any format of any command that reads it.

use crate::common::hostile::poisoned;
use crate::common::play::PROGRAM;
use crate::common::sample;
use meshload::summary::{SeriesRow, Summary};
use std::fs;
use std::path::Path;
use std::process::Command;

const COMMANDS: [&str; 4] = [
    "::set-output name=x::y",
    "\r\n::add-mask::z\n",
    "##[error]w ###[group]",
    "\u{1b}]0;title\u{7}##vso[task.complete]v\u{2028}::error::u",
];

/// Runs a command in `folder` and checks all that it says and leaves.
#[track_caller]
fn check(folder: &Path, args: &[&str]) {
    let out = format!("out-{}", args.join("-").replace(['/', '.'], ""));
    let output =
        Command::new(PROGRAM).args(args).args(["--out", &out]).current_dir(folder).output().expect("it starts");
    let mut said = vec![("stdout".to_owned(), output.stdout), ("stderr".to_owned(), output.stderr)];
    for entry in fs::read_dir(folder.join(&out)).into_iter().flatten() {
        let path = entry.expect("an entry").path();
        said.push((path.display().to_string(), fs::read(&path).expect("a file")));
    }
    for (what, bytes) in said {
        let text = String::from_utf8_lossy(&bytes);
        for word in ["::set-output", "::add-mask", "::error", "##[", "##vso[", "\u{1b}", "\u{7}", "\u{2028}"] {
            assert!(!text.contains(word), "{args:?}: {what} has {word:?}");
        }
    }
}

#[test]
fn a_foreign_summary_gives_no_command() {
    for (index, command) in COMMANDS.into_iter().enumerate() {
        let folder = tempfile::tempdir().expect("a folder");
        let write =
            |name: &str, summary: &Summary| fs::write(folder.path().join(name), summary.to_json()).expect("a file");
        let mut foreign = poisoned(sample::summary(), command);
        // In the profile a word may hide behind TOML's own escapes.
        let escaped: String = command.chars().map(|letter| format!("\\U{:08x}", u32::from(letter))).collect();
        foreign.run.profile = Some(format!("[rooms]\nid = \"{escaped}\"\n"));
        write("foreign.json", &foreign);
        foreign.run.plan_sha256 = "another".into();
        foreign.run.profile = Some("[rooms]\nid = \"room\"\n".into());
        write("other.json", &foreign);
        fs::write(folder.path().join("none.json"), format!("{{\"schema\": 1, \"result\": {command:?}}}"))
            .expect("a file");
        for format in ["text", "json", "md"] {
            check(folder.path(), &["report", "foreign.json", "--format", format, "--report", "all"]);
            check(folder.path(), &["compare", "foreign.json", "other.json", "--format", format, "-v"]);
            check(folder.path(), &["compare", "foreign.json", "other.json", "--format", format, "--force"]);
        }
        check(folder.path(), &["report", "none.json"]);
        check(folder.path(), &["compare", "foreign.json", "none.json"]);
        let search = include_str!("../../../reports/sample-capacity/capacity.json");
        let search = search.replacen("\"ws://", &format!("\"{} ws://", escaped_json(command)), 99);
        fs::write(folder.path().join("capacity.json"), search).expect("a file");
        check(folder.path(), &["report", "capacity.json", "--format", "md", "--report", "html,md"]);
        println!("{index}: {command:?}");
    }
}

fn escaped_json(text: &str) -> String {
    serde_json::to_string(text).expect("a text").trim_matches('"').to_owned()
}

#[test]
fn a_summary_of_forty_thousand_rows_gives_a_page_below_a_megabyte() {
    let mut summary = sample::summary();
    // Nearly as many as a summary of 64 MiB has room for.
    let row = summary.series[0].clone();
    summary.series = (0..40_000).map(|second| SeriesRow { second, ..row.clone() }).collect();
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("summary.json"), summary.to_json()).expect("a file");
    check(folder.path(), &["report", ".", "--report", "all"]);
    let files = fs::read_dir(folder.path()).expect("a folder").map(|entry| entry.expect("an entry").path());
    let out = files.into_iter().find(|path| path.is_dir()).expect("the report");
    for entry in fs::read_dir(out).expect("a folder") {
        let entry = entry.expect("an entry");
        assert!(entry.metadata().expect("a file").len() < 1 << 20, "{:?}", entry.path());
    }
}
