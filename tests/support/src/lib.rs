//! Shared by several test binaries and benches: the program as a child process, a browser, a relay, edges in memory.

pub mod chromium;
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

/// The `meshload` of the same build; cargo and nextest name it to every test and bench that they run.
pub fn program() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_meshload").expect("CARGO_BIN_EXE_meshload: run this through cargo").into()
}
