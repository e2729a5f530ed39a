//! Findings about the server's connections.

pub(super) mod lost;
