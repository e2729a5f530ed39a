//! The words every floor speaks: data without behaviour beyond what a word means.

pub mod choice;
pub mod cidr;
pub mod document;
pub mod event;
pub mod failure;
pub mod glossary;
pub mod identity;
pub mod ids;
pub mod link;
pub mod message;
pub mod phase;
pub mod problem;
pub mod quantity;
pub mod seed;
pub mod shell;
