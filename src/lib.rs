//! The modules in the order of their floors: a module imports from lower floors only.

// What a target or a user can cause is data, never a panic; output goes through writers that may fail.
#![warn(unreachable_pub)]
#![cfg_attr(not(test), warn(clippy::panic, clippy::print_stderr, clippy::print_stdout, clippy::unwrap_used))]

// Floors 0 to 2 are told the time and given their randomness: clippy.toml says what they may not call.

// 0: words
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod vocabulary;

// 1: pure parts
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod dialect;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod peer;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod profile;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod recording;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod summary;

// 2: pure decisions
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod capacity;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod diagnosis;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod gates;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod learning;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod metrics;
#[cfg_attr(not(test), deny(clippy::disallowed_methods))]
pub mod plan;

// 3: the machine
pub mod os;

// 4: renderers, and the doors to the outer world
pub mod engine;
pub mod report;
pub mod server;
pub mod signaling;

// 5: one peer's loop; clients in front of a server, recorded; metrics while a run goes on
pub mod driver;
pub mod recording_proxy;
pub mod telemetry;

// 6: one run; one handshake, looked at closely
pub mod controller;
pub mod probe;

// 7: what was typed; many runs that are one question; many machines that are one run
pub mod capacity_run;
pub mod cli;
pub mod fleet;

// 8: wiring
pub mod commands;
