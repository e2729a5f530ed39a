//! Turns events into figures: the fold over events, the health of the generator, the validity of the run, the summary.

mod evidence;
mod fold;
mod frame_notes;
mod health;
mod offered;
mod output;
mod record;
mod run_time;
mod tally;
#[cfg(test)]
mod tests;
mod validity;

pub(crate) use crate::metrics::fold::time_buckets::{Fold, TimeBuckets};
pub use crate::metrics::fold::traces::{KeptTrace, TraceSample};
pub use crate::metrics::health::{Depths, HealthFigures, HealthRecorder, ProcessSample};
pub use crate::metrics::output::live::{LiveMetrics, all_timers};
pub use crate::metrics::output::rooms::{EdgeState, LiveRoom, RoomDetail};
pub use crate::metrics::output::run_figures::RunFigures;
pub use crate::metrics::output::summarize::{RunFacts, doubts, of_figures, summarize, summarize_live};
pub use crate::metrics::record::recorder::Recorder;
pub use crate::metrics::record::room::RoomFacts;
pub use crate::metrics::tally::Tally;
