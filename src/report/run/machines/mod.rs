//! The machines that made the load, and what of their strain is in the figures.

pub(super) mod fleet;
pub(super) mod health;
