//! Any message out of an open channel: it is counted, echoed or a surprise, and nothing else.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::peer::{Config, Input, Output, Peer, TrafficConfig, TrafficPattern};
use meshload::vocabulary::{EdgeEvent, EngineEvent, EventKind, Heard, PeerEvent, Seat, Seed, Signal};
use std::sync::Arc;
use std::time::{Duration, Instant};

const OTHER: Seat = Seat(1);

fuzz_target!(|payload: Vec<u8>| {
    let now = Instant::now();
    let mut peer = open(now);
    peer.handle(now, Input::Engine(OTHER, EngineEvent::Message(payload)));
    while let Some(output) = peer.poll() {
        let expected = match &output {
            Output::Event(
                EventKind::Edge { event: EdgeEvent::MessageReceived { .. }, .. }
                | EventKind::Edge { event: EdgeEvent::Echoed { .. }, .. }
                | EventKind::Peer(PeerEvent::Surprise { .. }),
            ) => true,
            Output::Send(parcel) => parcel.echo && parcel.to == OTHER,
            _ => false,
        };
        assert!(expected, "{output:?}");
    }
});

/// A peer that answers pings, with its one channel open.
fn open(now: Instant) -> Peer {
    let traffic = TrafficConfig {
        pattern: TrafficPattern::PingPong,
        interval: Duration::from_secs(1),
        bytes: (16, 16),
        pool: Arc::from([0; 16]),
        draws: Seed(1).stream("talk", 0),
    };
    let config = Config { seat: Seat(0), room_size: 2, timeout: Duration::from_secs(10), trickle: true, traffic };
    let mut peer = Peer::new(config, now);
    let offer = Signal::Offer { sdp: "offer".into() };
    for input in [
        Input::Begin { due: now },
        Input::Upgraded,
        Input::Heard(Heard::Joined),
        Input::Heard(Heard::Signal { from: OTHER, signal: offer, polite: true }),
        Input::Engine(OTHER, EngineEvent::Answer { sdp: "answer".into() }),
        Input::Engine(OTHER, EngineEvent::Open),
    ] {
        peer.handle(now, input);
        while peer.poll().is_some() {}
    }
    peer
}
