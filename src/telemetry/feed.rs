//! `MetricsFeed`: the latest figures of a run, from its controller to whoever shows them.

use crate::report::MetricsSnapshot;
use std::sync::Arc;
use tokio::sync::watch;

/// The latest snapshot; a reader that comes late misses those between.
#[derive(Clone, Debug, Default)]
pub struct MetricsFeed(watch::Sender<Option<Arc<MetricsSnapshot>>>);

impl MetricsFeed {
    pub fn publish(&self, snapshot: MetricsSnapshot) {
        self.0.send_replace(Some(Arc::new(snapshot)));
    }

    /// The latest snapshot; `None` before the first run has begun.
    pub fn latest(&self) -> Option<Arc<MetricsSnapshot>> {
        self.0.borrow().clone()
    }
}
