//! Turns events into figures: the fold over events, the health of the generator, the validity of the run, the summary.

mod context;
mod deliveries;
mod delivery_window;
mod edge;
mod failures;
mod guests;
mod health;
mod live;
mod meshes;
mod milestones;
mod outages;
mod peer;
mod record_edge;
mod record_guests;
mod record_peer;
mod record_traces;
mod record_traffic;
mod recorder;
mod room;
mod run_time;
mod series;
mod slowest;
mod summarize;
mod tally;
#[cfg(test)]
mod tests;
mod time_buckets;
mod timers;
mod totals;
mod traces;
mod validity;

pub use crate::metrics::health::{Depths, HealthRecorder, ProcessSample};
pub use crate::metrics::live::LiveMetrics;
pub use crate::metrics::recorder::Recorder;
pub use crate::metrics::room::RoomFacts;
pub use crate::metrics::summarize::{RunFacts, summarize};
pub use crate::metrics::tally::Tally;
pub use crate::metrics::traces::{TraceSample, Traced};
pub use crate::metrics::validity::{Strain, Thresholds, judge};
