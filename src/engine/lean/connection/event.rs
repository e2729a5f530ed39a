//! Events of a connection, as it tells them and as the engine does.

use crate::vocabulary::{EngineEvent, Reason};
use std::borrow::Cow;

/// Events of a connection.
#[derive(Debug, PartialEq, Eq)]
pub enum ConnectionEvent {
    IceUp,
    DtlsUp,
    Open,
    Message(Vec<u8>),
    /// The open channel has closed.
    Closed,
    Failed(Layer, Cow<'static, str>),
}

/// The layer in which a connection failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Ice,
    Dtls,
    Channel,
}

impl From<ConnectionEvent> for EngineEvent {
    fn from(event: ConnectionEvent) -> Self {
        match event {
            ConnectionEvent::IceUp => Self::IceUp,
            ConnectionEvent::DtlsUp => Self::DtlsUp,
            ConnectionEvent::Open => Self::Open,
            ConnectionEvent::Message(payload) => Self::Message(payload),
            ConnectionEvent::Closed => Self::Closed,
            ConnectionEvent::Failed(layer, detail) => {
                let reason = match layer {
                    Layer::Ice => Reason::IceFailed,
                    Layer::Dtls => Reason::DtlsFailed,
                    Layer::Channel => Reason::ChannelFailed,
                };
                Self::Failed { reason, detail }
            }
        }
    }
}
