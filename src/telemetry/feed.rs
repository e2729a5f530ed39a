//! `MetricsFeed`: the figures of a run, from its controller to whoever shows them; they are made when a reader asks.

use crate::report::{MetricsSnapshot, SnapshotScope};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Figures up to this age are new enough for any reader.
const FRESH: Duration = Duration::from_millis(500);
/// The most time that a reader waits for new figures: workers answer ten times a second, unless they are late.
const WAIT_MAX: Duration = Duration::from_millis(500);

/// The latest snapshot, and the wish for a newer one; a reader that comes late misses those between.
#[derive(Clone, Debug, Default)]
pub struct MetricsFeed {
    latest: watch::Sender<Option<(Arc<MetricsSnapshot>, Instant)>>,
    asked: Arc<AtomicBool>,
    wants_rooms: bool,
}

impl MetricsFeed {
    /// `wants_rooms`: a reader shows the rooms of the run.
    pub fn new(wants_rooms: bool) -> Self {
        Self { wants_rooms, ..Self::default() }
    }

    pub fn wants_rooms(&self) -> bool {
        self.wants_rooms
    }

    pub fn publish(&self, snapshot: MetricsSnapshot) {
        self.latest.send_replace(Some((Arc::new(snapshot), Instant::now())));
    }

    /// True if a reader has asked for newer figures since the last call.
    pub fn take_asked(&self) -> bool {
        self.asked.swap(false, Ordering::Relaxed)
    }

    /// The latest snapshot; asks for the next one if it is old. `None` before the first run has begun.
    pub fn latest(&self) -> Option<Arc<MetricsSnapshot>> {
        self.ask_if_old();
        self.latest.borrow().as_ref().map(|(snapshot, _)| snapshot.clone())
    }

    /// A snapshot that is new, or after `WAIT_MAX` the latest. Those of a run that has ended, and of agents, come unasked.
    pub async fn fresh(&self) -> Option<Arc<MetricsSnapshot>> {
        let mut published = self.latest.subscribe();
        let is_old = self.ask_if_old();
        let latest = self.latest();
        let comes_unasked = |latest: &MetricsSnapshot| latest.has_ended || latest.scope == SnapshotScope::Agents;
        if !is_old || latest.as_deref().is_some_and(comes_unasked) {
            return latest;
        }
        // Fails only without a sender, and this value has one.
        let _ = tokio::time::timeout(WAIT_MAX, published.changed()).await;
        self.latest()
    }

    fn ask_if_old(&self) -> bool {
        let is_old = self.latest.borrow().as_ref().is_none_or(|(_, at)| at.elapsed() > FRESH);
        if is_old {
            self.asked.store(true, Ordering::Relaxed);
        }
        is_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn of_run(id: &str) -> MetricsSnapshot {
        let mut snapshot = MetricsSnapshot::default();
        id.clone_into(&mut snapshot.summary.run.id);
        snapshot
    }

    fn id(snapshot: Option<Arc<MetricsSnapshot>>) -> Option<String> {
        snapshot.map(|snapshot| snapshot.summary.run.id.clone())
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_made_until_a_reader_asks_and_the_reader_gets_what_is_made_for_it() {
        let feed = MetricsFeed::new(false);
        assert!(!feed.take_asked(), "nobody has asked");
        feed.publish(of_run("first"));
        assert_eq!(id(feed.latest()).as_deref(), Some("first"));
        assert!(!feed.take_asked(), "it is new");
        advance(FRESH + Duration::from_millis(1)).await;
        let run = async {
            while !feed.take_asked() {
                tokio::task::yield_now().await;
            }
            feed.publish(of_run("second"));
        };
        let (read, ()) = tokio::join!(feed.fresh(), run);
        assert_eq!(id(read).as_deref(), Some("second"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_waits_for_no_run_that_says_nothing() {
        let feed = MetricsFeed::new(false);
        assert!(feed.fresh().await.is_none());
        feed.publish(MetricsSnapshot { has_ended: true, ..of_run("over") });
        advance(FRESH + Duration::from_millis(1)).await;
        let began = Instant::now();
        assert_eq!(id(feed.fresh().await).as_deref(), Some("over"));
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(feed.take_asked(), "another run may begin");
    }
}
