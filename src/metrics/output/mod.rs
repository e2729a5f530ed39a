//! Figures read from a recorder: the Summary, and live figures for gates during the run.

pub(in crate::metrics) mod live;
pub(in crate::metrics) mod meshes;
pub(in crate::metrics) mod summarize;
