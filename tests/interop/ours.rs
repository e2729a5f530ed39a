//! Our end of a connection: an engine with one edge, driven until something happens.

use meshload::engine::{CandidatePolicy, Engine, EngineSettings, LeanEngine, LeanSetup, PeerAddresses};
use meshload::vocabulary::engine::EngineEvent;
use meshload::vocabulary::ids::Seat;
use meshload::vocabulary::options::Reliability;
use meshload::vocabulary::seed::Seed;
use serde_json::Value;
use std::future::poll_fn;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::sync::mpsc::UnboundedReceiver;

/// The other end: a guest, as the engine sees it.
pub const OTHER: Seat = Seat(1);

/// Longer than anything takes.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub enum Happened {
    Ours(EngineEvent),
    Theirs(Value),
}

/// An engine that a stack on this machine reaches; `block`: its addresses. Must be called within a tokio runtime.
pub fn engine(block: &str) -> LeanEngine {
    let setup = LeanSetup::new(settings(PeerAddresses::default())).unwrap();
    let policy = CandidatePolicy::new(vec![block.parse().unwrap()]).unwrap();
    LeanEngine::open(setup, 1, Some((1, policy)), Seed(1).stream("ice", 0)).unwrap()
}

pub fn settings(addresses: PeerAddresses) -> EngineSettings {
    EngineSettings { addresses, timeout: PATIENCE, trickle: true, ordered: true, reliability: Reliability::Reliable }
}

/// The next event at either end.
pub async fn next(engine: &mut dyn Engine, events: &mut UnboundedReceiver<Value>) -> Happened {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let wake_at = engine.wake_at().map_or(deadline, |at| deadline.min(at.into()));
        let happened = poll_fn(|context| {
            if let Poll::Ready(Ok(())) = engine.poll_readable(context) {
                engine.read(Instant::now());
                context.waker().wake_by_ref();
            }
            if let Some(notice) = engine.poll() {
                return Poll::Ready(Happened::Ours(notice.event));
            }
            match events.poll_recv(context) {
                Poll::Ready(Some(event)) => Poll::Ready(Happened::Theirs(event)),
                Poll::Ready(None) => panic!("the other stack has ended"),
                Poll::Pending => Poll::Pending,
            }
        });
        if let Ok(happened) = tokio::time::timeout_at(wake_at, happened).await {
            return happened;
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing has happened for {PATIENCE:?}");
        engine.wake(Instant::now());
    }
}
