//! The words every floor speaks: data without behaviour beyond what a word means.

pub mod cidr;
pub mod document;
pub mod engine;
pub mod event;
pub mod failure;
pub mod format;
pub mod glossary;
pub mod identity;
pub mod ids;
pub mod message;
pub mod options;
pub mod phase;
pub mod problem;
pub mod seed;
pub mod shell_quoting;
