//! The profile: all settings of a run, checked once and valid by construction.

pub mod builtin;
mod export;
mod overrides;
mod read;
pub mod schema;
mod secret;
mod section;
mod sections;
mod syntax;

pub use overrides::{Knob, Override};
pub use read::{ProfileSource, read, read_with};
pub use secret::Secret;
pub use section::{Checks, GateCheck};
pub use sections::arrivals::ArrivalStage;
pub use sections::churn::{Churn, Stay};
pub use sections::engine::EngineChoice;
pub use sections::engine::ice::{IceServer, IceTransportPolicy, Login};
pub use sections::messages::{MessagePattern, MessageSettings, Start};
pub use sections::phases::Phases;
pub use sections::rooms::{RoomSettings, Size};
pub use sections::scenarios::{OwnTarget, SCENARIOS_MAX, Scenario, TokensFile};
pub use sections::target::faults::FaultLine;
pub use sections::target::reconnect::Reconnect;
pub use sections::target::{AUTO, DIALECTS, Target};
pub use sections::verdict::gates::GateLine;
pub use sections::verdict::validity::{OnInvalid, OnSuspect, Thresholds, ValiditySettings};
pub use syntax::environment::{VariableLookup, expand};
pub use syntax::units::{duration, rate, share, size};

pub use crate::vocabulary::document::TEXT_BYTES_MAX;
pub use crate::vocabulary::problem::{Problem, nearest};

use std::collections::BTreeMap;

/// The profile as run, in TOML with defaults and overrides; it reads back to the same profile. `${NAME}` stays as
/// written, and a literal credential is replaced by such a reference.
pub fn to_toml(profile: &Profile) -> &str {
    &profile.written
}

/// A checked profile: code that has one never checks its values again.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pub name: String,
    pub description: String,
    pub target: Target,
    /// `None`: a peer that loses its signaling socket continues without one.
    pub reconnect: Option<Reconnect>,
    /// Rooms of all scenarios.
    pub room_count: u32,
    /// The kinds of rooms: one without a name, or those of `[[scenarios]]`.
    pub scenarios: Vec<Scenario>,
    pub arrivals: Vec<ArrivalStage>,
    pub phases: Phases,
    pub engine: EngineChoice,
    pub validity: ValiditySettings,
    pub gates: Vec<GateLine>,
    pub faults: Vec<FaultLine>,
    /// The user's own words about the run, by key; each key is a valid label of Prometheus.
    pub tags: BTreeMap<String, String>,
    written: String,
}

impl Profile {
    /// The names of `[[scenarios]]`, by which figures are split, in order; empty without them.
    pub fn scenario_names(&self) -> Vec<String> {
        sections::scenarios::names(&self.scenarios)
    }
}

#[cfg(test)]
mod tests;
