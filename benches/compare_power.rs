//! Measures whether `compare` can be trusted as a gate, by real runs: pairs of equal ones and ones whose deliveries take a
//! fifth longer; with `matrix` also all pairs of eight VALID runs of `ci`, and runs that lose a tenth of the offers. Pairs
//! share their base run, and the two others follow it at once, so that a change of the machine's load hits all.

use meshload::controller::{self, EmbeddedServer, RunSpec};
use meshload::dialect::Dialect;
use meshload::gates::baseline::{ComparisonVerdict, Finding, ToleranceRule, compare};
use meshload::plan::Plan;
use meshload::profile::{self, ProfileSource};
use meshload::server::{self, faults::FaultRule};
use meshload::summary::{Clock, Summary, Verdict as Validity};
use meshload::vocabulary::{Seed, format::change, format::duration};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// A small `ci`: 60 edges, enough for p(95).
const PROFILE: &str = r#"
name = "power"
[rooms]
count = 10
size = 4
[arrivals]
rate = "40/s"
[phases]
steady = "1s"
drain = "1s"
"#;

/// Time that the base's frames take, and a fifth more.
const DELIVERY: Duration = Duration::from_millis(20);
const SLOWER: Duration = Duration::from_millis(24);

/// The runs of `ci` of one kind.
const MATRIX_RUNS: usize = 8;

/// `[matrix] [PAIRS] [REPEATS]`: 20 pairs, one run a side.
fn main() {
    if std::env::args().any(|argument| argument == "matrix") {
        matrix();
    }
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    pairs(&numbers);
}

/// All ordered pairs of runs of `ci` on an unchanged server, and of those with ones that lose a tenth of the offers.
fn matrix() {
    let fault: FaultRule = "drop type=webrtc-offer p=10%".parse().unwrap();
    let runs = |faults: &[FaultRule]| -> Vec<Summary> {
        let played = (0..10 * MATRIX_RUNS as u64).map(|seed| play_ci(faults, Seed(seed)));
        played.filter(|run| run.validity.verdict == Validity::Valid).take(MATRIX_RUNS).collect()
    };
    let (unchanged, lossy) = (runs(&[]), runs(&[fault]));
    let indices = |runs: &[Summary]| 0..runs.len();
    let equal = indices(&unchanged).flat_map(|base| indices(&unchanged).map(move |new| (base, new)));
    let equal = equal.filter(|(base, new)| base != new).map(|(base, new)| [&unchanged[base], &unchanged[new]]);
    tell("unchanged, single runs", equal.map(|pair| pair.map(std::slice::from_ref)));
    let losing = unchanged.iter().flat_map(|base| lossy.iter().map(move |new| [base, new]));
    tell("a tenth of the offers lost, single runs", losing.map(|pair| pair.map(std::slice::from_ref)));
    let thirds = (0..2).map(|turn| if turn == 0 { [0..3, 3..6] } else { [3..6, 0..3] });
    let thirds = thirds.filter(|_| unchanged.len() >= 6);
    tell("unchanged, three runs a side", thirds.map(|[base, new]| [&unchanged[base], &unchanged[new]]));
}

/// Prints how many of the pairs end with each verdict, and how many fail by default.
fn tell<'a>(what: &str, pairs: impl Iterator<Item = [&'a [Summary]; 2]>) {
    let compared: Vec<_> = pairs.map(|[base, new]| compare(base, new, &ToleranceRule::default())).collect();
    let count = |verdict: ComparisonVerdict| compared.iter().filter(|found| found.verdict == verdict).count();
    let undecided = compared.iter().filter(|found| found.verdict == ComparisonVerdict::Undecided);
    println!(
        "{what}: of {} pairs {} regressed, {} undecided (of which {} fail by default), {} passed",
        compared.len(),
        count(ComparisonVerdict::Regressed),
        undecided.clone().count(),
        undecided.filter(|found| found.exceeds()).count(),
        count(ComparisonVerdict::Passed),
    );
}

/// One run of `ci` against the reference server with these faults.
fn play_ci(faults: &[FaultRule], seed: Seed) -> Summary {
    let text = include_str!("../profiles/ci.toml");
    let profile = profile::read(ProfileSource { name: "ci.toml", text }, &[], &|_| None).unwrap();
    let order = RunSpec {
        embedded: server::Config { faults: faults.to_vec(), seed, ..server::Config::default() },
        ..RunSpec::new(Plan::new(profile, Seed(1)), "power".to_owned(), Dialect::named("dashboard").unwrap())
    };
    controller::run(order).unwrap().summary
}

fn pairs(numbers: &[usize]) {
    let pairs = numbers.first().copied().unwrap_or(20);
    let repeats = numbers.get(1).copied().unwrap_or(1);
    println!("{pairs} pairs, {repeats} run(s) a side, tolerance {:.0} %", ToleranceRule::default().tolerance * 100.0);
    println!("pair  time_to_open p50: base  equal           a fifth more    found (equal; a fifth more)");
    let (mut alarms, mut caught, mut uncounted) = (0, 0, 0);
    for pair in 1..=pairs {
        let mut sides = [vec![], vec![], vec![]];
        for _ in 0..repeats {
            for (side, delay) in sides.iter_mut().zip([DELIVERY, DELIVERY, SLOWER]) {
                side.push(play(delay));
            }
        }
        let [base, equal, slower] = &sides;
        let p50 = |side: &[Summary]| side[0].timers["time_to_open"].on(Clock::Due).p.p50;
        let than_base = |side: &[Summary]| change(p50(side) as f64 / p50(base) as f64 - 1.0);
        let [found_equal, found_slower] = [equal, slower].map(|side| found(base, side));
        println!(
            "{pair:>4}  {:>22}  {:>7}  {:>14}  {}; {}",
            duration(p50(base)),
            than_base(equal),
            than_base(slower),
            found_equal.1,
            found_slower.1
        );
        alarms += usize::from(found_equal.0 == ComparisonVerdict::Regressed);
        caught += usize::from(found_slower.0 == ComparisonVerdict::Regressed);
        uncounted +=
            usize::from(found_equal.0 == ComparisonVerdict::Invalid || found_slower.0 == ComparisonVerdict::Invalid);
    }
    println!("equal runs: {alarms} of {pairs} false alarms (at most 1 in 20 is wanted)");
    println!("a fifth more on every delivery: {caught} of {pairs} caught (all are wanted)");
    println!("pairs with a side that this machine made INVALID: {uncounted}");
}

/// The verdict, and what it rests on.
fn found(base: &[Summary], new: &[Summary]) -> (ComparisonVerdict, String) {
    let comparison = compare(base, new, &ToleranceRule::default());
    let worse = comparison.changes.iter().filter(|change| change.judged && change.finding == Finding::Worse);
    let mut words: Vec<String> = worse.map(|change| change.metric.clone()).collect();
    words.dedup();
    let suspect = new.iter().filter(|run| run.validity.verdict != Validity::Valid).count();
    let doubt = if suspect > 0 { format!(" ({suspect} not VALID)") } else { String::new() };
    (comparison.verdict, format!("{:?} {}{doubt}", comparison.verdict, words.join(" ")).trim_end().to_owned())
}

/// One run against the reference server, behind a relay that holds each frame back for `delay`.
fn play(delay: Duration) -> Summary {
    let server = EmbeddedServer::start(server::Config::default()).unwrap();
    let address: SocketAddr = server.url().trim_start_matches("ws://").trim_end_matches("/ws/").parse().unwrap();
    let relay = DelayingRelay::start(address, delay);
    let profile = profile::read(ProfileSource { name: "power.toml", text: PROFILE }, &[], &|_| None).unwrap();
    let order = RunSpec {
        url: Some(format!("ws://{}/ws/", relay.address)),
        ..RunSpec::new(Plan::new(profile, Seed(1)), "power".to_owned(), Dialect::named("dashboard").unwrap())
    };
    controller::run(order).unwrap().summary
}

/// Holds back what the server says, and lets pass at once what it hears: a delivery takes `delay` longer, once.
struct DelayingRelay {
    address: SocketAddr,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl DelayingRelay {
    fn start(to: SocketAddr, delay: Duration) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, mut stopped) = tokio::sync::oneshot::channel();
        let serve = async move {
            loop {
                tokio::select! {
                    _ = &mut stopped => return,
                    accepted = listener.accept() => {
                        let client = accepted.unwrap().0;
                        tokio::spawn(relay(client, to, delay));
                    }
                }
            }
        };
        let thread = std::thread::spawn(move || runtime.block_on(serve));
        Self { address, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for DelayingRelay {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

async fn relay(client: TcpStream, to: SocketAddr, delay: Duration) {
    let server = TcpStream::connect(to).await.unwrap();
    client.set_nodelay(true).unwrap();
    server.set_nodelay(true).unwrap();
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    tokio::join!(carry(from_client, to_server, Duration::ZERO), carry(from_server, to_client, delay));
}

/// Writes what it reads `delay` later, in order; the end likewise.
async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, delay: Duration) {
    let (hold, mut held) = mpsc::channel::<(Instant, Vec<u8>)>(4_096);
    let read = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(read @ 1..) = from.read(&mut buffer).await {
            if hold.send((Instant::now() + delay, buffer[..read].to_vec())).await.is_err() {
                return;
            }
        }
    };
    let write = async move {
        while let Some((due, bytes)) = held.recv().await {
            tokio::time::sleep_until(due.into()).await;
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(read, write);
}
