//! Shared by several test binaries and benches: the program as a child process, a browser, a relay, edges in memory.

pub mod chromium;
pub mod closed_port;
pub mod door;
pub mod fanout;
pub mod frames;
pub mod memory;
pub mod network;
pub mod recording;
pub mod relay;
pub mod runs;
pub mod serving;
pub mod target;
pub mod watched;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// The `meshload` of the same build; cargo and nextest name it to every test and bench that they run.
pub fn program() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_meshload").expect("CARGO_BIN_EXE_meshload: run this through cargo").into()
}

/// Asks again until it holds; false if it does not within `at_most`. For what another program tells only when asked.
pub fn holds_within(at_most: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + at_most;
    while !holds() {
        if Instant::now() > until {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}
