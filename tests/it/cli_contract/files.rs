//! Output of a result: folders that can't be written, readers that go away, and one JSON document.

use crate::common::play::{PROGRAM, start, start_command, start_unread};
use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::time::Duration;

const TINY: [&str; 10] =
    ["--rooms", "1", "--room-size", "2", "--duration", "100ms", "--engine", "none", "--on-invalid", "warn"];

const QUICKLY: Duration = Duration::from_secs(20);

#[track_caller]
fn check_unwritable(command: Command, complaint: &str) {
    let played = start_command(command).end_within(QUICKLY);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    assert!(played.stdout.is_empty() && !played.stderr.contains("1 room"), "it was loaded: {}", played.stderr);
    assert!(played.stderr.contains(complaint) && !played.stderr.contains("report: "), "{}", played.stderr);
}

fn run(out: &str) -> Command {
    let mut command = Command::new(PROGRAM);
    command.arg("run").args(TINY).args(["--out", out]);
    command
}

#[test]
fn a_folder_that_is_a_file_ends_the_run_before_anything_is_loaded() {
    check_unwritable(run("/dev/null"), "--out /dev/null: /dev/null: is no folder");
    check_unwritable(run("/dev/null/deeper"), "--out /dev/null/deeper: /dev/null: is no folder");
}

#[test]
fn a_folder_in_which_nothing_can_be_made_ends_it_likewise() {
    // Not even root makes anything there.
    check_unwritable(run("/proc/meshload"), "--out /proc/meshload: ");
}

#[test]
fn a_full_disk_costs_the_report_and_leaves_no_half_written_file() {
    let mount = tempfile::tempdir().expect("a folder");
    let at = mount.path().display();
    let script = format!(
        "mount -t tmpfs -o size=4k none {at} && {PROGRAM} run {} --out {at}/report; code=$?; ls -A {at}/report >&2; exit $code",
        TINY.join(" ")
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--map-root-user", "sh", "-c", &script]);
    let probe = format!("mount -t tmpfs -o size=4k none {at}");
    let may = Command::new("unshare").args(["--mount", "--map-root-user", "sh", "-c", &probe]).output();
    if !may.is_ok_and(|output| output.status.success()) {
        println!("skipped: no file system may be mounted here");
        return;
    }
    let played = start_command(command).end_within(QUICKLY);
    assert_eq!(played.code, Some(1), "{}", played.stderr);
    assert!(played.stdout.contains("edges") && played.stderr.contains("No space left"), "{}", played.stderr);
    assert!(!played.stderr.contains(".part\n"), "{}", played.stderr);
}

#[test]
fn a_stdout_that_is_full_is_our_failure_and_the_report_says_so() {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{PROGRAM} run {} --out report > /dev/full", TINY.join(" "))]);
    let played = start_command(command).end_within(QUICKLY);
    assert_eq!((played.code, played.summary().exit_code), (Some(1), 1), "{}", played.stderr);
    assert!(played.stderr.contains("stdout: No space left"), "{}", played.stderr);
}

#[test]
fn a_stdout_that_nobody_reads_is_no_fault() {
    let mut command = Command::new(PROGRAM);
    command.arg("run").args(TINY).args(["--out", "report"]);
    let mut playing = start_unread(command);
    drop(playing.child.stdout.take());
    let played = playing.end_within(QUICKLY);
    assert_eq!((played.code, played.summary().exit_code), (Some(0), 0), "{}", played.stderr);
}

#[test]
fn a_stderr_that_is_gone_is_no_fault() {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("{PROGRAM} run {} --out report 2>&-", TINY.join(" "))]);
    let played = start_command(command).end_within(QUICKLY);
    assert_eq!(played.code, Some(0), "{}", played.stdout);
}

#[test]
fn json_is_exactly_one_document_the_same_as_the_file() {
    let played = start(&[&TINY[..], &["--format", "json"]].concat()).end_within(QUICKLY);
    let document: serde_json::Value = serde_json::from_str(&played.stdout).expect("one JSON document");
    let file = fs::read_to_string(played.folder.path().join("report/summary.json")).expect("a summary");
    assert_eq!(document, serde_json::from_str::<serde_json::Value>(&file).expect("JSON"));
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let last = played.stderr.lines().last();
    assert_eq!(last, Some("report: report"));
}

#[test]
fn no_color_beats_auto_and_always_beats_no_color() {
    let colours = |environment: &[(&str, &str)], args: &[&str]| {
        let mut command = Command::new(PROGRAM);
        command.arg("run").args(TINY).args(args).args(["--out", "report"]);
        // `start_command` clears the environment, so it goes by env(1).
        let mut wrapped = Command::new("env");
        wrapped.args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        wrapped.arg(command.get_program()).args(command.get_args());
        start_command(wrapped).end_within(QUICKLY).stdout.contains('\u{1b}')
    };
    assert!(!colours(&[], &[]), "a pipe gets none");
    assert!(!colours(&[("NO_COLOR", "1")], &["--color", "auto"]));
    assert!(colours(&[("NO_COLOR", "1")], &["--color", "always"]));
}

#[test]
fn old_files_of_others_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("mine");
    fs::create_dir(&out).expect("a folder");
    fs::write(out.join("notes.txt"), "mine").expect("a file");
    let status = run(&out.display().to_string()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("the program starts").success());
    assert_eq!(fs::read_to_string(out.join("notes.txt")).expect("a file"), "mine");
    assert!(File::open(out.join("summary.json")).is_ok());
}

/// `run --out smoke` leaves such a folder.
#[test]
fn a_folder_of_a_built_ins_name_does_not_hide_the_built_in() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("smoke")).unwrap();
    let check = |name: &str| {
        let mut meshload = Command::new(PROGRAM);
        meshload.args(["check", name]).current_dir(folder.path()).output().unwrap().status.code()
    };
    assert_eq!((check("smoke"), check(".")), (Some(0), Some(2)));
}
