//! The dashboard of contrib/grafana, asked of a real Prometheus that scraped a run: no panel of it is empty.

use super::{PATIENCE, ask, told};
use crate::common::play::start;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::SystemTime;
use support::holds_within;
use url::form_urlencoded::byte_serialize;

/// Some edges fail, so that there are failures to draw, and a finding; two scenarios, each with a line of its own.
const TROUBLED: [&str; 22] = [
    "--set",
    "faults.rules=[\"drop type=webrtc-offer p=30%\", \"repeat\"]",
    "--set",
    "messages.rate=20/s",
    "--set",
    "scenarios=[{name=\"half\",share=\"50%\"},{name=\"other\",share=\"50%\"}]",
    "--rooms",
    "20",
    "--room-size",
    "4",
    "--arrivals",
    "27/s",
    "--timeout",
    "3s",
    "--duration",
    "1s",
    "--tag",
    "env=ci",
    "--gate",
    "edges_failed: rate < 99%",
    "--metrics-listen",
    "127.0.0.1:0",
];

/// A Prometheus that scrapes one address; it ends when dropped.
struct Prometheus {
    child: Child,
    address: String,
}

/// The address under which a run will be found, wherever it listens: Prometheus takes up to 5 s to notice a new target.
struct Relay {
    address: String,
    to: mpsc::Sender<String>,
}

impl Relay {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (to, run) = mpsc::channel::<String>();
        std::thread::spawn(move || {
            let Ok(run) = run.recv() else { return };
            for scraper in listener.incoming().map_while(Result::ok) {
                let Ok(page) = TcpStream::connect(&run) else { return };
                let ways = [(scraper.try_clone().unwrap(), page.try_clone().unwrap()), (page, scraper)];
                for (mut from, mut to) in ways {
                    std::thread::spawn(move || {
                        // Either end may close.
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Write);
                    });
                }
            }
        });
        Self { address, to }
    }
}

impl Prometheus {
    /// `None`, and a word about it, where it isn't installed; in CI it has to be.
    fn start(folder: &Path, target: &str) -> Option<Self> {
        let config = format!(
            "global: {{ scrape_interval: 500ms, scrape_timeout: 500ms }}
scrape_configs:
  - job_name: meshload
    \
             static_configs: [{{ targets: [\"{target}\"] }}]
"
        );
        fs::write(folder.join("prometheus.yml"), config).unwrap();
        let mut command = Command::new("prometheus");
        command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data", "--web.listen-address=127.0.0.1:0"]);
        let spawned = command.current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "prometheus: {error} (scripts/setup)");
                println!("skipped: prometheus: {error} (scripts/setup)");
                return None;
            }
        };
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let address = said.by_ref().find_map(|line| {
            let (_, address) = line.split_once("Listening on\" address=")?;
            Some(address.split_whitespace().next()?.to_owned())
        });
        let address = address.expect("it tells its address");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || said.for_each(drop));
        Some(Self { child, address })
    }

    /// The result of an instant query, or of one over `span`, with the path that asks for it.
    fn query(&self, query: &str, span: Option<(f64, f64)>) -> Vec<Value> {
        let encoded: String = byte_serialize(query.as_bytes()).collect();
        let path = match span {
            Some((from, to)) => format!("/api/v1/query_range?query={encoded}&start={from}&end={to}&step=0.25"),
            None => format!("/api/v1/query?query={encoded}"),
        };
        let (head, body) = ask(&self.address, &format!("GET {path}")).expect("Prometheus answers");
        if head.contains(" 503 ") {
            // It is not ready yet.
            return vec![];
        }
        assert!(head.contains(" 200 OK"), "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["data"]["result"].as_array().unwrap().clone()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ended = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn no_panel_of_the_dashboard_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let relay = Relay::start();
    let Some(prometheus) = Prometheus::start(folder.path(), &relay.address) else { return };
    // It begins to scrape up to 5 s after its start.
    assert!(holds_within(PATIENCE, || !prometheus.query("up", None).is_empty()), "it never began to scrape");
    let run = start(&TROUBLED);
    let url = told(&run, "metrics: http://");
    relay.to.send(url.trim_end_matches("/metrics").to_owned()).unwrap();
    let played = run.end_within(PATIENCE);
    let is_scraped = || !prometheus.query("last_over_time(meshload_run_result[5m])", None).is_empty();
    assert!(holds_within(PATIENCE, is_scraped), "the last figures were never scraped; {}", played.stderr);
    let time = |metric: &str| {
        let found = prometheus.query(&format!("last_over_time({metric}[5m])"), None);
        found[0]["value"][1].as_str().unwrap().parse::<f64>().unwrap()
    };
    // The last figures are scraped after the end: how long after, the machine decides.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let span = (time("meshload_run_start_time_seconds"), now.as_secs_f64() + 1.0);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/grafana/meshload.json");
    let dashboard: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let id = &played.summary().run.id;
    let variables = BTreeMap::from([
        // So long that one scrape of the arrivals, beside the last one, is enough on a machine that stands still.
        ("$__rate_interval", "1m"),
        ("$run", id.as_str()),
        ("$profile", "smoke"),
        ("${tag:raw}", "tag_env=\"ci\""),
    ]);
    let filled = |text: &str| variables.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value));
    let queries = queries(&dashboard);
    let has_figure = |series: &Value| {
        let values = series["values"].as_array().unwrap();
        values.iter().any(|pair| pair[1].as_str().unwrap().parse::<f64>().unwrap().is_finite())
    };
    for (title, query) in &queries {
        let found = prometheus.query(&filled(query), Some(span));
        assert!(found.iter().any(has_figure), "{title} is empty: {}\n{}", filled(query), played.stdout);
    }
    assert!(queries.len() > 30, "{}", queries.len());
    for variable in dashboard["templating"]["list"].as_array().unwrap().iter().filter(|it| it["type"] == "query") {
        let query = variable["definition"].as_str().unwrap();
        let series = query.trim_end_matches(')').split_once('(').unwrap().1;
        let series = series.rsplit_once(", ").map_or(series, |(series, _)| series);
        let found = prometheus.query(&format!("last_over_time({}[5m])", filled(series)), None);
        assert_eq!(found.len(), 1, "{query}");
    }
}

/// The queries of all panels and annotations, each with its title.
fn queries(dashboard: &Value) -> Vec<(&str, &str)> {
    let panels = dashboard["panels"].as_array().unwrap().iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (panel["title"].as_str().unwrap(), target["expr"].as_str().unwrap()))
    });
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    panels.chain(annotations.map(|it| (it["name"].as_str().unwrap(), it["expr"].as_str().unwrap()))).collect()
}
