//! Shared by the modules of this binary: runs read to their end, seeded draws, summaries to render.

pub mod draws;
pub mod hostile;
pub mod play;
pub mod sample;
