//! The fault `idle-close`: the time at which each silent client's connection is closed.

use crate::server::rooms::ClientId;
use rustc_hash::FxHashMap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Deadlines of all clients; none without a limit.
#[derive(Default)]
pub(super) struct IdleWatch {
    limit: Option<Duration>,
    deadlines: BTreeSet<(Instant, ClientId)>,
    by_client: FxHashMap<ClientId, Instant>,
}

impl IdleWatch {
    pub(super) fn new(limit: Option<Duration>) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Records that the client connected or said something.
    pub(super) fn spoke(&mut self, now: Instant, client: ClientId) {
        let Some(limit) = self.limit else { return };
        self.leave(client);
        self.deadlines.insert((now + limit, client));
        self.by_client.insert(client, now + limit);
    }

    pub(super) fn leave(&mut self, client: ClientId) {
        if let Some(at) = self.by_client.remove(&client) {
            self.deadlines.remove(&(at, client));
        }
    }

    /// The next client whose deadline has passed.
    pub(super) fn due(&mut self, now: Instant) -> Option<ClientId> {
        let (_, client) = self.deadlines.first().copied().filter(|(at, _)| *at <= now)?;
        self.leave(client);
        Some(client)
    }

    pub(super) fn wake_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}
