//! The commands of a run on several machines: its agents, its controller, and the merge of their parts.

pub(super) mod agent;
mod bus;
pub(super) mod lead;
pub(super) mod manifest;
pub(super) mod merge;
pub(super) mod over_bus;
pub(super) mod search;
