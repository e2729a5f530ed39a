//! The input of one probe: dialect, room sizes, handshake options, repetition, and remedies to try.

use crate::dialect::Dialect;
use crate::summary::TargetRoute;
use crate::vocabulary::{HandshakeSettings, Seed};
use std::time::Duration;

/// The only dialect whose frames the experiments can build.
pub(super) const EXPERIMENTS_DIALECT: &str = "dashboard";

/// The pause before an unanswered offer is said again.
pub(super) const OFFER_AGAIN: Duration = Duration::from_secs(1);

/// The handshakes to make, and the options of the probe.
#[derive(Clone, Debug)]
pub struct ProbeSpec {
    /// The prefix of all names on the wire.
    pub run_id: String,
    pub dialect: Dialect,
    /// Room sizes, in peers, tried in this order until one fails.
    pub sizes: Vec<u16>,
    pub handshake: HandshakeSettings,
    pub seed: Seed,
    pub repeat: Option<RepeatSpec>,
    /// Tries known remedies if a cause was found.
    pub try_remedies: bool,
    /// Proxy, redirection and disabled certificate check on the route to the target.
    pub way: TargetRoute,
}

impl ProbeSpec {
    /// A room of two peers, then one of three, each once, over a direct route.
    pub fn new(run_id: String, dialect: Dialect, handshake: HandshakeSettings, seed: Seed) -> Self {
        let way = TargetRoute::default();
        Self { run_id, dialect, sizes: vec![2, 3], handshake, seed, repeat: None, try_remedies: false, way }
    }
}

/// Repetition of the handshake with jittered joins, for faults that show only sometimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RepeatSpec {
    Times(u32),
    /// Repeats until a handshake fails, at most for this time.
    UntilFailure(Duration),
}
