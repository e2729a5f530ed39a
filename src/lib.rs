//! The map of the house, ground floor first: a module imports from lower floors only.

// 0: words
pub mod vocabulary;

// 1: pure parts
pub mod profile;

// 2: pure decisions
pub mod plan;

// 6: what was typed
pub mod cli;

// 7: wiring
pub mod commands;
