//! From dated facts to figures: a fold over events, the health of the generator, and the verdict on both.

mod account;
mod context;
mod deliveries;
mod edge;
mod failures;
mod grid;
mod guests;
mod health;
mod lane;
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
mod series;
mod slowest;
mod stamp;
mod summarize;
mod tally;
#[cfg(test)]
mod tests;
mod timers;
mod traces;
mod validity;

pub use crate::metrics::health::{Depths, Health, Sample};
pub use crate::metrics::live::Live;
pub use crate::metrics::recorder::Recorder;
pub use crate::metrics::room::RoomFacts;
pub use crate::metrics::summarize::{Facts, summarize};
pub use crate::metrics::tally::Tally;
pub use crate::metrics::traces::{Sample as TraceSample, Traced};
pub use crate::metrics::validity::{Strain, Thresholds, judge};
