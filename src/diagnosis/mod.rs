//! Derives the failed phase and its cause from a handshake's events and the probe's experiments.

mod cause;
mod decide;
mod edge;
mod experiments;
pub mod findings;
pub mod from_run;
mod ladder;
mod timeline;
mod trace_steps;
mod words;

pub use cause::{Cause, Confidence, Insight};
pub use decide::diagnose;
pub use experiments::observations::{
    AGED, CheckedDelivery, CheckedMessage, DeliveryCheck, Experiments, Fanout, Observations, RosterTrial, TrialOutcome,
};
pub use experiments::series::{SeriesHandshake, in_common};
pub use timeline::{Loss, MeshProgress, Timeline};
pub use trace_steps::trace_steps;
pub use words::Words;

use crate::vocabulary::Phase;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The cause of a failed handshake, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Conclusion {
    pub cause: Cause,
    /// The phase in which the handshake stopped; `None` if it did not.
    pub phase: Option<Phase>,
    pub confidence: Confidence,
    /// Whole sentences, strongest first.
    pub evidence: Vec<String>,
    pub remedy: String,
}
