//! What a worker decides once for all connections of its peers.

use super::dcep::{Promise, Reliability};
use super::identity::Identity;
use crate::engine::peer_addresses::PeerAddresses;
use crate::vocabulary::options::Reliability as Chosen;
use std::sync::Arc;
use std::time::Duration;

/// What the connections of a worker have in common.
#[derive(Clone)]
pub struct LeanSetup {
    pub identity: Arc<Identity>,
    pub addresses: PeerAddresses,
    /// The handshake's; ICE gives up before it.
    pub timeout: Duration,
    pub trickle: bool,
    pub ordered: bool,
    pub reliability: Chosen,
}

impl LeanSetup {
    /// A fresh key with its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn identity(serial: u64) -> Result<Arc<Identity>, &'static str> {
        Identity::generate(serial).map(Arc::new)
    }

    pub(super) fn promise(&self) -> Promise {
        let reliability = match self.reliability {
            Chosen::Reliable => Reliability::Reliable,
            Chosen::MaxRetransmits(times) => Reliability::MaxRetransmits(times.into()),
            Chosen::MaxLifetime(millis) => Reliability::MaxLifetime(Duration::from_millis(millis.into())),
        };
        Promise { ordered: self.ordered, reliability }
    }
}
