//! Figures read from a recorder: those that add up over shares, the Summary, and live figures for gates during the run.

mod check;
pub(in crate::metrics) mod live;
pub(in crate::metrics) mod meshes;
pub(in crate::metrics) mod rooms;
pub(in crate::metrics) mod run_figures;
pub(in crate::metrics) mod run_wide;
pub(in crate::metrics) mod settle;
pub(in crate::metrics) mod summarize;
