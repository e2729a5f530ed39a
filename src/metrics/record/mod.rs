//! The recorder: dispatches each event and keeps the state of rooms, peers and edges.

pub(in crate::metrics) mod context;
pub(in crate::metrics) mod delivery_window;
pub(in crate::metrics) mod edge;
mod edge_events;
mod guest_events;
pub(in crate::metrics) mod peer;
pub(in crate::metrics) mod peer_events;
pub(in crate::metrics) mod recorder;
pub(in crate::metrics) mod room;
mod trace_events;
mod traffic_events;
