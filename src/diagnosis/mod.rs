//! What a handshake and the probe's experiments showed → the phase that failed, and why.

mod cause;
mod decide;
pub mod from_run;
mod join_request;
mod ladder;
mod observations;
mod timeline;
mod trace_steps;

pub use cause::{Cause, Confidence};
pub use decide::diagnose;
pub use join_request::JoinRequestWords;
pub use ladder::{Arrival, LadderStep, Party, ladder};
pub use observations::{
    AGED, CheckedDelivery, CheckedMessage, DeliveryCheck, Experiments, Fanout, Observations, RosterTrial, TrialOutcome,
};
pub use timeline::{Loss, MeshProgress, Timeline};
pub use trace_steps::told;

use crate::vocabulary::phase::Phase;
use serde::Serialize;

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conclusion {
    pub cause: Cause,
    /// Where the handshake stopped; none if it did not.
    pub phase: Option<Phase>,
    pub confidence: Confidence,
    /// Whole sentences, strongest first.
    pub evidence: Vec<String>,
    pub remedy: String,
}
