//! Settings that a worker makes once for all connections of its peers.

use super::dcep::{ChannelPromise, ChannelReliability};
use super::identity::DtlsIdentity;
use crate::engine::peer_addresses::PeerAddresses;
use crate::vocabulary::options::Reliability as Chosen;
use std::sync::Arc;
use std::time::Duration;

/// Settings shared by the connections of a worker.
#[derive(Clone)]
pub struct LeanSetup {
    pub identity: Arc<DtlsIdentity>,
    pub addresses: PeerAddresses,
    /// The timeout of the whole handshake; ICE gives up earlier.
    pub timeout: Duration,
    pub trickle: bool,
    pub ordered: bool,
    pub reliability: Chosen,
}

impl LeanSetup {
    /// Makes a fresh key with its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn identity(serial: u64) -> Result<Arc<DtlsIdentity>, &'static str> {
        DtlsIdentity::generate(serial).map(Arc::new)
    }

    pub(super) fn promise(&self) -> ChannelPromise {
        let reliability = match self.reliability {
            Chosen::Reliable => ChannelReliability::Reliable,
            Chosen::MaxRetransmits(times) => ChannelReliability::MaxRetransmits(times.into()),
            Chosen::MaxLifetime(millis) => ChannelReliability::MaxLifetime(Duration::from_millis(millis.into())),
        };
        ChannelPromise { ordered: self.ordered, reliability }
    }
}
