//! Whether a run is good enough: judged against what was demanded, and against an earlier run.

pub mod baseline;
