//! A server that sends one conversation any frames at all, one a line; the first line says in which dialect.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::dialect::{BuiltIn, Conversation, Dialect, Input, Output, PeerIdentity, PreparedValues, builtins};
use meshload::vocabulary::{Approval, Initiator, Naming, Seed, Trigger};
use std::time::{Duration, Instant};

thread_local! {
    /// Compiled once: that takes longer than a conversation does.
    static DIALECTS: Vec<Dialect> = builtins().iter().map(BuiltIn::dialect).collect();
}

fuzz_target!(|text: &str| {
    let (which, frames) = text.split_once('\n').unwrap_or(("0", text));
    let which = which.bytes().next().unwrap_or(b'0');
    let now = Instant::now();
    let me = PeerIdentity {
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
        naming: Naming::new("t", 10),
        guests: 2,
        token: String::new(),
        data: Default::default(),
        seed: Seed(1),
        prepared: PreparedValues::default(),
    };
    let mut conversation = DIALECTS.with(|all| all[usize::from(which.wrapping_sub(b'0')) % all.len()].converse(me));
    conversation.handle(now, Input::Open);
    drain(&mut *conversation);
    let (mut said, mut said_bytes, mut heard, mut heard_bytes) = (0, 0, 0, 0);
    for frame in frames.lines() {
        conversation.handle(now, Input::Frame(frame));
        let outputs = drain(&mut *conversation);
        heard += 1;
        heard_bytes += frame.len();
        for output in &outputs {
            if let Output::Send { text, .. } = output {
                said += 1;
                said_bytes += text.len();
            }
        }
        let booked = outputs.iter().filter(|output| matches!(output, Output::Frame { .. })).count();
        assert_eq!(booked, 1, "each frame is booked once: {outputs:?}");
    }
    // A room of eight with two guests, all within a second: a reply each, a join said again, and transport answers.
    assert!(said <= 64 + heard, "{said} frames said for {heard} heard");
    assert!(said_bytes <= 64 * 1_024 + 8 * heard_bytes, "{said_bytes} bytes said for {heard_bytes} heard");
});

fn drain(conversation: &mut dyn Conversation) -> Vec<Output> {
    std::iter::from_fn(|| conversation.poll()).collect()
}
