//! The sections of the HTML report, each a function of the Summary.

pub(in crate::report) mod control;
pub(in crate::report) mod failures;
pub(in crate::report) mod generator;
pub(in crate::report) mod glossary;
pub(in crate::report) mod headline;
pub(in crate::report) mod latency;
pub(in crate::report) mod load;
pub(in crate::report) mod meshes;
pub(in crate::report) mod phases;
pub(in crate::report) mod run;
pub(in crate::report) mod signaling;
