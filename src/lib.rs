//! The map of the house, ground floor first: a module imports from lower floors only.

// 0: words
pub mod vocabulary;

// 1: pure parts
pub mod profile;

// 2: pure decisions
pub mod plan;

// 3: doors to the outer world
pub mod server;

// 7: wiring
pub mod commands;
