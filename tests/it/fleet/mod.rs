//! One run on several machines, here as several processes: shares that start together, agents on a bus, and the merge of
//! their parts.

mod bus;
mod credentials;
mod hosts;
mod losses;
mod metrics;
mod nats;
mod options;
mod sealed;
mod slurm;

use meshload::fleet::sealed;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

fn meshload(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.current_dir(folder).env_clear().args(args).stdin(Stdio::null());
    command
}

/// Both shares of a run that starts in so many seconds, each against its own embedded server.
fn both_shares(folder: &Path, seconds: u64) -> Vec<Output> {
    let start = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs() + seconds;
    let start = start.to_string();
    let shares = [("1/2", "1"), ("2/2", "2")].map(|(share, out)| {
        let size = ["run", "--rooms", "5", "--room-size", "3", "--duration", "200ms", "--no-progress"];
        let own = ["--share", share, "--start-at", &start, "--out", out, "--on-invalid", "warn", "--control"];
        meshload(folder, &[&size[..], &own].concat()).stderr(Stdio::piped()).spawn().expect("the program starts")
    });
    shares.into_iter().map(|share| share.wait_with_output().expect("it ends")).collect()
}

fn merged(folder: &Path, args: &[&str]) -> (Output, serde_json::Value) {
    let all = [&["merge", "--format", "json", "--out", "whole"], args].concat();
    let output = meshload(folder, &all).output().expect("the program starts");
    let summary = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output, summary)
}

/// Files with a right checksum that claim more than they are: a bomb that inflates to more than any part, and containers of
/// four billion items where a description is expected.
#[test]
fn parts_that_claim_much_are_refused_within_a_bounded_memory() {
    let folder = tempfile::tempdir().expect("a folder");
    let claims = [
        &[0xdd][..],
        &[0xdf],
        &[0xdb],
        &[0xc6],
        &[0x93, 0xdd],
        &[0x93, 0x81, 0xa5, b's', b'h', b'a', b'r', b'e', 0xdf],
    ];
    let claims = claims.map(|marker| [&[0, 0, 0, 100][..], marker, &[0xff; 100]].concat());
    let bomb = vec![0; (256 << 20) + 1];
    for (index, plain) in claims.into_iter().chain([bomb]).enumerate() {
        fs::write(folder.path().join(format!("{index}.mesh")), sealed(&plain)).expect("a file");
    }
    let script = format!("ulimit -v 1500000 && exec {} merge *.mesh", env!("CARGO_BIN_EXE_meshload"));
    let refused = Command::new("bash").current_dir(folder.path()).args(["-c", &script]).output().expect("bash starts");
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(2) && told.lines().count() == 7, "{:?} {told}", refused.status);
    assert!(told.contains("6.mesh: more than 64 MiB") && told.matches("can't be read").count() == 6, "{told}");
}

#[test]
fn two_shares_are_one_run_and_a_lost_or_damaged_one_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    // Twice as long each time, until both processes have started before the time that they were told.
    let shares = [4, 8, 16, 32].into_iter().map(|seconds| both_shares(folder.path(), seconds));
    let shares = shares.into_iter().find(|shares| shares.iter().all(|share| share.status.code() != Some(2)));
    for share in shares.expect("two shares that start in time") {
        let told = String::from_utf8_lossy(&share.stderr);
        assert!(share.status.success() && told.contains("part.mesh"), "{told}");
    }
    let (output, summary) = merged(folder.path(), &["1/part.mesh", "2"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let counts = &summary["counts"];
    assert_eq!(
        (&counts["edges"]["planned"], &counts["edges"]["opened"], &counts["peers"]["joined"]),
        (&15.into(), &15.into(), &15.into())
    );
    assert_eq!((summary["fleet"].as_array().map(Vec::len), &summary["run"]["complete"]), (Some(2), &true.into()));
    assert_eq!((&summary["control"]["edges"], &summary["control"]["opened"]), (&15.into(), &15.into()));
    let hints = summary["validity"]["hints"].to_string();
    assert!(!hints.contains("intervals were lost"), "the wait for the start is no strain: {hints}");
    assert!(folder.path().join("whole/report.html").is_file() && folder.path().join("whole/profile.toml").is_file());

    let (output, summary) = merged(folder.path(), &["2"]);
    assert_eq!((output.status.code(), &summary["run"]["complete"]), (Some(97), &false.into()));
    assert!(String::from_utf8_lossy(&output.stderr).starts_with("1 part missing (1/2): measured were 2 of 5 rooms"));
    assert_eq!(merged(folder.path(), &["2", "--tolerate-loss", "70%"]).0.status.code(), Some(0));

    let part = fs::read(folder.path().join("1/part.mesh")).expect("a part");
    fs::write(folder.path().join("cut.mesh"), &part[..part.len() / 2]).expect("a copy");
    for (args, why) in [
        (["cut.mesh", "2"], "cut.mesh: damaged: it is not as long as it says; copy it again"),
        (["2", "2"], "share 2/2 is there twice; leave one out"),
    ] {
        let (output, _) = merged(folder.path(), &args);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && told.contains(why), "{told}");
    }
    let late = ["run", "--share", "1/2", "--start-at", "2026-01-01T00:00:00Z"];
    let late = meshload(folder.path(), &late).output().expect("the program starts");
    let told = String::from_utf8_lossy(&late.stderr);
    assert!(late.status.code() == Some(2) && told.starts_with("--start-at: ") && told.contains("s ago"), "{told}");
}
