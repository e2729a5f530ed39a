//! `MetricsFeed`: the latest figures of a run, from its controller to whoever shows them.

use crate::report::MetricsSnapshot;
use std::sync::Arc;
use tokio::sync::watch;

/// The latest snapshot; a reader that comes late misses those between.
#[derive(Clone, Debug, Default)]
pub struct MetricsFeed {
    latest: watch::Sender<Option<Arc<MetricsSnapshot>>>,
    wants_rooms: bool,
}

impl MetricsFeed {
    /// `wants_rooms`: a reader shows the rooms of the run.
    pub fn new(wants_rooms: bool) -> Self {
        Self { latest: watch::Sender::default(), wants_rooms }
    }

    pub fn wants_rooms(&self) -> bool {
        self.wants_rooms
    }

    pub fn publish(&self, snapshot: MetricsSnapshot) {
        self.latest.send_replace(Some(Arc::new(snapshot)));
    }

    /// The latest snapshot; `None` before the first run has begun.
    pub fn latest(&self) -> Option<Arc<MetricsSnapshot>> {
        self.latest.borrow().clone()
    }
}
