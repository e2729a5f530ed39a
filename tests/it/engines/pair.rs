//! Two engines of one worker, driven by hand: what passes between them, and to whom no datagram goes.

use meshload::engine::{Engine, EngineSettings, Gathering, PeerAddresses, WebrtcEngine, WebrtcSetup};
use meshload::profile::IceTransportPolicy;
use meshload::vocabulary::{Candidate, EngineCommand, EngineEvent, Reason, Reliability, Seat, Seed};
use std::future::poll_fn;
use std::net::UdpSocket;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// The other end, as each of the two sees it.
const OTHER: Seat = Seat(1);
const PATIENCE: Duration = Duration::from_secs(20);

fn engines(timeout: Duration) -> [WebrtcEngine; 2] {
    engines_among(PeerAddresses::default(), timeout)
}

fn engines_among(addresses: PeerAddresses, timeout: Duration) -> [WebrtcEngine; 2] {
    let settings =
        EngineSettings { addresses, timeout, trickle: true, ordered: true, reliability: Reliability::Reliable };
    let gathering = Gathering::new(vec![], IceTransportPolicy::All).unwrap();
    let setup = Arc::new(WebrtcSetup::new(settings, 4_096, gathering).unwrap());
    [0, 1].map(|index| WebrtcEngine::new(setup.clone(), 2, Seed(1).stream("ice", index)))
}

/// The next notice of either, with whose it is.
async fn next(engines: &mut [WebrtcEngine; 2]) -> (usize, EngineEvent) {
    let found = poll_fn(|context| {
        for (index, engine) in engines.iter_mut().enumerate() {
            if let Poll::Ready(Ok(())) = engine.poll_readable(context) {
                engine.read(Instant::now());
            }
            if let Some(notice) = engine.poll() {
                return Poll::Ready((index, notice.event));
            }
        }
        Poll::Pending
    });
    tokio::time::timeout(PATIENCE, found).await.expect("a notice")
}

/// Carries signals between the two, as `relay` alters them, until `done`.
async fn converse(
    engines: &mut [WebrtcEngine; 2],
    relay: impl Fn(EngineCommand) -> Option<EngineCommand>,
    mut done: impl FnMut(usize, &EngineEvent) -> bool,
) {
    let order = |engines: &mut [WebrtcEngine; 2], to: usize, order: EngineCommand| {
        if let Some(order) = relay(order) {
            engines[to].order(Instant::now(), OTHER, order);
        }
    };
    // A candidate is admitted when both descriptions are in force, as the handshake does it.
    let (mut described, mut early) = ([false; 2], vec![]);
    loop {
        let (from, notice) = next(engines).await;
        if done(from, &notice) {
            return;
        }
        let to = 1 - from;
        match notice {
            EngineEvent::Offer { sdp } => order(engines, to, EngineCommand::Accept { sdp }),
            EngineEvent::Answer { sdp } => {
                described[from] = true;
                order(engines, to, EngineCommand::Apply { sdp });
            }
            EngineEvent::Applied => described[from] = true,
            EngineEvent::Candidate(candidate) => early.push((to, candidate)),
            _ => {}
        }
        for (to, candidate) in std::mem::take(&mut early) {
            if described[to] {
                order(engines, to, EngineCommand::Admit(candidate));
            } else {
                early.push((to, candidate));
            }
        }
    }
}

fn block_on<Output>(future: impl Future<Output = Output>) -> Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_goodbye_reaches_the_other_end_before_the_engine_counts_as_closed() {
    block_on(async {
        let mut engines = engines(Duration::from_secs(10));
        engines[0].order(Instant::now(), OTHER, EngineCommand::Offer);
        let mut open = [false; 2];
        converse(&mut engines, Some, |from, notice| {
            open[from] |= *notice == EngineEvent::Open;
            open == [true; 2]
        })
        .await;
        assert!(engines[0].send(Instant::now(), OTHER, b"said"));
        converse(&mut engines, Some, |from, notice| (from, notice) == (1, &EngineEvent::Message(b"said".to_vec())))
            .await;
        engines[0].close(Instant::now());
        assert!(!engines[0].send(Instant::now(), OTHER, b"too late"));
        let closed = poll_fn(|context| engines[0].poll_closed(context));
        tokio::time::timeout(PATIENCE, closed).await.expect("the goodbye is out");
        converse(&mut engines, Some, |from, notice| (from, notice) == (1, &EngineEvent::Closed)).await;
    });
}

#[test]
fn an_open_channel_outlives_a_hole_that_is_longer_than_the_handshake_may_take() {
    block_on(async {
        let addresses = PeerAddresses::default();
        let timeout = Duration::from_millis(700);
        let mut engines = engines_among(addresses.clone(), timeout);
        engines[0].order(Instant::now(), OTHER, EngineCommand::Offer);
        let (mut open, mut own) = ([false; 2], vec![]);
        converse(&mut engines, Some, |from, notice| {
            if let EngineEvent::Candidate(candidate) = notice {
                let words: Vec<&str> = candidate.candidate.split(' ').collect();
                own.push(format!("{}:{}", words[4], words[5]).parse().expect("an address"));
            }
            open[from] |= *notice == EngineEvent::Open;
            open == [true; 2]
        })
        .await;
        // Datagrams go only to addresses that a peer owns.
        own.iter().for_each(|address| addresses.leave(*address));
        let noticed = tokio::time::timeout(3 * timeout, next(&mut engines)).await;
        assert!(noticed.is_err(), "{noticed:?}");
        own.iter().for_each(|address| addresses.join(*address));
        assert!(engines[0].send(Instant::now(), OTHER, b"said"));
        converse(&mut engines, Some, |from, notice| (from, notice) == (1, &EngineEvent::Message(b"said".to_vec())))
            .await;
    });
}

#[test]
fn no_datagram_goes_to_a_foreign_address_and_the_edge_fails_in_its_time() {
    block_on(async {
        let victim = UdpSocket::bind("127.0.0.1:0").unwrap();
        victim.set_nonblocking(true).unwrap();
        let line = format!("candidate:1 1 udp 2130706431 {} typ host", victim.local_addr().unwrap()).replacen(
            "127.0.0.1:",
            "127.0.0.1 ",
            1,
        );
        // A server that puts the victim's address in the place of every candidate.
        let relay = |order| match order {
            EngineCommand::Admit(candidate) => {
                Some(EngineCommand::Admit(Candidate { candidate: line.clone(), ..candidate }))
            }
            EngineCommand::Accept { sdp } => Some(EngineCommand::Accept { sdp: format!("{sdp}a={line}\r\n") }),
            order => Some(order),
        };
        let mut engines = engines(Duration::from_millis(500));
        engines[0].order(Instant::now(), OTHER, EngineCommand::Offer);
        converse(&mut engines, relay, |_, notice| {
            matches!(notice, EngineEvent::Failed { reason: Reason::IceFailed, .. })
        })
        .await;
        assert!(victim.recv_from(&mut [0; 100]).is_err(), "somebody has sent the victim a datagram");
    });
}

#[test]
fn a_fingerprint_that_the_relay_has_altered_is_a_failure_of_dtls() {
    block_on(async {
        let relay = |order| match order {
            EngineCommand::Apply { sdp } => {
                let (before, after) = sdp.split_once("a=fingerprint:sha-256 ").expect("a fingerprint");
                let altered = if after.starts_with("00") { "11" } else { "00" };
                Some(EngineCommand::Apply { sdp: format!("{before}a=fingerprint:sha-256 {altered}{}", &after[2..]) })
            }
            order => Some(order),
        };
        let mut engines = engines(Duration::from_secs(5));
        engines[0].order(Instant::now(), OTHER, EngineCommand::Offer);
        converse(&mut engines, relay, |_, notice| {
            matches!(notice, EngineEvent::Failed { reason: Reason::DtlsFailed, .. })
        })
        .await;
    });
}
