//! Settings that a worker makes once for all connections of its peers.

use super::dcep::{ChannelPromise, ChannelReliability};
use super::identity::DtlsIdentity;
use crate::engine::settings::EngineSettings;
use crate::vocabulary::Reliability;
use std::sync::Arc;
use std::time::Duration;

/// Settings shared by the connections of a worker.
#[derive(Clone)]
pub struct LeanSetup {
    pub identity: Arc<DtlsIdentity>,
    pub settings: EngineSettings,
}

impl LeanSetup {
    /// Creates the settings with a fresh key and its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new(settings: EngineSettings) -> Result<Self, &'static str> {
        Ok(Self { identity: Self::identity(0)?, settings })
    }

    /// Makes a fresh key with its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn identity(serial: u64) -> Result<Arc<DtlsIdentity>, &'static str> {
        DtlsIdentity::generate(serial).map(Arc::new)
    }
}

impl ChannelPromise {
    pub(super) fn of(settings: &EngineSettings) -> Self {
        let reliability = match settings.reliability {
            Reliability::Reliable => ChannelReliability::Reliable,
            Reliability::MaxRetransmits(times) => ChannelReliability::MaxRetransmits(times.into()),
            Reliability::MaxLifetime(millis) => ChannelReliability::MaxLifetime(Duration::from_millis(millis.into())),
        };
        Self { ordered: settings.ordered, reliability }
    }
}
