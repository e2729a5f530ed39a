//! Findings about the server's connections, notices and lists.

pub(super) mod address_limit;
pub(super) mod idle_close;
pub(super) mod lost;
pub(super) mod never_listed;
pub(super) mod notices_missing;
