//! What a handshake and the probe's experiments showed → the phase that failed, and why.

mod cause;
mod decide;
mod findings;
pub mod hindsight;
mod ladder;
mod request;
mod story;
mod told;

pub use cause::{Cause, Confidence};
pub use decide::diagnose;
pub use findings::{Fanout, Findings, Outcome, Roster, Shot, Trials, Volley, Word};
pub use ladder::{Arrival, Party, Step, ladder};
pub use request::Asking;
pub use story::{Loss, Progress, Story};
pub use told::told;

use crate::vocabulary::phase::Phase;
use serde::Serialize;

/// A verdict with what it rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    pub cause: Cause,
    /// Where the handshake stopped; none if it did not.
    pub phase: Option<Phase>,
    pub confidence: Confidence,
    /// Whole sentences, strongest first.
    pub evidence: Vec<String>,
    pub remedy: String,
}
