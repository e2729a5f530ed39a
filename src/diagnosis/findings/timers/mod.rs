//! Findings about the course and the shape of timers.

pub(super) mod drift;
pub(super) mod two_populations;
