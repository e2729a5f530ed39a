//! The parts that a dialect file is made of: its tree, names, templates, patterns, conditions, and their values.

pub(super) mod codec;
pub(super) mod difference;
pub(super) mod document;
pub(super) mod evaluate;
pub(super) mod expression;
pub(super) mod filter;
pub(super) mod names;
pub(super) mod pattern;
pub(super) mod problem;
pub(super) mod roster;
pub(super) mod template;
