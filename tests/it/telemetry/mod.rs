//! Metrics that leave a run while it goes on: scraped, and exported to a collector of another language.

mod grafana;
mod live_view;

use crate::common::play::{PROGRAM, Played, Playing, start, start_command};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::closed_port::ClosedPort;

const PATIENCE: Duration = Duration::from_secs(60);

/// Six edges, their messages for a second.
const SMALL: [&str; 8] = ["--rooms", "2", "--room-size", "3", "--arrivals", "60/s", "--duration", "1s"];

/// The head and the body of an answer to one request; of HTTP/1.0, which has no chunks.
pub fn ask(address: &str, request: &str) -> std::io::Result<(String, String)> {
    ask_with(address, request, "")
}

/// The same, with further header lines.
fn ask_with(address: &str, request: &str, headers: &str) -> std::io::Result<(String, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{request} HTTP/1.0\r\nHost: {address}\r\n{headers}\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    // A process that ends closes what it has not answered yet.
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(ErrorKind::UnexpectedEof)?;
    Ok((head.to_owned(), body.to_owned()))
}

/// The rest of the line on stderr that begins with `start`.
fn told(playing: &Playing, start: &str) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let line = playing.lines.recv_timeout(until.saturating_duration_since(Instant::now()));
        let line = line.unwrap_or_else(|_| panic!("stderr never said {start:?}"));
        if let Some(rest) = line.strip_prefix(start) {
            return rest.to_owned();
        }
    }
}

#[test]
fn a_run_is_scraped_while_it_goes_on_and_its_last_figures_are_those_of_its_file() {
    // Long enough for a snapshot, each second, of what workers publish twice a second.
    let mut args = [&SMALL[..7], &["2500ms"]].concat();
    args.extend(["--metrics-listen", "127.0.0.1:0", "--tag", "env=ci", "--gate", "edges_failed: rate < 1%"]);
    let playing = start(&args);
    let url = told(&playing, "metrics: http://");
    let (address, path) = url.split_once('/').expect("a URL has a path");
    assert_eq!(path, "metrics");
    let status = |request: &str| ask(address, request).map(|(head, _)| head.split(' ').nth(1).map(str::to_owned));
    assert_eq!(status("GET /").unwrap(), Some("200".to_owned()));
    assert_eq!(status("GET /none").unwrap(), Some("404".to_owned()));
    assert_eq!(status("POST /metrics").unwrap(), Some("405".to_owned()));
    let (mut live, until) = (None, Instant::now() + PATIENCE);
    let last = loop {
        assert!(Instant::now() < until, "the run never ended");
        // Whoever waits so briefly has dropped the answer when it comes: the last figures are shown on.
        let hasty = "X-Prometheus-Scrape-Timeout-Seconds: 0.000001\r\n";
        let read = ask_with(address, "GET /metrics", hasty);
        let (head, body) = read.expect("the page is there until it was read a last time");
        assert!(head.contains("text/plain; version=0.0.4") && body.ends_with("# EOF\n"), "{head}");
        if body.contains("meshload_run_result") {
            let again = ask(address, "GET /metrics").expect("it was not read in time");
            assert_eq!(again.1, body);
            break body;
        }
        // Nobody leaves here, so that this timer stays at zero; the others are there before their first sample, too.
        let from_the_start = ["leave_notice_seconds_count{clock=\"due\"} 0\n", "join_seconds_count{clock=\"net\"} "];
        let is_there = |series: &&str| body.contains(&format!("meshload_{series}"));
        assert!(!body.contains("meshload_edges{") || from_the_start.iter().all(is_there), "{body}");
        if body.contains("meshload_edges{outcome=\"opened\"} 6\n") {
            live = Some(body);
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let played = playing.end_within(PATIENCE);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    assert!(played.stderr.trim_end().lines().last().unwrap().starts_with("report: "), "{}", played.stderr);
    let file = fs::read_to_string(played.folder.path().join("report/metrics.prom")).unwrap();
    assert_eq!(last, file);
    assert!(last.contains("tag_env=\"ci\"") && last.contains("meshload_run_end_time_seconds "), "{last}");
    let live = live.expect("the edges were seen before the end");
    let shown =
        ["meshload_gate_ok{gate=\"edges_failed: rate < 1%\"} 1", "meshload_valid ", "meshload_generator_cpu_seconds "];
    for family in shown {
        assert!(live.contains(family), "{family}: {live}");
    }
    let count = |text: &str, timer: &str| {
        let line = format!("meshload_{timer}_seconds_count{{clock=\"due\"}} ");
        text.lines().find_map(|row| row.strip_prefix(&line)).map(str::to_owned)
    };
    assert_eq!(count(&live, "time_to_open"), Some("6".to_owned()));
    assert!(!live.contains("meshload_run_end_time_seconds"), "it had not ended");
}

#[test]
fn nobody_who_never_came_is_waited_for_and_a_dead_collector_costs_a_warning() {
    // Bound, and never accepted from: nobody answers there.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let bound = ClosedPort::bind();
    let closed = bound.address;
    let mut args = SMALL.to_vec();
    let url = format!("http://user:s3cret@{closed}/");
    args.extend(["--otlp", &url, "--metrics-listen", "127.0.0.1:0"]);
    let played = start(&args).end_within(PATIENCE);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    assert_eq!(played.stderr.matches("--otlp").count(), 1, "{}", played.stderr);
    let warning = format!("--otlp http://{closed}/v1/metrics: refused ECONNREFUSED; the run goes on");
    assert!(played.stderr.contains(&warning) && !played.stderr.contains("s3cret"), "{}", played.stderr);
    assert!(!played.stderr.contains("shown until"), "{}", played.stderr);

    let url = format!("http://{}", silent.local_addr().unwrap());
    let args = [&SMALL[..], &["--otlp", &url]].concat();
    let played = play_with(&args, &[("OTEL_EXPORTER_OTLP_TIMEOUT", "300")]);
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    assert_eq!(played.stderr.matches("no answer within 300").count(), 1, "{}", played.stderr);
}

/// Plays `run ARGS` with variables of the environment.
fn play_with(args: &[&str], variables: &[(&str, &str)]) -> Played {
    // `start_command` clears the environment, so they come by env(1).
    let mut command = Command::new("env");
    command.args(variables.iter().map(|(name, value)| format!("{name}={value}")));
    command.args([PROGRAM, "run"]).args(args).args(["--out", "report"]);
    start_command(command).end_within(PATIENCE)
}

/// A collector in Python; it ends when dropped.
struct Collector {
    child: Child,
    address: String,
}

impl Collector {
    /// `None`, and a word about it, where its messages aren't installed; in CI they have to be.
    fn start() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let packages = root.join("tests/interop/python");
        if !packages.join("opentelemetry/proto").exists() {
            assert!(std::env::var_os("CI").is_none(), "opentelemetry-proto is not installed (scripts/setup)");
            println!("skipped: opentelemetry-proto is not installed (scripts/setup)");
            return None;
        }
        let mut command = Command::new("python3");
        command.arg(root.join("tests/it/telemetry/collector.py")).env("PYTHONPATH", packages);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).expect("it tells its port");
        Some(Self { child, address: format!("127.0.0.1:{}", port.trim()) })
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn a_collector_of_another_language_adds_up_the_deltas_to_the_summary() {
    let Some(collector) = Collector::start() else { return };
    let args = [&SMALL[..], &["--otlp", "env", "--tag", "env=ci"]].concat();
    let endpoint = format!("http://{}/base", collector.address);
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "250"),
        // An export that was taken and answered late would be sent again.
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
    ];
    let played = play_with(&args, &variables);
    let summary = played.summary();
    assert_eq!(played.code, Some(0), "{}", played.stderr);
    let (_, body) = ask(&collector.address, "GET /seen").unwrap();
    let seen: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(seen["faults"], Value::Array(vec![]), "{body}");
    assert!(seen["exports"].as_u64().unwrap() >= 2, "{body}");
    let texts = ["authorization", "content-type", "path"].map(|name| seen["headers"][name].as_str().unwrap());
    assert_eq!(texts, ["Bearer s3cret", "application/x-protobuf", "/base/v1/metrics"]);
    assert_eq!(seen["body_has_secret"], false);
    let resource = ["meshload.run", "meshload.profile", "meshload.tag.env", "service.name"];
    let resource = resource.map(|name| seen["resource"][name].as_str().unwrap());
    assert_eq!(resource, [&summary.run.id, "smoke", "ci", "meshload"]);

    let sum = |series: String| seen["sums"][&series].as_f64().unwrap_or(0.0) as u64;
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    for (series, expected) in [
        ("meshload_peers{outcome=joined}", peers.joined),
        ("meshload_edges{outcome=opened}", edges.opened),
        ("meshload_edges{outcome=failed}", edges.failed),
        ("meshload_rooms{outcome=complete}", summary.counts.rooms.complete),
        ("meshload_messages{outcome=delivered}", messages.delivered),
        ("meshload_messages{outcome=cut}", messages.cut),
        ("meshload_messages_sent{}", messages.sent),
    ] {
        assert_eq!(sum(series.to_owned()), expected, "{series}");
    }
    assert!(edges.opened == 6 && messages.sent > 0);
    for (kind, traffic) in &summary.counts.signaling.by_type {
        for (direction, frames, bytes) in
            [("sent", traffic.sent, traffic.sent_bytes), ("received", traffic.received, traffic.received_bytes)]
        {
            let of = |name: &str| sum(format!("meshload_signaling_{name}{{direction={direction},type={kind}}}"));
            assert_eq!((of("frames"), of("bytes")), (frames, bytes), "{kind} {direction}");
        }
    }
    for (name, timer) in summary.timers.iter().filter(|(name, _)| !name.contains('.')) {
        for (clock, count) in [("due", timer.due.count), ("began", timer.began.count)] {
            assert_eq!(sum(format!("meshload_{name}_seconds{{clock={clock}}}")), count, "{name} {clock}");
        }
    }
    let fired = seen["gauges"]["meshload_run_result{result=passed}"].as_f64();
    assert_eq!(fired, Some(1.0), "the last export has the run's end");
}
