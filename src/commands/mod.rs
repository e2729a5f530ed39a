//! One file for each verb: wiring, and the only place that knows exit codes.

pub mod limits;
pub mod serve;
