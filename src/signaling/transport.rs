//! The choice between a network and memory, made once a run and taken by each peer.

use super::memory::MemoryListener;
use super::signaling_connection::SignalingConnection;
use super::{Endpoint, dial};
use crate::vocabulary::failure::Failure;
use std::rc::Rc;

/// How a peer reaches its server.
#[derive(Clone)]
pub enum Transport {
    Network(Rc<Endpoint>),
    /// No socket in between (`--control`).
    Memory(MemoryListener),
}

impl Transport {
    /// # Errors
    /// The failure of the attempt, in phase `connect`.
    pub async fn dial(self) -> Result<Box<dyn SignalingConnection>, Failure> {
        match self {
            Self::Network(endpoint) => Ok(Box::new(dial(&endpoint).await?)),
            Self::Memory(listener) => Ok(Box::new(listener.dial()?)),
        }
    }
}

impl From<Rc<Endpoint>> for Transport {
    fn from(endpoint: Rc<Endpoint>) -> Self {
        Self::Network(endpoint)
    }
}
