//! Settings that the connections of a worker share, whatever engine opens them.

use super::peer_addresses::PeerAddresses;
use crate::vocabulary::Reliability;
use std::time::Duration;

/// Addresses, timeout and channel of a worker's connections.
#[derive(Clone, Debug)]
pub struct EngineSettings {
    pub addresses: PeerAddresses,
    /// The timeout of the whole handshake; ICE gives up earlier.
    pub timeout: Duration,
    pub trickle: bool,
    pub ordered: bool,
    pub reliability: Reliability,
}
