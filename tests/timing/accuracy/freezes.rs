//! Somebody stands still: the target, and then the generator. SIGSTOP is the stall that nobody can argue away.

use super::plays::{from_the_top, pairs_due, plan, play};
use super::processes::{Process, run};
use super::table::Row;
use meshload::controller::EmbeddedServer;
use meshload::plan::Plan;
use meshload::server;
use meshload::summary::{Distribution, Summary, Verdict};
use std::time::{Duration, SystemTime};

/// The start of a run is told in whole milliseconds, a histogram's bucket is a thousandth wide, and a signal takes
/// its time to be delivered.
const SLACK: Duration = Duration::from_millis(30);

/// Pairs that arrive at ten peers a second, for some seconds before, during and after the freeze.
fn profile(freeze: Duration) -> String {
    let rooms = 5 * (freeze.as_secs() + 4);
    format!(
        "[rooms]\ncount = {rooms}\nsize = 2\n[arrivals]\nrate = \"10/s\"\n[handshake]\ntimeout = \"30s\"\n\
         [messages]\npattern = \"none\"\n[phases]\nsteady = \"0s\"\ndrain = \"0s\"\n"
    )
}

pub fn of_the_target(freeze: Duration) -> Vec<Row> {
    let (mut server, url) = Process::serve();
    let profile = profile(freeze);
    let playing = std::thread::spawn({
        let profile = profile.clone();
        move || play(&profile, Some(url), 1)
    });
    server.await_descriptors(10);
    let frozen = server.freeze(freeze);
    let summary = playing.join().expect("a run that ends");
    let waits = waits(&plan(&profile), &summary, frozen);
    let name = format!("target frozen for {} s", freeze.as_secs());
    let timer = &summary.timers["time_to_open"];
    vec![
        all_there(&name, &summary),
        shows(&format!("{name}: due of the {} pairs due meanwhile", waits.len()), &timer.due, &waits),
        shows(&format!("{name}: began of the same"), &timer.began, &waits),
    ]
}

pub fn of_the_generator(freeze: Duration) -> Vec<Row> {
    let server = EmbeddedServer::start(server::Config::default()).expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let profile = profile(freeze);
    let mut generator = Process::start(&mut run(folder.path(), &profile, &["--target", &server.url()]));
    generator.await_descriptors(40);
    let frozen = generator.freeze(freeze);
    let status = generator.wait();
    let text = std::fs::read_to_string(folder.path().join("summary.json")).expect("a summary");
    let summary = Summary::read(&text).expect("a summary of ours");
    let waits = waits(&plan(&profile), &summary, frozen);
    let name = format!("generator frozen for {} s", freeze.as_secs());
    let timer = &summary.timers["time_to_open"];
    let middle = waits.len() / 2;
    let began = from_the_top(&timer.began, middle);
    let wait = waits.get(middle).copied().unwrap_or_default();
    let verdict = summary.validity.verdict;
    vec![
        all_there(&name, &summary),
        shows(&format!("{name}: due of the {} pairs due meanwhile", waits.len()), &timer.due, &waits),
        Row::new(
            format!("{name}: began of the middle one"),
            format!("{:.1} ms", began as f64 / 1e3),
            format!("less than its wait of {:.1} ms", wait.as_secs_f64() * 1e3),
            Duration::from_micros(began) < wait,
        ),
        Row::new(
            format!("{name}: verdict, exit code"),
            format!("{}, {}", verdict.name(), status.code().unwrap_or(-1)),
            "not VALID, 98",
            verdict == Verdict::Invalid && status.code() == Some(98),
        ),
    ]
}

/// Least wait of the pairs that were due during the freeze, the longest first.
fn waits(plan: &Plan, summary: &Summary, (from, until): (SystemTime, SystemTime)) -> Vec<Duration> {
    let due = pairs_due(plan, summary).into_iter();
    let mut waits: Vec<Duration> =
        due.filter(|due| *due >= from).filter_map(|due| until.duration_since(due).ok()).collect();
    waits.sort_unstable_by(|a, b| b.cmp(a));
    waits
}

fn all_there(name: &str, summary: &Summary) -> Row {
    let edges = &summary.counts.edges;
    let count = summary.timers["time_to_open"].due.count;
    Row::new(
        format!("{name}: samples of time_to_open"),
        format!("{count}, {} failed", edges.failed),
        format!("{}, 0 failed", edges.planned),
        count == edges.planned && edges.failed == 0,
    )
}

/// Each wait is in the histogram: its longest samples are no shorter than the longest waits, one by one.
fn shows(what: &str, observed: &Distribution, waits: &[Duration]) -> Row {
    let short = |(rank, wait): &(usize, &Duration)| {
        let observed = Duration::from_micros(from_the_top(observed, *rank));
        observed + SLACK + wait.mul_f64(0.001) < **wait
    };
    let missing = waits.iter().enumerate().filter(short).count();
    let longest = waits.first().copied().unwrap_or_default();
    Row::new(
        what,
        format!("max {:.2} s, {missing} too short", observed.max_us as f64 / 1e6),
        format!("max at least {:.2} s, 0 too short", longest.as_secs_f64()),
        missing == 0 && !waits.is_empty(),
    )
}
