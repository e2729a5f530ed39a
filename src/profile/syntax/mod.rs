//! The notation of a profile: TOML with line numbers, keys, units and references to the environment.

pub(crate) mod document;
pub(crate) mod environment;
pub(crate) mod keys;
pub(crate) mod units;
