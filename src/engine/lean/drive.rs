//! The random source and the buffers that an engine's connections use in turn, and the end of a connection.

use super::packets::Packets;
use crate::vocabulary::EngineEvent;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;

/// Output of a call, which the caller takes out before the next call of another connection.
pub struct Drive {
    pub random: ChaCha8Rng,
    /// Datagrams to send.
    pub out: Packets,
    pub events: Vec<EngineEvent>,
    /// SCTP packets that DTLS has opened, or has yet to seal; empty between calls.
    pub plain: Packets,
}

impl Drive {
    pub fn new(random: ChaCha8Rng) -> Self {
        Self { random, out: Packets::default(), events: Vec::new(), plain: Packets::default() }
    }
}

/// The end of a connection, or of one of its layers.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// The other end has closed it.
    Closed,
    Failed(Cow<'static, str>),
}

impl Ended {
    pub(super) fn failed(why: &'static str) -> Self {
        Self::Failed(Cow::Borrowed(why))
    }
}
