//! Notes which commit a release is built from, for the report.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // A development build has no commit: it would be compiled anew after each one.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let commit = if is_release { git(&["rev-parse", "--short=12", "HEAD"]) } else { String::new() };
    println!("cargo:rustc-env=MESHLOAD_GIT={commit}");
    if is_release {
        // Every commit and checkout appends to the log of HEAD, which a worktree keeps in a folder of its own.
        let log = git(&["rev-parse", "--git-path", "logs/HEAD"]);
        // A file that is missing would count as changed each time.
        if Path::new(&log).is_file() {
            println!("cargo:rerun-if-changed={log}");
        }
    }
}

/// The first line of git's answer; empty without git or a repository.
fn git(arguments: &[&str]) -> String {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success());
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
