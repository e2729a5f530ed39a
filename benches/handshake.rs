//! The raw core beside which the mesh is judged: edges opened with their packets passed in memory, no socket, no server.
//! `cargo bench --bench handshake -- EDGES [ABREAST]` prints what an edge costs, one after the other or so many that take turns, whose
//! memory the caches can't hold; scripts/instructions counts it under callgrind.

use std::time::Instant;
use support::memory::{self, Edge};
use support::two_ends::setup;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |at: usize, default: usize| {
        arguments.get(at).map_or(default, |argument| argument.parse().expect("a number of edges"))
    };
    let (edges, abreast) = (number(0, 900), number(1, 1));
    let setup = setup();
    // What is made once a process is no edge's.
    let _warm = Edge::open(&setup);
    let (cpu, resident) = (memory::cpu_seconds(), memory::resident_bytes());
    let began = Instant::now();
    let open: Vec<Edge> = (0..edges / abreast).flat_map(|_| Edge::open_abreast(&setup, abreast)).collect();
    let edges = open.len();
    let spent = memory::cpu_seconds() - cpu;
    let grown = memory::resident_bytes().saturating_sub(resident);
    let datagrams: usize = open.iter().map(|edge| edge.datagrams).sum();
    println!(
        r#"{{"edges":{edges},"us_per_edge":{:.1},"wall_us_per_edge":{:.1},"bytes_per_end":{},"datagrams_per_edge":{:.1},"waited_us":{}}}"#,
        spent * 1e6 / edges as f64,
        began.elapsed().as_secs_f64() * 1e6 / edges as f64,
        grown / (2 * edges.max(1)),
        datagrams as f64 / edges as f64,
        open.first().map_or(0, |edge| edge.waited().as_micros()),
    );
}
