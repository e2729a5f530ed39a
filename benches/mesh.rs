//! The mesh bench: whole runs against `meshload serve` in another process, and what an edge costs.
//!
//! `just bench` prints a quick table, `just bench-mesh` the long one and writes benches/RESULTS.md. Figures are printed, never
//! asserted: they belong to this machine and to what else it did, so compare them within one table only.

use serde_json::Value;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

const MESHLOAD: &str = env!("CARGO_BIN_EXE_meshload");

/// One row: what is run, against which server.
struct Case {
    name: &'static str,
    profile: &'static str,
    server: Option<[&'static str; 2]>,
    times: usize,
    long: bool,
}

const ROOM: Option<[&str; 2]> = Some(["relay", "room"]);

const CASES: &[Case] = &[
    Case { name: "smoke, 20 runs", profile: "smoke", server: None, times: 20, long: false },
    Case { name: "a pair alone", profile: PAIRS, server: None, times: 1, long: false },
    Case { name: "20 rooms of 10", profile: TWENTY, server: ROOM, times: 3, long: false },
    Case { name: "one room of 50, relay", profile: "mesh-50", server: Some(["relay", "all"]), times: 1, long: false },
    Case {
        name: "one room of 50, registry",
        profile: "mesh-50",
        server: Some(["registry", "all"]),
        times: 1,
        long: false,
    },
    Case { name: "one room of 100", profile: HUNDRED, server: ROOM, times: 1, long: false },
    Case { name: "200 rooms of 10", profile: MANY, server: ROOM, times: 1, long: true },
    Case { name: "signaling only, 100 rooms of 10", profile: BARE, server: ROOM, times: 1, long: false },
    Case { name: "messages, 90 channels", profile: TALK, server: ROOM, times: 1, long: false },
    Case { name: "thousand, relay, all", profile: "thousand", server: Some(["relay", "all"]), times: 1, long: true },
    Case { name: "thousand, relay, room", profile: "thousand", server: ROOM, times: 1, long: true },
    Case {
        name: "thousand, registry, all",
        profile: "thousand",
        server: Some(["registry", "all"]),
        times: 1,
        long: true,
    },
    Case {
        name: "thousand, registry, room",
        profile: "thousand",
        server: Some(["registry", "room"]),
        times: 1,
        long: true,
    },
];

const QUIET: &str =
    "[phases]\nsteady = '0s'\ndrain = '0s'\n[messages]\npattern = 'none'\n[handshake]\ntimeout = '60s'\n";
const PAIRS: &str = "name = 'pairs'\nrooms = { count = 50, size = 2 }\narrivals = { rate = '40/s' }\n+quiet";
const TWENTY: &str = "name = 'twenty'\nrooms = { count = 20, size = 10 }\narrivals = { rate = '100/s' }\n+quiet";
const MANY: &str = "name = 'many'\nrooms = { count = 200, size = 10 }\narrivals = { rate = '60/s' }\n+quiet";
const HUNDRED: &str = "name = 'hundred'\nrooms = { count = 1, size = 100 }\narrivals = { shape = 'burst' }\n+quiet";
const BARE: &str = "name = 'bare'\nrooms = { count = 100, size = 10 }\narrivals = { rate = '300/s' }\nengine = { kind = 'none' }\n+quiet";
const TALK: &str = "name = 'talk'\nrooms = { count = 1, size = 10 }\narrivals = { shape = 'burst' }\n\
    phases = { steady = '10s', drain = '5s' }\nmessages = { rate = '300/s', size = '64B' }\n";

fn main() {
    // `cargo test --benches` only wants to see it start.
    if env::args().any(|argument| argument == "--test") {
        return;
    }
    let long = env::args().any(|argument| argument == "--long");
    let mut table = String::from(
        "| run | open / planned | verdict | time to open, began p50 | p99 | CPU per edge | per end | messages/s | lag p99 |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    print!("{table}");
    for case in CASES.iter().filter(|case| long || !case.long) {
        let row = row(case);
        println!("{row}");
        table.push_str(&row);
        table.push('\n');
    }
    if long {
        let text = format!("# What an edge costs\n\n{}\n\n{table}", machine());
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/RESULTS.md"), text).expect("RESULTS.md");
    }
}

fn row(case: &Case) -> String {
    let runs: Vec<Value> = (0..case.times).map(|_| run(case)).collect();
    let sum = |path: &str| runs.iter().map(|run| number(run, path)).sum::<f64>();
    let median = |path: &str| {
        let mut all: Vec<f64> = runs.iter().map(|run| number(run, path)).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    let (opened, planned) = (sum("/counts/edges/opened"), sum("/counts/edges/planned"));
    let ends = 2.0 * median("/counts/edges/opened");
    let seconds = median("/run/duration_us") / 1e6;
    let mut verdicts: Vec<&str> = runs.iter().filter_map(|run| run.pointer("/validity/verdict")?.as_str()).collect();
    verdicts.sort_unstable();
    verdicts.dedup();
    let mut row = format!("| {} | {opened} / {planned} | {} ", case.name, verdicts.join(", "));
    for path in ["/timers/time_to_open/began/p/50", "/timers/time_to_open/began/p/99"] {
        let _ = write!(row, "| {:.1} ms ", median(path) / 1e3);
    }
    let _ = write!(row, "| {:.2} ms ", median("/health/us_per_edge") / 1e3);
    let _ = write!(row, "| {:.0} KiB ", median("/health/rss_bytes_max") / 1024.0 / ends.max(1.0));
    let _ = write!(row, "| {:.0} ", sum("/counts/messages/delivered") / seconds / case.times as f64);
    let _ = write!(row, "| {:.1} ms |", median("/health/lag_us/p/99") / 1e3);
    row
}

/// One run, to its summary. Out of any run that ends there is one, whatever its verdict.
fn run(case: &Case) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(MESHLOAD);
    command.arg("run");
    if case.profile.contains('\n') {
        let path = folder.path().join("bench.toml");
        fs::write(&path, case.profile.replace("+quiet", QUIET)).expect("the profile");
        command.arg(path);
    } else {
        command.arg(case.profile);
    }
    let server = case.server.map(Server::start);
    if let Some(server) = &server {
        command.args(["--target", &server.url]);
    }
    command.args(["--format", "json", "--no-gates", "--no-progress", "--report", "none", "--out"]);
    let output = command.arg(folder.path().join("out")).stderr(Stdio::inherit()).output().expect("meshload runs");
    serde_json::from_slice(&output.stdout).expect("a summary")
}

fn number(summary: &Value, path: &str) -> f64 {
    summary.pointer(path).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start([kind, routing]: [&str; 2]) -> Self {
        let mut command = Command::new(MESHLOAD);
        command.args(["serve", "--listen", "127.0.0.1:0", "--kind", kind, "--routing", routing]);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("its first line");
        let url = line.trim().trim_start_matches("listening on ").to_owned();
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It holds nothing that a goodbye would save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{} with {} cores, load average before the end {}; {}. Both ends of each edge, UDP and the client's side of\n\
         signaling in one process; the server in another and not counted, except where the run embeds it (smoke, pairs).",
        model.unwrap_or("unknown CPU"),
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        load.split(' ').next().unwrap_or("?"),
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
    )
}
