//! The cost of an edge in memory beside the bare cryptography of its DTLS handshake: no socket, no server.
//! `cargo bench --bench handshake -- EDGES BARE` prints both; scripts/instructions counts it under callgrind.

use support::memory::{self, Edge, Edges};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    // `cargo test --benches` only wants to see it start.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    let mut number =
        |default: usize| arguments.next().map_or(default, |argument| argument.parse().expect("a number of handshakes"));
    let (count, bare_count) = (number(900), number(300));
    let mut edges = Edges::default();
    // What is made once a process is no edge's; and one pass warms the other.
    let _warm: Vec<Edge> = (0..20).map(|_| edges.open()).collect();
    let bare = memory::bare_cryptography_us(bare_count);
    let (cpu, resident) = (memory::cpu_seconds(), memory::resident_bytes());
    let mut open: Vec<Edge> = Vec::with_capacity(count);
    open.extend((0..count).map(|_| edges.open()));
    let us_per_edge = (memory::cpu_seconds() - cpu) * 1e6 / count as f64;
    let bytes_per_end = memory::resident_bytes().saturating_sub(resident) / (2 * count.max(1));
    let bare = (bare + memory::bare_cryptography_us(bare_count)) / 2.0;
    let datagrams: usize = open.iter().map(|edge| edge.datagrams).sum();
    println!(
        r#"{{"edges":{count},"us_per_edge":{us_per_edge:.1},"bare_us":{bare:.1},"ratio":{:.3},"bytes_per_end":{bytes_per_end},"datagrams_per_edge":{:.1}}}"#,
        us_per_edge / bare,
        datagrams as f64 / count as f64,
    );
}
