//! The transport of a run's signaling: network, or memory in the control run.

use super::dial::dial_first;
use super::{Endpoint, MemoryListener, SignalingConnection, dial};
use crate::vocabulary::Failure;
use std::rc::Rc;
use std::time::Duration;

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
            Self::Network(endpoint) => match endpoint.route.log.take() {
                Some(log) => dial_first(&endpoint, log).await,
                None => dial(&endpoint).await,
            },
            Self::Memory(listener) => Ok(Box::new(listener.dial()?)),
        }
    }

    /// The time that the HTTP requests before the last dial took; told once.
    pub fn take_prepared(&self) -> Option<Duration> {
        match self {
            Self::Network(endpoint) => endpoint.before.as_ref()?.took.take(),
            Self::Memory(_) => None,
        }
    }
}

impl From<Rc<Endpoint>> for Transport {
    fn from(endpoint: Rc<Endpoint>) -> Self {
        Self::Network(endpoint)
    }
}
