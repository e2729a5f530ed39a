//! Three agents as three hosts: each in a network namespace of its own, on a cable to the bridge where nats-server and target are.

use super::nats::{BusRun, Nats, Process, end_all};
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use support::network::{alone, is_own};
use support::serving::Serving;

const BRIDGE: Ipv4Addr = Ipv4Addr::new(10, 98, 0, 1);

/// The bus is not encrypted, and not on the hosts of the agents.
const RULES: [&str; 3] = ["--insecure-bus", "--rooms", "6"];

#[test]
fn three_hosts_on_a_bridge_play_one_run() {
    if !is_own() {
        return alone("fleet::hosts::three_hosts_on_a_bridge_play_one_run");
    }
    let Some((nats, target)) = bridge() else { return };
    let run = BusRun::new(&nats, &target, "hosts");
    let controller = run.controller("3", &[&RULES[..], &["--duration", "200ms"]].concat());
    let agents = [1, 2, 3].map(|host| agent(&run, host));
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["counts"]["edges"]["opened"]), (Some(0), &18.into()), "{told}");
    let fleet = summary["fleet"].as_array().expect("a fleet");
    let mut machines: Vec<_> = fleet.iter().map(|row| row["machine"].as_str().unwrap_or_default()).collect();
    machines.sort_unstable();
    assert_eq!(machines, ["host-1", "host-2", "host-3"]);
    end_all(agents, 0);
}

#[test]
fn a_host_that_is_cut_off_is_lost_and_stops_by_itself() {
    if !is_own() {
        return alone("fleet::hosts::a_host_that_is_cut_off_is_lost_and_stops_by_itself");
    }
    let Some((nats, target)) = bridge() else { return };
    let run = BusRun::new(&nats, &target, "cut");
    let controller = run.controller("3", &[&RULES[..], &["--duration", "5m", "--lost-after", "3s"]].concat());
    let agents = [1, 2, 3].map(|host| agent(&run, host));
    controller.wait_for("edges 18 open");
    ip("link set cable1 down");
    let (code, summary, told) = controller.end();
    assert_eq!((code, &summary["run"]["complete"]), (Some(97), &false.into()), "{told}");
    assert!(told.contains("is lost: its agent was silent"), "{told}");
    let lost = summary["fleet"].as_array().expect("a fleet").iter().filter(|row| row["lost"] == true).count();
    assert_eq!(lost, 1, "{summary}");
    for agent in agents {
        let (code, _, told) = agent.end();
        assert!(code == Some(97) && told.contains("part.mesh"), "{code:?} {told}");
    }
}

/// A bridge, with nats-server and the target on it.
fn bridge() -> Option<(Nats, Serving)> {
    ip(&format!("link add bridge type bridge && ip addr add {BRIDGE}/24 dev bridge && ip link set bridge up"));
    let nats = Nats::start_on(BRIDGE, "")?;
    Some((nats, Serving::start(&["--listen", &format!("{BRIDGE}:0")])))
}

/// An agent on a host of its own, whose cable ends at the bridge.
fn agent(run: &BusRun, host: u8) -> Process {
    let begin = format!(
        "hostname host-{host} && echo \"pid $$\" && read cable && ip link set lo up \
         && ip addr add 10.98.0.1{host}/24 dev eth && ip link set eth up && exec \"$0\" \"$@\""
    );
    let mut command = Command::new("unshare");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.current_dir(run.folder.path()).env_clear().env("PATH", path);
    command.args(["--net", "--uts", "sh", "-c", &begin]);
    let own = ["agent", "--no-progress", "--insecure-bus", "--out", &format!("part-{host}")].map(str::to_owned);
    command.arg(env!("CARGO_BIN_EXE_meshload")).args(own).args(run.bus());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("unshare starts");
    let pid = pid(&mut child);
    ip(&format!(
        "link add cable{host} type veth peer name eth netns {pid} && ip link set cable{host} master bridge up"
    ));
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("it reads");
    Process::of(child)
}

/// The id of the shell in its namespaces, by its first line.
fn pid(child: &mut Child) -> u32 {
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.as_mut().expect("a pipe"));
    stdout.read_line(&mut line).expect("a line");
    line.trim().strip_prefix("pid ").and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("no pid: {line:?}"))
}

fn ip(words: &str) {
    let done = Command::new("sh").args(["-c", &format!("ip {words}")]).output().expect("sh starts");
    assert!(done.status.success(), "ip {words}: {}", String::from_utf8_lossy(&done.stderr));
}
