//! Notes which commit this is built from, for the report.

use std::process::Command;

fn main() {
    let commit = Command::new("git").args(["rev-parse", "--short=12", "HEAD"]).output();
    let commit = commit.ok().filter(|output| output.status.success()).map(|output| output.stdout);
    println!("cargo:rustc-env=MESHLOAD_GIT={}", String::from_utf8_lossy(&commit.unwrap_or_default()).trim());
    println!("cargo:rerun-if-changed=.git/HEAD");
    println!("cargo:rerun-if-changed=.git/refs/heads");
}
