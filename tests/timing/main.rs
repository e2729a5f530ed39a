//! Tests whose outcome rests on how fast this machine is; each runs alone.

mod accuracy;
mod capacity;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Held by a test while it runs: `cargo test` runs those of one binary at once. (nextest: threads-required.)
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
