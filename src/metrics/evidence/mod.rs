//! The facts that findings rest on: logs of connections, comparisons of traces, groups of peers in split rooms.

mod collect;
pub(in crate::metrics) mod connection_log;
pub(in crate::metrics) mod groups;
pub(in crate::metrics) mod trace_check;
