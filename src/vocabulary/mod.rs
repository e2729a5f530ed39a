//! The types that every room shares: data without behaviour beyond its own meaning.

pub mod cidr;
pub mod engine;
pub mod event;
pub mod failure;
pub mod identity;
pub mod ids;
pub mod message;
pub mod options;
pub mod phase;
pub mod seed;
mod text;

pub use text::{document, format, glossary, problem, shell_quoting};
