//! Tests whose outcome rests on how fast this machine is: a measurement runs alone, searches beside each other.

mod accuracy;
mod capacity;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// `cargo test` runs the tests of one binary at once; nextest goes by threads-required.
static MACHINE: RwLock<()> = RwLock::new(());

fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

fn beside_its_like() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}
