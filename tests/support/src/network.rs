//! A network namespace with loopback and a cable that ends nowhere: a browser gathers there as on any machine.

use std::process::Command;

const OWN: &str = "MESHLOAD_TEST_NETWORK";

/// A browser offers candidates for the interface of the default route alone, so there has to be one.
const CABLE: &str = "ip link set lo up && ip link add lan type veth peer name far && ip addr add 10.99.0.1/24 dev lan \
                     && ip link set lan up && ip link set far up && ip route add default via 10.99.0.2 dev lan";

/// This process was started by `alone`.
pub fn is_own() -> bool {
    std::env::var_os(OWN).is_some()
}

/// Runs one test of this binary again, in a network of its own.
pub fn alone(test: &str) {
    if !in_a_network(MAPPED, "true").status().is_ok_and(|status| status.success()) {
        return skip("no network namespace can be made here (unshare, ip)");
    }
    run_again(test, MAPPED);
}

/// The same for daemons that only the machine's own root may start; no test where this user is another.
pub fn alone_as_root(test: &str) {
    if !in_a_network(&[], "true").status().is_ok_and(|status| status.success()) {
        println!("skipped: this user may make no network namespace without a user namespace");
        return;
    }
    run_again(test, &[]);
}

fn run_again(test: &str, flags: &[&str]) {
    let this = std::env::current_exe().unwrap();
    let mut command = in_a_network(flags, "exec \"$0\" \"$@\"");
    command.arg(this).args(["--exact", test, "--nocapture"]).env(OWN, "1");
    let output = command.output().unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said.contains("1 passed"), "{said}\n{told}");
    println!("{said}");
}

/// Tests that can't run here say so; in CI none is left out.
pub fn skip(why: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{why}");
    println!("skipped: {why}");
}

/// A user that is root in its own namespaces alone.
const MAPPED: &[&str] = &["--map-root-user"];

fn in_a_network(flags: &[&str], then: &str) -> Command {
    let mut command = Command::new("unshare");
    command.arg("--net").args(flags).args(["sh", "-c", &format!("{CABLE} && {then}")]);
    command
}
