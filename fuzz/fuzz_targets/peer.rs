//! One peer, given any inputs in any order: whatever happens to it, it keeps the promises of its edges.
#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use meshload::peer::{Config, Input, Output, Peer, PeerCommand, ReconnectBackoff, TrafficConfig, TrafficPattern};
use meshload::vocabulary::{
    Candidate, EdgeEvent, EngineEvent, EventKind, Failure, Heard, Phase, Reason, Seat, Seed, Signal,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const ROOM_SIZE: u16 = 4;
const STEPS_MAX: usize = 500;

#[derive(Arbitrary, Debug)]
struct Step {
    /// Time after the step before.
    millis: u16,
    seat: u8,
    deed: Deed,
}

#[derive(Arbitrary, Debug)]
enum Deed {
    Companion,
    Back,
    Upgraded,
    Lost,
    Joined,
    Refused,
    PairRefused,
    Nonsense,
    Met { start: bool, initiate: bool },
    Left,
    Missed,
    Offer { polite: bool },
    Answer,
    Candidate,
    EndOfCandidates,
    EngineOffer,
    EngineAnswer,
    EngineCandidate,
    EngineGathered,
    EngineApplied,
    EngineIceUp,
    EngineDtlsUp,
    EngineOpen,
    EngineMessage(Vec<u8>),
    EngineClosed,
    EngineFailed,
    Talk,
    Hush,
    Leave,
    Depart { silent: bool },
    Wake,
}

fuzz_target!(|case: (bool, Vec<Step>)| {
    let (redials, steps) = case;
    let start = Instant::now();
    let mut now = start;
    let redial = ReconnectBackoff::new(Duration::from_millis(250), Duration::from_secs(5), Seed(1).stream("redial", 0));
    let mut peer = peer(start).with_reconnect(redials.then_some(redial));
    let mut recorder = Books::default();
    peer.handle(now, Input::Begin { due: now });
    recorder.drain(&mut peer);
    for Step { millis, seat, deed } in steps.into_iter().take(STEPS_MAX) {
        now += Duration::from_millis(millis.into());
        let (seat, woken) = (Seat(u16::from(seat) % (ROOM_SIZE + 1)), matches!(deed, Deed::Wake));
        if matches!(deed, Deed::Back) {
            // Its edge is a new one.
            recorder.decided.remove(&seat);
        }
        peer.handle(now, input(seat, deed));
        recorder.drain(&mut peer);
        if woken {
            assert!(peer.wake_at().is_none_or(|at| at > now), "woken, and wants to be woken at once again");
        }
    }
});

/// Steps that may happen only once.
#[derive(Default)]
struct Books {
    decided: BTreeSet<Seat>,
    closed: bool,
}

impl Books {
    fn drain(&mut self, peer: &mut Peer) {
        while let Some(output) = peer.poll() {
            assert!(!self.closed, "after its end: {output:?}");
            match output {
                Output::Event(
                    EventKind::Edge { other, event: EdgeEvent::Open }
                    | EventKind::Edge { other, event: EdgeEvent::Failed { .. } },
                ) => {
                    assert!(self.decided.insert(other), "{other:?} is decided twice");
                }
                Output::Close => self.closed = true,
                _ => {}
            }
        }
    }
}

fn peer(start: Instant) -> Peer {
    let traffic = TrafficConfig {
        pattern: TrafficPattern::PingPong,
        interval: Duration::from_millis(100),
        bytes: (16, 32),
        pool: Arc::from([0; 64]),
        draws: Seed(1).stream("talk", 0),
    };
    let config =
        Config { seat: Seat(0), room_size: ROOM_SIZE, timeout: Duration::from_secs(10), trickle: true, traffic };
    Peer::new(config, start)
}

fn input(seat: Seat, deed: Deed) -> Input {
    let said = |signal: Signal, polite: bool| Input::Heard(Heard::Signal { from: seat, signal, polite });
    let told = |notice: EngineEvent| Input::Engine(seat, notice);
    let sdp = || "sdp".to_owned();
    let candidate = || Candidate { candidate: "candidate".into(), mid: None, line: None, ufrag: None };
    let failure = || Failure::new(Phase::Join, Reason::Closed, "close 1001");
    match deed {
        Deed::Companion => Input::Command(PeerCommand::Companion { seat }),
        Deed::Back => Input::Command(PeerCommand::Back { seat }),
        Deed::Upgraded => Input::Upgraded,
        Deed::Lost => Input::Lost(failure()),
        Deed::Joined => Input::Heard(Heard::Joined),
        Deed::Refused => Input::Heard(Heard::Refused(failure())),
        Deed::PairRefused => Input::Heard(Heard::PairRefused { who: seat, detail: "EXPIRE".to_owned() }),
        Deed::Nonsense => Input::Heard(Heard::Nonsense),
        Deed::Met { start, initiate } => Input::Heard(Heard::Met { who: seat, start, initiate }),
        Deed::Left => Input::Heard(Heard::Left { who: seat }),
        Deed::Missed => Input::Heard(Heard::Missed { who: seat }),
        Deed::Offer { polite } => said(Signal::Offer { sdp: sdp() }, polite),
        Deed::Answer => said(Signal::Answer { sdp: sdp() }, false),
        Deed::Candidate => said(Signal::Candidate(candidate()), false),
        Deed::EndOfCandidates => said(Signal::EndOfCandidates, false),
        Deed::EngineOffer => told(EngineEvent::Offer { sdp: sdp() }),
        Deed::EngineAnswer => told(EngineEvent::Answer { sdp: sdp() }),
        Deed::EngineCandidate => told(EngineEvent::Candidate(candidate())),
        Deed::EngineGathered => told(EngineEvent::Gathered),
        Deed::EngineApplied => told(EngineEvent::Applied),
        Deed::EngineIceUp => told(EngineEvent::IceUp),
        Deed::EngineDtlsUp => told(EngineEvent::DtlsUp),
        Deed::EngineOpen => told(EngineEvent::Open),
        Deed::EngineMessage(payload) => told(EngineEvent::Message(payload)),
        Deed::EngineClosed => told(EngineEvent::Closed),
        Deed::EngineFailed => told(EngineEvent::Failed { reason: Reason::IceFailed, detail: "".into() }),
        Deed::Talk => Input::Command(PeerCommand::StartTraffic),
        Deed::Hush => Input::Command(PeerCommand::StopTraffic),
        Deed::Leave => Input::Command(PeerCommand::Leave),
        Deed::Depart { silent } => Input::Command(PeerCommand::Depart { silent }),
        Deed::Wake => Input::Wake,
    }
}
