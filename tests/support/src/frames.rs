//! Frames a second that one core's decoding gets through.

use meshload::dialect::{Conversation, Dialect, Input, PeerIdentity, PreparedValues};
use meshload::vocabulary::{Approval, Initiator, Naming, Seed, Trigger};
use std::hint::black_box;
use std::time::{Duration, Instant};

const LASTS: Duration = Duration::from_secs(1);

/// An offer as `dashboard` says it, with twelve candidates in its description.
pub fn dashboard_offer(to: &str) -> String {
    let sdp = description();
    format!(
        r#"{{"type":"webrtc-offer","channel":"webrtc-signaling","sender":"m-2","timestamp":1,"data":{{"roomId":"room1","fromUserId":"m-2","toUserId":"{to}","offer":{{"type":"offer","sdp":"{sdp}"}}}}}}"#
    )
}

pub fn description() -> String {
    "v=0\\r\\no=- 1 2 IN IP4 0.0.0.0\\r\\n".to_owned()
        + &"a=candidate:1 1 udp 1 127.0.0.1 5000 typ host\\r\\n".repeat(12)
}

/// Frames a second.
pub fn rate(dialect: &str, frame: &str) -> f64 {
    let mut traffic = converse(dialect);
    let now = Instant::now();
    traffic.handle(now, Input::Open);
    while traffic.poll().is_some() {}
    let mut frames = 0_u64;
    while now.elapsed() < LASTS {
        for _ in 0..1_000 {
            traffic.handle(now, Input::Frame(black_box(frame)));
            while let Some(output) = traffic.poll() {
                black_box(output);
            }
        }
        frames += 1_000;
    }
    frames as f64 / now.elapsed().as_secs_f64()
}

fn converse(dialect: &str) -> Box<dyn Conversation> {
    let me = PeerIdentity {
        id: "m-1".to_owned(),
        name: "one".to_owned(),
        room: "room1".to_owned(),
        host: false,
        trigger: Trigger::default(),
        initiator: Initiator::default(),
        settle: Duration::ZERO,
        approval: Approval::Off,
        epoch: (Instant::now(), 0),
        index: 1,
        seat: 1,
        size: 12,
        naming: Naming::new("m", 10),
        guests: 12,
        token: String::new(),
        data: Default::default(),
        seed: Seed(1),
        prepared: PreparedValues::default(),
    };
    Dialect::named(dialect).unwrap().converse(me)
}
