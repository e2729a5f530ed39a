//! Two engines of one worker over real sockets of loopback.

use super::*;
use crate::vocabulary::message::Candidate;
use crate::vocabulary::options::Reliability;
use crate::vocabulary::seed::Seed;
use std::future::poll_fn;
use std::net::UdpSocket;

/// The other end, as each of the two sees it.
const OTHER: Seat = Seat(1);

fn engines(trickle: bool) -> [LeanEngine; 2] {
    let setup = LeanSetup::new(EngineSettings {
        addresses: PeerAddresses::default(),
        timeout: Duration::from_secs(1),
        trickle,
        ordered: true,
        reliability: Reliability::Reliable,
    });
    let setup = setup.unwrap();
    [0, 1].map(|index| LeanEngine::open(setup.clone(), 2, None, Seed(1).stream("ice", index)).unwrap())
}

/// The next notice of either, with whose it is.
async fn next(engines: &mut [LeanEngine; 2]) -> (usize, EngineEvent) {
    loop {
        let wake_at = engines.iter_mut().filter_map(Engine::wake_at).min();
        let wake_at = wake_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(9));
        let found = poll_fn(|context| {
            for (index, engine) in engines.iter_mut().enumerate() {
                while let Poll::Ready(Ok(())) = engine.poll_readable(context) {
                    engine.read(Instant::now());
                }
                if let Some(notice) = engine.poll() {
                    return Poll::Ready((index, notice.event));
                }
            }
            Poll::Pending
        });
        if let Ok(found) = tokio::time::timeout_at(wake_at.into(), found).await {
            return found;
        }
        engines.iter_mut().for_each(|engine| engine.wake(Instant::now()));
    }
}

/// Carries signals between the two, as `relay` alters them, until each has told one of `wanted`. The sockets are bound
/// within the runtime.
fn converse(
    trickle: bool,
    relay: impl Fn(EngineCommand) -> EngineCommand,
    wanted: impl Fn(&EngineEvent) -> bool,
) -> [EngineEvent; 2] {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut told = [None, None];
    runtime.block_on(async {
        let mut engines = engines(trickle);
        engines[0].order(Instant::now(), OTHER, EngineCommand::Offer);
        while told.contains(&None) {
            let (from, notice) = next(&mut engines).await;
            let order = match &notice {
                EngineEvent::Offer { sdp } => Some(EngineCommand::Accept { sdp: sdp.clone() }),
                EngineEvent::Answer { sdp } => Some(EngineCommand::Apply { sdp: sdp.clone() }),
                EngineEvent::Candidate(candidate) => Some(EngineCommand::Admit(candidate.clone())),
                _ => None,
            };
            if let Some(order) = order {
                engines[1 - from].order(Instant::now(), OTHER, relay(order));
            } else if wanted(&notice) {
                told[from] = Some(notice);
            }
        }
    });
    told.map(Option::unwrap)
}

#[test]
fn two_engines_open_a_channel_with_and_without_trickling() {
    for trickle in [true, false] {
        let opened = converse(trickle, |order| order, |notice| *notice == EngineEvent::Open);
        assert_eq!(opened, [EngineEvent::Open, EngineEvent::Open]);
    }
}

#[test]
fn no_datagram_goes_to_a_foreign_address_and_the_edge_fails_in_its_time() {
    let foreigner = UdpSocket::bind("127.0.0.1:0").unwrap();
    foreigner.set_nonblocking(true).unwrap();
    let foreign = host_candidate(foreigner.local_addr().unwrap());
    let began = Instant::now();
    let failed = converse(
        true,
        |order| match order {
            EngineCommand::Admit(candidate) => {
                EngineCommand::Admit(Candidate { candidate: foreign.clone(), ..candidate })
            }
            other => other,
        },
        |notice| matches!(notice, EngineEvent::Failed { .. }),
    );
    let expected = EngineEvent::Failed { reason: Reason::IceFailed, detail: ice::NO_ANSWER.into() };
    assert_eq!(failed, [expected.clone(), expected]);
    assert!(began.elapsed() >= Duration::from_millis(900));
    assert!(foreigner.recv_from(&mut [0; 2_000]).is_err(), "a datagram went to a foreign address");
}

#[test]
fn a_fingerprint_that_the_relay_has_altered_is_a_failure_of_dtls() {
    let swap = |sdp: String| {
        let at = sdp.find("sha-256 ").expect("a fingerprint") + 8;
        format!("{}{}{}", &sdp[..at], if sdp[at..].starts_with("00") { "01" } else { "00" }, &sdp[at + 2..])
    };
    let failed = converse(
        true,
        |order| match order {
            EngineCommand::Accept { sdp } => EngineCommand::Accept { sdp: swap(sdp) },
            other => other,
        },
        |notice| matches!(notice, EngineEvent::Failed { .. }),
    );
    for notice in failed {
        assert!(matches!(notice, EngineEvent::Failed { reason: Reason::DtlsFailed, .. }), "{notice:?}");
    }
}

#[test]
fn an_answer_for_an_edge_that_was_dropped_is_told_of_by_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let [mut offering, mut answering] = engines(false);
        let now = Instant::now();
        offering.order(now, OTHER, EngineCommand::Offer);
        let Some(EngineNotice { event: EngineEvent::Offer { sdp }, .. }) = offering.poll() else { panic!("no offer") };
        answering.order(now, OTHER, EngineCommand::Accept { sdp });
        let Some(EngineNotice { event: EngineEvent::Answer { sdp }, .. }) = answering.poll() else {
            panic!("no answer")
        };
        offering.order(now, OTHER, EngineCommand::Drop);
        offering.order(now, OTHER, EngineCommand::Apply { sdp: sdp.clone() });
        assert!(offering.poll().is_none(), "there is no edge to apply it to");
    });
}
