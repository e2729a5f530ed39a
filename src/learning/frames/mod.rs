//! Frames, generalised: what differs becomes holes, and frames of one structure a class.

pub(in crate::learning) mod classes;
pub(in crate::learning) mod terms;
