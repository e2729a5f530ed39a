//! Limits of this machine: descriptors enough, descriptors too few, and descriptors that run out.

use crate::common::play::{PROGRAM, Played, start_command};
use meshload::summary::Verdict;
use std::process::Command;
use std::time::Duration;

/// Runs under the limits that `set`, a line of shell, leaves.
fn play_under(set: &str, args: &str) -> Played {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{set} && exec {PROGRAM} run {args} --duration 100ms --out report")]);
    start_command(command).end_within(Duration::from_secs(40))
}

#[test]
fn a_soft_limit_of_256_descriptors_is_raised() {
    // 80 peers, each with two sockets here and one in the embedded server.
    let played = play_under("ulimit -Sn 256 && ulimit -Hn 1024", "--rooms 20 --arrivals 60/s");
    assert_eq!((played.code, played.failures()), (Some(0), vec![]), "{}", played.stderr);
    assert_eq!(played.summary().run.machine.nofile, 1024);
}

#[test]
fn a_hard_limit_that_the_plan_does_not_fit_is_refused_with_the_figure() {
    let played = play_under("ulimit -n 300", "--rooms 20");
    assert_eq!(played.code, Some(2), "{}", played.stderr);
    let sentence = "80 peers need 304 file descriptors, and this machine grants 300";
    assert!(played.stderr.contains(sentence), "{}", played.stderr);
    assert!(!played.folder.path().join("report").exists());
}

#[test]
fn check_says_how_many_machines_carry_a_plan_that_is_too_large_for_one() {
    // 300 descriptors are 118 peers with a socket and a connection each: at most 29 rooms of 4, or half a room of 200.
    for (size, told) in [("4", "7 machines like this one carry it: --bus or --share"), ("200", "")] {
        let checked = format!("check smoke --rooms 200 --room-size {size} --target ws://127.0.0.1:9/ws/");
        let mut command = Command::new("bash");
        command.args(["-c", &format!("ulimit -n 300 && exec {PROGRAM} {checked}")]);
        let played = start_command(command).end_within(Duration::from_secs(40));
        assert_eq!(played.code, Some(2), "{}", played.stderr);
        assert!(played.stderr.contains("file descriptors, and this machine grants 300"), "{}", played.stderr);
        assert!(
            played.stderr.contains(told) && (played.stderr.contains("carry it") != told.is_empty()),
            "{}",
            played.stderr
        );
    }
}

#[test]
fn descriptors_that_run_out_are_our_limit_and_not_the_targets() {
    // The plan fits the limit by the figure; what was open before the program began is what it lacks.
    let taken = "ulimit -n 200 && for fd in $(seq 20 149); do eval \"exec $fd</dev/null\"; done";
    let played = play_under(taken, "--rooms 10 --arrivals 100/s --timeout 2s --on-invalid fail --retry-invalid 1");
    let summary = played.summary();
    assert_eq!((played.code, summary.validity.verdict), (Some(98), Verdict::Invalid), "{}", played.stderr);
    assert!(summary.failures.iter().any(|row| row.reason == "generator_limit"), "{:?}", played.failures());
    assert_eq!(played.stderr.matches("once more, 0 left after that").count(), 1, "{}", played.stderr);
    let known = ["generator_limit", "timed_out", "closed"];
    assert!(summary.failures.iter().all(|row| known.contains(&row.reason.as_str())), "{:?}", played.failures());
}
