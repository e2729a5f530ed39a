//! `[[scenarios]]`: kinds of rooms in one run, played by the whole program.

use crate::access::between::Between;
use crate::common::play::{PROGRAM, Played, start};
use meshload::summary::{Counts, ScenarioFigures, Summary};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use support::serving::Serving;

const LONGEST: Duration = Duration::from_secs(60);

const THREE: &str = r#"
[rooms]
count = 14
[arrivals]
rate = "60/s"
[phases]
steady = "1s"
drain = "2s"
[[scenarios]]
name = "pair"
share = "40%"
rooms = { size = 2, id = "pair-{index}" }
[[scenarios]]
name = "quiet"
share = "30%"
rooms = { size = 3 }
messages = { pattern = "none" }
[[scenarios]]
name = "large"
share = "30%"
rooms = { size = { min = 4, max = 6 } }
messages = { rate = "20/s", max_retransmits = 0 }
[gates]
"time_to_open{scenario=large}" = "count >= 1"
"#;

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).expect("a file");
    path.display().to_string()
}

fn play(profile: &str, args: &[&str]) -> Played {
    start(&[&[profile, "--seed", "7"], args].concat()).end_within(LONGEST)
}

/// The rooms, peers and edges of each scenario, which the plan alone decides.
fn planned(summary: &Summary) -> BTreeMap<String, (u64, u64, u64)> {
    let of = |figures: &ScenarioFigures| {
        let Counts { rooms, peers, edges, .. } = &figures.counts;
        (rooms.planned, peers.planned, edges.planned)
    };
    summary.scenarios.iter().map(|(name, figures)| (name.clone(), of(figures))).collect()
}

#[test]
fn any_number_of_workers_plays_the_same_rooms_of_each_scenario_and_the_split_adds_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(folder.path(), "three.toml", THREE);
    let runs = ["1", "2", "8"].map(|workers| play(&profile, &["--workers", workers]));
    let summaries = runs.each_ref().map(|run| {
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        run.summary.as_ref().expect("a summary")
    });
    for summary in summaries {
        assert_eq!(summary.run.plan_sha256, summaries[0].run.plan_sha256);
        assert_eq!(planned(summary), planned(summaries[0]));
        let mut sum = Counts::default();
        summary.scenarios.values().for_each(|figures| sum += figures.counts.clone());
        assert_eq!(sum, summary.counts);
        let samples = |timer: &str| -> u64 {
            summary.scenarios.values().filter_map(|figures| Some(figures.timers.get(timer)?.due.count)).sum()
        };
        assert_eq!(samples("time_to_open"), summary.timers["time_to_open"].due.count);
        let [large, pair, quiet] = ["large", "pair", "quiet"].map(|name| &summary.scenarios[name]);
        assert_eq!((quiet.counts.messages.sent, quiet.counts.rooms.planned > 0), (0, true));
        let each = |of: &ScenarioFigures| of.counts.messages.sent as f64 / of.counts.edges.opened as f64;
        assert!(each(large) > 2.0 * each(pair), "20/s against 2/s: {} {}", each(large), each(pair));
        assert_eq!(pair.counts.edges.planned, pair.counts.rooms.planned, "pairs have an edge each");
        assert!(large.series.iter().map(|row| row.opened).sum::<u64>() == large.counts.edges.opened);
    }
    let files = runs[0].folder.path().join("report");
    let prom = fs::read_to_string(files.join("metrics.prom")).expect("metrics");
    let opened = summaries[0].scenarios["large"].counts.edges.opened;
    assert!(prom.contains(&format!("meshload_scenario_edges{{scenario=\"large\",outcome=\"opened\"}} {opened}\n")));
    let page = fs::read_to_string(files.join("report.html")).expect("a page");
    assert!(page.contains("large: time to open, second by second") && page.contains("Scenarios"));
}

#[test]
fn two_shares_merge_to_the_scenarios_of_the_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(folder.path(), "three.toml", THREE);
    let start = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() + 4;
    let share = |share: &str, out: &str| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder.path()).args(["run", &profile, "--seed", "7", "--no-progress"]);
        command.args(["--share", share, "--start-at", &start.to_string(), "--out", out, "--on-invalid", "warn"]);
        command.spawn().expect("the program starts")
    };
    for mut child in [share("1/2", "1"), share("2/2", "2")] {
        assert!(child.wait().expect("it ends").success());
    }
    let merge = |order: [&str; 2]| {
        let mut command = Command::new(PROGRAM);
        command.current_dir(folder.path()).args(["merge", "--format", "json", "--out", "whole"]);
        let output = command.args(order).output().expect("the program starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        Summary::read(&String::from_utf8_lossy(&output.stdout)).expect("a summary")
    };
    let [one, other] = [merge(["1", "2"]), merge(["2", "1"])];
    assert_eq!(one.scenarios, other.scenarios, "bit for bit");
    let whole = play(&profile, &[]);
    assert_eq!(planned(&one), planned(whole.summary.as_ref().expect("a summary")));
}

#[test]
fn each_scenario_has_its_path_and_its_tokens() {
    let server = Serving::start(&[]);
    let listener = Between::listener(server.address());
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a.txt", "a-0\na-1\n");
    write(folder.path(), "b.txt", "b-0\nb-1\n");
    let text = format!(
        "[target]\nurl = \"ws://{}/ws/?t={{token}}\"\n[rooms]\ncount = 2\nsize = 2\n[engine]\nkind = \"none\"\n\
         [phases]\nsteady = \"100ms\"\n[[scenarios]]\nname = \"a\"\nshare = \"50%\"\n\
         target = {{ path = \"/ws/?of=a&t={{token}}\", tokens = \"{1}/a.txt\" }}\n\
         [[scenarios]]\nname = \"b\"\nshare = \"50%\"\ntarget = {{ tokens = \"{1}/b.txt\" }}\n",
        listener.address,
        folder.path().display(),
    );
    let profile = write(folder.path(), "paths.toml", &text);
    let played = play(&profile, &[]);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let heads = listener.heard();
    let asked: BTreeSet<&str> = heads.iter().filter_map(|head| head.split(' ').nth(1)).collect();
    let expected = ["/ws/?of=a&t=a-0", "/ws/?of=a&t=a-1", "/ws/?t=b-0", "/ws/?t=b-1"];
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), expected);

    fs::write(folder.path().join("b.txt"), "b-0\n").expect("a file");
    let played = play(&profile, &[]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    assert!(played.stderr.contains("b.txt: 1 tokens are too few for 2 peers"), "{}", played.stderr);
    fs::remove_file(folder.path().join("a.txt")).expect("it was there");
    let played = play(&profile, &[]);
    assert!(
        played.stderr.contains("scenario a: tokens ") && played.stderr.contains("paths.toml:13"),
        "{}",
        played.stderr
    );
}

#[test]
fn a_gate_of_a_scenario_decides_the_run_and_a_wrong_name_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let profile = write(folder.path(), "three.toml", THREE);
    let played = play(&profile, &["--gate", "messages.sent{scenario=quiet}: count > 0"]);
    assert_eq!(played.code, Some(99), "{}", played.stderr);
    assert!(played.stdout.contains("messages.sent{scenario=quiet}"), "{}", played.stdout);
    let played = play(&profile, &["--gate", "time_to_open{scenario=larg}: p(95) < 2s"]);
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    assert!(played.stderr.contains("there is no scenario \"larg\"; did you mean \"large\"?"), "{}", played.stderr);
    // A gate that ends the run as soon as it fails reads its scenario alone too.
    let abort = format!("{THREE}\"messages.sent{{scenario=large}}\" = {{ expr = \"count < 1\", abort = true }}\n");
    let abort = abort.replace("steady = \"1s\"", "steady = \"40s\"");
    let played = play(&write(folder.path(), "abort.toml", &abort), &[]);
    assert_eq!(played.code, Some(99), "{}", played.stderr);
    let stopped = played.summary.expect("a summary").run.stopped_by.expect("a gate");
    assert!(stopped.contains("messages.sent{scenario=large}"), "{stopped}");
}
