//! The choice between a network and memory, made once a run and taken by each peer.

use super::line::Exchange;
use super::wire::Wire;
use super::{Endpoint, dial};
use crate::vocabulary::failure::Failure;
use std::rc::Rc;

/// How a peer reaches its server.
#[derive(Clone)]
pub enum Way {
    Network(Rc<Endpoint>),
    /// No socket in between (`--control`).
    Memory(Exchange),
}

impl Way {
    /// # Errors
    /// The failure of the attempt, in phase `connect`.
    pub async fn dial(self) -> Result<Box<dyn Wire>, Failure> {
        match self {
            Self::Network(endpoint) => Ok(Box::new(dial(&endpoint).await?)),
            Self::Memory(exchange) => Ok(Box::new(exchange.dial()?)),
        }
    }
}

impl From<Rc<Endpoint>> for Way {
    fn from(endpoint: Rc<Endpoint>) -> Self {
        Self::Network(endpoint)
    }
}
