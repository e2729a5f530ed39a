//! A server that sends one conversation any frames at all, one a line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::dialect::{Conversation, Dialect, Input, Me, Output};
use meshload::vocabulary::choice::{Approval, Initiator, Trigger};
use meshload::vocabulary::seed::Seed;
use std::time::{Duration, Instant};

fuzz_target!(|frames: &str| {
    let now = Instant::now();
    let me = Me {
        id: "b".into(),
        name: "Bea".into(),
        room: "r".into(),
        host: false,
        trigger: Trigger::UserJoinedRoom,
        initiator: Initiator::Existing,
        settle: Duration::ZERO,
        approval: Approval::Off,
        epoch: (now, 0),
        index: 1,
        seat: 1,
        size: 8,
        token: String::new(),
        seed: Seed(1),
    };
    let mut conversation = Dialect::named("dashboard").unwrap().converse(me);
    conversation.handle(now, Input::Open);
    drain(&mut *conversation);
    for frame in frames.lines() {
        conversation.handle(now, Input::Frame(frame));
        let outputs = drain(&mut *conversation);
        let booked = outputs.iter().filter(|output| matches!(output, Output::Frame { .. })).count();
        assert_eq!(booked, 1, "each frame is booked once: {outputs:?}");
    }
});

fn drain(conversation: &mut dyn Conversation) -> Vec<Output> {
    std::iter::from_fn(|| conversation.poll()).collect()
}
