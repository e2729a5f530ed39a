//! Cost of the kernel's receive stamps: the same reads with and without them in one run, beside the CPU of an edge.

use super::floor;
use super::plays::play;
use super::table::Row;
use meshload::driver::{Alarm, AlarmClock, ArrivalSource};
use meshload::os::{enable_receive_stamps, read_stamped, receive_stamped};
use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::time::Instant;
use support::serving::Serving;

/// Reads of one block; the fastest of `BLOCKS` counts, since another process only ever makes one slower.
const READS: usize = 2_000;
const BLOCKS: usize = 15;
const FRAME: [u8; 200] = [7; 200];

pub fn cost() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let _entered = runtime.enter();
    let alarm = AlarmClock::new().expect("a timer").alarm();
    let (mut tcp, mut udp) = ([f64::MAX; 2], [f64::MAX; 2]);
    let mut allocations = 0;
    for _ in 0..BLOCKS {
        tcp = [tcp[0].min(plain_tcp()), tcp[1].min(stamped_tcp(&alarm, &mut allocations))];
        udp = [udp[0].min(plain_udp()), udp[1].min(stamped_udp(&alarm, &mut allocations))];
    }
    let server = Serving::start(&["--routing", "room"]);
    let profile = "[rooms]\ncount = 40\nsize = 6\n[arrivals]\nrate = \"60/s\"\n[messages]\npattern = \"none\"\n\
                   [phases]\nsteady = \"0s\"\ndrain = \"0s\"\n";
    let summary = play(profile, Some(server.url.clone()), 1);
    let (clocks, edges) = (&summary.health.arrival_clocks, summary.counts.edges.opened.max(1) as f64);
    let frames = (clocks.signaling.stamped + clocks.signaling.unstamped) as f64 / edges;
    let datagrams = (clocks.engine.stamped + clocks.engine.unstamped) as f64 / edges;
    let of_edge_us = summary.health.us_per_edge as f64;
    let more_ns = |with: [f64; 2]| (with[1] - with[0]).max(0.0);
    let share = (more_ns(tcp) * frames + more_ns(udp) * datagrams) / 1e3 / of_edge_us;
    // Pairs far apart: with three edges at once each waits for the others' cryptography as well.
    let pairs = "[rooms]\ncount = 60\nsize = 2\n[arrivals]\nrate = \"40/s\"\n[messages]\npattern = \"none\"\n\
                 [phases]\nsteady = \"0s\"\ndrain = \"0s\"\n";
    let alone = play(pairs, Some(server.url.clone()), 1);
    let mut floor_us = floor::of_this_machine(1_000);
    floor_us.sort_unstable();
    let wake_us = floor::quantile(&floor_us, 0.5).max(1);
    let waited_us = alone.timers["own_wait"].due.p.p50;
    let ns = |[without, with]: [f64; 2]| format!("{without:.0} ns without, {with:.0} ns with");
    vec![
        Row::new(
            format!("stamps, of an edge's CPU of {of_edge_us:.0} µs: {frames:.0} frames, {datagrams:.0} datagrams"),
            format!("{:.2} %; write and read over TCP {}, UDP {}", share * 100.0, ns(tcp), ns(udp)),
            "under 2 %",
            share < 0.02,
        ),
        Row::new(
            format!("stamps, allocations of {} reads", 2 * BLOCKS * READS),
            allocations.to_string(),
            "0",
            allocations == 0,
        ),
        // The flights of a handshake come one after the other, and each finds a worker that sleeps.
        Row::new(
            "own_wait of an edge, p50, beside the time in which this machine wakes a thread for a byte",
            format!("{waited_us} µs, {:.1} times {wake_us} µs", waited_us as f64 / wake_us as f64),
            "at most 25 times",
            waited_us <= 25 * wake_us,
        ),
    ]
}

/// Nanoseconds for one write and read.
fn timed(mut turn: impl FnMut()) -> f64 {
    let began = Instant::now();
    (0..READS).for_each(|_| turn());
    began.elapsed().as_nanos() as f64 / READS as f64
}

fn counted(allocations: &mut u64, turns: impl FnOnce() -> f64) -> f64 {
    let mut ns = 0.0;
    *allocations += allocation_counter::measure(|| ns = turns()).count_total;
    ns
}

fn tcp_pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let writer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    writer.set_nodelay(true).expect("a TCP socket");
    (writer, listener.accept().expect("a connection").0)
}

fn plain_tcp() -> f64 {
    let ((mut writer, mut reader), mut buffer) = (tcp_pair(), [0; 4_096]);
    timed(|| {
        writer.write_all(&FRAME).expect("a reader");
        black_box(reader.read(&mut buffer).expect("bytes"));
    })
}

fn stamped_tcp(alarm: &Alarm, allocations: &mut u64) -> f64 {
    let ((mut writer, reader), mut buffer) = (tcp_pair(), [0; 4_096]);
    enable_receive_stamps(&reader);
    counted(allocations, || {
        timed(|| {
            writer.write_all(&FRAME).expect("a reader");
            let read = read_stamped(&reader, &mut buffer).expect("bytes");
            black_box(alarm.arrival(ArrivalSource::Signaling, read.stamp, Instant::now()));
        })
    })
}

fn udp_pair() -> (UdpSocket, UdpSocket) {
    let [writer, reader] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a free port"));
    writer.connect(reader.local_addr().expect("an address")).expect("an address");
    (writer, reader)
}

fn plain_udp() -> f64 {
    let ((writer, reader), mut buffer) = (udp_pair(), [0; 4_096]);
    timed(|| {
        writer.send(&FRAME).expect("a reader");
        black_box(reader.recv_from(&mut buffer).expect("a datagram"));
    })
}

fn stamped_udp(alarm: &Alarm, allocations: &mut u64) -> f64 {
    let ((writer, reader), mut buffer) = (udp_pair(), [0; 4_096]);
    enable_receive_stamps(&reader);
    counted(allocations, || {
        timed(|| {
            writer.send(&FRAME).expect("a reader");
            let (read, _) = receive_stamped(&reader, &mut buffer).expect("a datagram");
            black_box(alarm.arrival(ArrivalSource::Engine, read.stamp, Instant::now()));
        })
    })
}
