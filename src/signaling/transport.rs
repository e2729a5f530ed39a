//! The transport of a run's signaling: network, or memory in the control run.

use super::memory::MemoryListener;
use super::signaling_connection::SignalingConnection;
use super::{Endpoint, dial};
use crate::vocabulary::Failure;
use std::rc::Rc;

/// A transport to the server, shared by the peers of a worker.
#[derive(Clone)]
pub enum Transport {
    Network(Rc<Endpoint>),
    /// In-memory server of the control run (`--control`).
    Memory(MemoryListener),
}

impl Transport {
    /// Opens a connection.
    ///
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
