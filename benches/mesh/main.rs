//! The mesh bench: what an edge costs, each figure beside what it must be.
//!
//! `just bench-quick` prints the short rows in three minutes; `just bench-mesh` prints all and writes benches/RESULTS.md. Figures
//! are printed, never asserted: they belong to this machine and to what else it did, so compare them within one table only.

mod table;

use std::fs;
use std::path::Path;
use std::time::Duration;
use support::memory::{self, Edge, Edges};
use support::runs::{Case, Run, cores_between, mesh};
use support::{fanout, frames};
use table::Bound::{AtLeast, AtMost, None as Unbound};
use table::{Bound, Figure};

// Edges in memory are measured with the allocator that the binary has.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ROOM: Option<[&str; 2]> = Some(["relay", "room"]);

/// Twice this many ends are open in the idle row: 223 rooms of 10.
const IDLE_ROOMS: u32 = 223;

fn main() {
    // `cargo test --benches` only wants to see it start.
    if fanout::was_the_load() || std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let long = std::env::args().any(|argument| argument == "--long");
    let mut text = table::HEAD.to_owned();
    print!("{text}");
    let mut show = |figure: Figure| {
        print!("{}", figure.row());
        text.push_str(&figure.row());
    };
    handshakes(&mut show, if long { 5 } else { 3 });
    time_to_open(&mut show);
    growth(&mut show, "200 rooms of 10, engine's part relative to 20", 200);
    signaling(&mut show);
    messages(&mut show);
    if long {
        growth(&mut show, "900 rooms of 10, engine's part relative to 20", 900);
        idle(&mut show);
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/RESULTS.md"), page(&text))
            .expect("benches/RESULTS.md");
    }
}

/// Cryptography, edges in memory, the mesh and the other engine, one after the other and again, so that all see the same machine.
/// `MESHLOAD_BEFORE` may name another `meshload`, which takes its turn with its default engine.
fn handshakes(show: &mut impl FnMut(Figure), times: usize) {
    let twenty = Case::meshes(20, 10, 100, "");
    let other = Case { engine: Some("webrtc"), ..twenty.clone() };
    let earlier = std::env::var_os("MESHLOAD_BEFORE").map(|program| Case { program: program.into(), ..twenty.clone() });
    let mut edges = Edges::default();
    let (mut bare, mut raw, mut lean, mut webrtc, mut before) = (vec![], vec![], vec![], vec![], vec![]);
    for _ in 0..times {
        bare.push(memory::bare_cryptography_us(300) / 1e3);
        let began = memory::cpu_seconds();
        let open: Vec<Edge> = (0..300).map(|_| edges.open()).collect();
        raw.push((memory::cpu_seconds() - began) * 1e3 / open.len() as f64);
        lean.extend(twenty.run().map(|run| run.cpu_per_edge()));
        webrtc.extend(other.run().filter(|run| run.opened() > 0.0).map(|run| run.cpu_per_edge()));
        before.extend(earlier.as_ref().and_then(Case::run).map(|run| run.cpu_per_edge()));
    }
    let [bare, raw, lean, webrtc, before] = [bare, raw, lean, webrtc, before].map(|mut all| median(&mut all));
    let beside = "two keys, shares, agreements, signatures and verifications: no handshake is cheaper".to_owned();
    show(figure("bare P-256 of `ring`", Unbound, Unbound, bare, "ms", beside));
    let beside = format!("{raw:.2} ms an edge, packets passed in memory, no signaling");
    show(figure("an edge in memory, relative to that", AtMost(1.25), AtMost(1.1), raw / bare, "times", beside));
    let beside = format!("{:.0} edges a second and core", 1e3 / lean);
    show(figure("CPU per edge, 20 rooms of 10", AtMost(1.1), AtMost(0.7), lean, "ms", beside));
    let beside = format!("{before:.2} ms an edge");
    show(figure("relative to `MESHLOAD_BEFORE`", AtMost(0.6), AtMost(0.5), lean / before, "times", beside));
    let beside = format!("{webrtc:.2} ms an edge");
    show(figure("`webrtc` against it", AtLeast(1.8), AtLeast(3.0), webrtc / lean, "times", beside));
}

fn time_to_open(show: &mut impl FnMut(Figure)) {
    let pairs = Case::new(mesh(50, 2, "rate = '40/s'", "'0s'", ""), None).run();
    let (p50, beside) =
        pairs.map_or(nothing(), |run| (run.number("/timers/time_to_open/began/p/50") / 1e3, whole(&run)));
    show(figure("a pair alone, time to open, p50", AtMost(3.0), AtMost(2.0), p50, "ms", beside));
    let hundred = Case::new(mesh(1, 100, "shape = 'burst'", "'0s'", ""), ROOM).run();
    // A room that is not whole has no last edge.
    let seconds = |run: &Run| match run.opened() < run.planned() {
        true => f64::INFINITY,
        false => run.number("/timers/time_to_open/due/max_us") / 1e6,
    };
    let (last, beside) = hundred.map_or(nothing(), |run| (seconds(&run), whole(&run)));
    show(figure("a room of 100, until the last is open", AtMost(15.0), AtMost(6.0), last, "s", beside));
}

fn signaling(show: &mut impl FnMut(Figure)) {
    const NONE: &str = "[engine]\nkind = 'none'\n";
    // All at once: how many it can do, not what a tenth of them costs.
    let bare = Case::new(mesh(200, 10, "shape = 'burst'", "'0s'", NONE), ROOM).run();
    let (pairs, beside) = bare.map_or(nothing(), |run| (run.opened() / run.cpu(), whole(&run)));
    show(figure("engine none: pairs, 2,000 peers at once", AtLeast(5e3), AtLeast(15e3), pairs, "/s and core", beside));
    let decoded = frames::rate("dashboard", &frames::dashboard_offer("m-3"));
    let beside = "an offer of 900 bytes".to_owned();
    show(figure("frames for others, from memory", AtLeast(1e6), AtLeast(3e6), decoded, "/s and core", beside));
    let crowd = Case { server: Some(["relay", "all"]), ..Case::meshes(40, 10, 100, NONE) }.run();
    let (heard, beside) = crowd.map_or(nothing(), |run| {
        let foreign = run.number("/counts/signaling/received") - run.number("/counts/signaling/concerned");
        (foreign / run.cpu(), format!("{foreign:.0} frames; {}", whole(&run)))
    });
    show(figure("frames for others, through sockets", AtLeast(2e5), AtLeast(5e5), heard, "/s and core", beside));
    let server = fanout::measure(0);
    let beside = format!("64 B to 1,000 subscribers; {:.0} a second", server.per_second);
    show(figure("the server's deliveries", AtLeast(3e5), AtLeast(1e6), server.per_cpu_second, "/s and core", beside));
}

fn messages(show: &mut impl FnMut(Figure)) {
    let single = memory::messages_per_cpu_second(100, 1);
    let bursts = memory::messages_per_cpu_second(100, 8);
    let beside = "both ends, a hundred channels in turn".to_owned();
    show(figure("64 B messages, one at a time, in memory", Unbound, Unbound, single, "/s and core", beside.clone()));
    show(figure("64 B messages, bursts of 8, in memory", AtLeast(8e4), AtLeast(2e5), bursts, "/s and core", beside));
    let traffic = "[messages]\nrate = '20/s'\nsize = '64B'\n";
    let case = Case::new(mesh(10, 10, "rate = '50/s'", "'12s'", traffic), ROOM);
    // All 100 peers are there after two seconds.
    let seen = case.watched(|process| cores_between(process, Duration::from_secs(5), Duration::from_secs(10)));
    let (rate, beside) = seen.map_or(nothing(), |(run, cores)| {
        let sent = 10.0 * 10.0 * 9.0 * 20.0;
        let p99 = run.number("/timers/message_latency/due/p/99") / 1e3;
        (sent / cores, format!("{sent:.0}/s on {cores:.2} cores, p99 {p99:.1} ms; {}", whole(&run)))
    });
    show(figure("64 B messages, one at a time, 900 ways", AtLeast(6e4), AtLeast(12e4), rate, "/s and core", beside));
}

/// Peers that arrive in a second in the rows of growth.
const GROWTH_RATE: u32 = 120;

/// The engine's part of an edge among many and among few: what the engine `none` does not cost. The cost among few is looked
/// at before and after, at the same rate: the machine is another one from minute to minute. A thousand rooms would need more
/// than 20,000 descriptors. Among many the first edges stand open, and ask for consent (RFC 7675), until the last peers have
/// come: the second row compares with few that stand open as long on average.
fn growth(show: &mut impl FnMut(Figure), name: &'static str, rooms: u32) {
    let before = engines_part(20, 0).0;
    let (part, run) = if room_for(rooms) { engines_part(rooms, 0) } else { (f64::NAN, None) };
    let after = engines_part(20, 0).0;
    let (kib, beside) = run.map_or(nothing(), |run| {
        let beside = format!("{part:.2} ms an edge, {before:.2} before and {after:.2} after; {}", whole(&run));
        (run.kib_per_end(), beside)
    });
    show(figure(name, AtMost(1.15), AtMost(1.0), 2.0 * part / (before + after), "times", beside));
    let open_s = rooms * 10 / GROWTH_RATE / 2;
    let as_old = engines_part(20, open_s).0;
    let beside =
        format!("{as_old:.2} ms an edge among 20 rooms that stand open for {open_s} s, the mean of the {rooms}");
    show(figure("of edges that stand open as long", Unbound, Unbound, part / as_old, "times", beside));
    let beside = format!("{rooms} rooms of 10, everything but the server");
    show(figure("resident memory per end of those", AtMost(10.0), AtMost(6.0), kib, "KiB", beside));
}

/// Milliseconds of CPU an edge that the engine adds to the engine `none`, and its run; the rooms stand open for `open_s`
/// seconds after the last peer has come.
fn engines_part(rooms: u32, open_s: u32) -> (f64, Option<Run>) {
    let arrivals = format!("rate = '{GROWTH_RATE}/s'");
    let case = Case::new(mesh(rooms, 10, &arrivals, &format!("'{open_s}s'"), ""), ROOM);
    let bare = Case { engine: Some("none"), ..case.clone() };
    let (bare, run) = (bare.run().map_or(f64::NAN, |run| run.cpu_per_edge()), case.run());
    (run.as_ref().map_or(f64::NAN, |run| run.cpu_per_edge() - bare), run)
}

fn idle(show: &mut impl FnMut(Figure)) {
    let case = Case::new(mesh(IDLE_ROOMS, 10, "rate = '80/s'", "'45s'", ""), ROOM);
    // All are there after 28 seconds; then what they say while opening has ebbed.
    let seen = case.watched(|process| cores_between(process, Duration::from_secs(38), Duration::from_secs(68)));
    let (cores, beside) =
        seen.map_or(nothing(), |(run, cores)| (cores, format!("{:.0} ends; {}", 2.0 * run.opened(), whole(&run))));
    show(figure("20,000 idle ends", AtMost(0.1), AtMost(0.05), cores, "cores", beside));
}

fn figure(name: &'static str, must: Bound, goal: Bound, seen: f64, unit: &'static str, beside: String) -> Figure {
    Figure { name, must, goal, seen, unit, beside }
}

fn whole(run: &Run) -> String {
    format!("{:.0} of {:.0} open, {}", run.opened(), run.planned(), run.verdict())
}

fn nothing() -> (f64, String) {
    (f64::NAN, "no summary".to_owned())
}

/// `true`: this machine has the memory for that many rooms of 10, at 20 KiB an end and half as much for the server.
fn room_for(rooms: u32) -> bool {
    let wanted_kib = u64::from(rooms) * 90 * 30;
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.split_whitespace().next());
    available.and_then(|kib| kib.parse::<u64>().ok()).is_some_and(|kib| kib > wanted_kib)
}

fn median(all: &mut [f64]) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}

fn page(table: &str) -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model =
        cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ")).map(|(_, model)| model);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "# What an edge costs\n\n`just bench-mesh`, {}, {} with {} cores, load average at the end {}. CPU is that of the process that runs\n\
         the peers, from its start to its exit: both ends of each edge, UDP and the client's side of signaling. The server\n\
         is in another process and not counted, except where the run embeds it (a pair alone).\n\n{table}",
        jiff::Timestamp::now().strftime("%Y-%m-%d"),
        model.unwrap_or("unknown CPU"),
        std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        load.split(' ').next().unwrap_or("?"),
    )
}
