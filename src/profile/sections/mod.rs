//! One file for each section of a profile: its settings, and the check that makes them.

pub(crate) mod arrivals;
pub(crate) mod churn;
pub(crate) mod engine;
pub(crate) mod handshake;
pub(crate) mod messages;
pub(crate) mod phases;
pub(crate) mod rooms;
pub(crate) mod scenarios;
pub(crate) mod tags;
pub(crate) mod target;
pub(crate) mod verdict;
