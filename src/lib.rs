//! The map of the house, ground floor first: a module imports from lower floors only.

// 0: words
pub mod vocabulary;

// 1: pure parts
pub mod dialect;
pub mod peer;
pub mod profile;
pub mod summary;

// 2: pure decisions
pub mod gates;
pub mod metrics;
pub mod plan;

// 3: renderers, and the doors to the outer world
pub mod engine;
pub mod report;
pub mod server;
pub mod signaling;

// 4: one peer's loop
pub mod driver;

// 5: one run
pub mod controller;

// 6: what was typed
pub mod cli;

// 7: wiring
pub mod commands;
