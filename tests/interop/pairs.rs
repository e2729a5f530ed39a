//! The engine `lean` and each other engine of ours, in one process, both ways round.

use super::ours::{PATIENCE, settings};
use super::{BURST, SIZES};
use meshload::engine::{Engine, Gathering, LeanEngine, LeanSetup, PeerAddresses, WebrtcEngine, WebrtcSetup};
use meshload::profile::IceTransportPolicy;
use meshload::vocabulary::engine::{EngineCommand, EngineEvent};
use meshload::vocabulary::ids::Seat;
use meshload::vocabulary::seed::Seed;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

/// The other end, as each of the two sees it.
const OTHER: Seat = Seat(1);

type Pair = [Box<dyn Engine>; 2];
type Make = fn(PeerAddresses, u64) -> Box<dyn Engine>;

fn lean(addresses: PeerAddresses, end: u64) -> Box<dyn Engine> {
    let setup = LeanSetup::new(settings(addresses)).unwrap();
    Box::new(LeanEngine::open(setup, 2, None, Seed(1).stream("ice", end)).unwrap())
}

fn webrtc(addresses: PeerAddresses, end: u64) -> Box<dyn Engine> {
    let gathering = Gathering::new(vec![], IceTransportPolicy::All).unwrap();
    let setup = Arc::new(WebrtcSetup::new(settings(addresses), 65_536, gathering).unwrap());
    Box::new(WebrtcEngine::new(setup, 2, Seed(1).stream("ice", end)))
}

fn check(make: [Make; 2]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let addresses = PeerAddresses::default();
        let mut pair = [make[0](addresses.clone(), 0), make[1](addresses, 1)];
        open(&mut pair).await;
        for from in [0, 1] {
            for bytes in SIZES {
                let message: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
                assert!(pair[from].send(Instant::now(), OTHER, &message), "{bytes} bytes");
                assert_eq!(hear(&mut pair, 1 - from).await, message, "{bytes} bytes");
            }
            for ordinal in 0..BURST {
                assert!(pair[from].send(Instant::now(), OTHER, &[ordinal as u8; 1_200]));
            }
            for ordinal in 0..BURST {
                assert_eq!(hear(&mut pair, 1 - from).await, [ordinal as u8; 1_200]);
            }
        }
        pair[0].close(Instant::now());
        while next(&mut pair).await != (1, EngineEvent::Closed) {}
    });
}

#[test]
fn lean_and_lean() {
    check([lean, lean]);
}

#[test]
fn lean_offers_to_webrtc() {
    check([lean, webrtc]);
}

#[test]
fn webrtc_offers_to_lean() {
    check([webrtc, lean]);
}

/// Carries signals between the two until both are open.
async fn open(pair: &mut Pair) {
    pair[0].order(Instant::now(), OTHER, EngineCommand::Offer);
    // A candidate is admitted when both descriptions are in force, as the handshake does it.
    let (mut described, mut early, mut open) = ([false; 2], vec![], [false; 2]);
    while open != [true; 2] {
        let (from, notice) = next(pair).await;
        let to = 1 - from;
        match notice {
            EngineEvent::Offer { sdp } => pair[to].order(Instant::now(), OTHER, EngineCommand::Accept { sdp }),
            EngineEvent::Answer { sdp } => {
                described[from] = true;
                pair[to].order(Instant::now(), OTHER, EngineCommand::Apply { sdp });
            }
            EngineEvent::Applied => described[from] = true,
            EngineEvent::Candidate(candidate) => early.push((to, candidate)),
            EngineEvent::Open => open[from] = true,
            EngineEvent::Failed { reason, detail } => panic!("end {from}: {reason:?}: {detail}"),
            _ => {}
        }
        for (to, candidate) in std::mem::take(&mut early) {
            if described[to] {
                pair[to].order(Instant::now(), OTHER, EngineCommand::Admit(candidate));
            } else {
                early.push((to, candidate));
            }
        }
    }
}

/// The next event of either engine, with that engine's index.
async fn next(pair: &mut Pair) -> (usize, EngineEvent) {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        let wake_at = pair.iter_mut().filter_map(|end| end.wake_at()).min();
        let found = poll_fn(|context| {
            for (index, end) in pair.iter_mut().enumerate() {
                if let Poll::Ready(Ok(())) = end.poll_readable(context) {
                    end.read(Instant::now());
                    context.waker().wake_by_ref();
                }
                if let Some(notice) = end.poll() {
                    return Poll::Ready((index, notice.event));
                }
            }
            Poll::Pending
        });
        let until = wake_at.map_or(deadline, |at| deadline.min(at.into()));
        if let Ok(found) = tokio::time::timeout_at(until, found).await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "nothing has happened for {PATIENCE:?}");
        pair.iter_mut().for_each(|end| end.wake(Instant::now()));
    }
}

/// The next message at an end.
async fn hear(pair: &mut Pair, end: usize) -> Vec<u8> {
    loop {
        match next(pair).await {
            (from, EngineEvent::Message(message)) if from == end => return message,
            (from, EngineEvent::Closed | EngineEvent::Failed { .. }) => panic!("end {from} has closed"),
            _ => {}
        }
    }
}
