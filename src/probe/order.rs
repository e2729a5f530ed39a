//! The order for one probe: which handshakes, in which dialect, how often, and with which remedies.

use crate::dialect::Dialect;
use crate::summary::run::Way;
use crate::vocabulary::choice::{Approval, Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use std::time::Duration;

/// The dialect that the experiments' own frames are of.
pub(super) const EXPERIMENTS_SPEAK: &str = "dashboard";

/// What is to be probed, and how.
#[derive(Clone, Debug)]
pub struct Order {
    /// The prefix of all names on the wire.
    pub run_id: String,
    pub dialect: Dialect,
    /// The rooms that are tried, by their size, until one fails.
    pub sizes: Vec<u16>,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    pub approval: Approval,
    pub timeout: Duration,
    pub trickle: bool,
    pub seed: Seed,
    pub repeat: Option<Repeat>,
    pub try_remedies: bool,
    /// What is special about the way to the target.
    pub way: Way,
}

/// Fresh handshakes with jittered joins, for what fails only sometimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    Times(u32),
    /// Or until the time is up.
    UntilFailure(Duration),
}
