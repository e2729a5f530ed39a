//! SCTP between two ends of ours over a network that loses, doubles and reorders: each promise of delivery is kept.

mod hostile;
mod world;

use meshload::engine::lean::sctp::ChannelPromise;
use meshload::vocabulary::Reliability;
use proptest::prelude::*;
use std::time::Duration;
use world::{Weather, World};

const UNORDERED: ChannelPromise = ChannelPromise { ordered: false, reliability: Reliability::Reliable };

/// A message that can be told from all others; in bytes, at least 8.
fn message(ordinal: usize, bytes: usize) -> Vec<u8> {
    let mut message = vec![ordinal as u8; bytes.max(8)];
    message[..8].copy_from_slice(&ordinal.to_be_bytes());
    message
}

type Messages = Vec<Vec<u8>>;

#[derive(Clone, Copy, Debug)]
struct Said {
    end: usize,
    bytes: usize,
    pause_ms: u64,
}

fn weather() -> impl Strategy<Value = Weather> {
    (0.0..0.2, 0.0..0.3, 0_u64..30).prop_map(|(loss, duplicates, jitter_ms)| Weather { loss, duplicates, jitter_ms })
}

fn conversation() -> impl Strategy<Value = Vec<Said>> {
    let bytes = prop_oneof![4 => 8_usize..200, 2 => 1_000_usize..5_000, 1 => 20_000_usize..70_000];
    let said = (0_usize..2, bytes, prop_oneof![3 => Just(0_u64), 1 => 0_u64..400]);
    proptest::collection::vec(said.prop_map(|(end, bytes, pause_ms)| Said { end, bytes, pause_ms }), 1..40)
}

/// Plays the conversation, and returns the messages that each end sent and those that each received.
fn play(seed: u64, weather: Weather, said: &[Said], promise: ChannelPromise) -> [(Messages, Messages); 2] {
    let mut world = World::connected(seed, weather);
    let mut sent = [vec![], vec![]];
    for (ordinal, Said { end, bytes, pause_ms }) in said.iter().copied().enumerate() {
        let message = message(ordinal, bytes);
        // A full queue is emptied by time.
        if world.say(end, 3, promise, &message) {
            sent[end].push(message);
        }
        world.pass(Duration::from_millis(pause_ms));
    }
    world.pass(Duration::from_secs(200));
    world.weather = Weather::default();
    world.pass(Duration::from_secs(60));
    assert!(world.is_quiet(), "something is never done");
    for end in 0..2 {
        assert!(world.say(end, 3, ChannelPromise::RELIABLE, b"the last"), "{:?}", world.told);
    }
    world.pass(Duration::from_secs(2));
    assert!(world.stands(), "{:?}", world.told);
    let heard = world.heard.map(|mut heard| {
        assert!(heard.pop().as_deref() == Some(&b"the last"[..]), "the channel still works");
        heard
    });
    let [first, second] = sent;
    let [heard_by_first, heard_by_second] = heard;
    [(first, heard_by_second), (second, heard_by_first)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn reliable_and_ordered_messages_come_once_and_in_order(seed: u64, weather in weather(), said in conversation()) {
        for (sent, heard) in play(seed, weather, &said, ChannelPromise::RELIABLE) {
            prop_assert!(sent == heard, "sent {} and heard {}", sent.len(), heard.len());
        }
    }

    #[test]
    fn reliable_and_unordered_messages_come_once(seed: u64, weather in weather(), said in conversation()) {
        for (mut sent, mut heard) in play(seed, weather, &said, UNORDERED) {
            sent.sort();
            heard.sort();
            prop_assert!(sent == heard, "sent {} and heard {}", sent.len(), heard.len());
        }
    }

    #[test]
    fn partly_reliable_messages_come_at_most_once_and_in_order(
        seed: u64, weather in weather(), said in conversation(), ordered: bool, times in 0_u16..4, lifetime_ms in 1_u16..900, timed: bool,
    ) {
        let reliability = if timed { Reliability::MaxLifetime(lifetime_ms) } else { Reliability::MaxRetransmits(times) };
        for (sent, mut heard) in play(seed, weather, &said, ChannelPromise { ordered, reliability }) {
            if !ordered {
                heard.sort();
            }
            let mut rest = sent.iter();
            for message in &heard {
                prop_assert!(rest.any(|sent| sent == message), "twice, out of order, or never sent");
            }
        }
    }

    #[test]
    fn an_association_stands_whatever_is_lost(seed: u64, weather in weather(), pause_ms in prop_oneof![Just(0_u64), 0_u64..1_500], alone: bool) {
        let mut world = World::new(seed, weather);
        world.connect(0, Duration::ZERO);
        if !alone {
            world.connect(1, Duration::from_millis(pause_ms));
        }
        prop_assert!(world.say(0, 1, ChannelPromise::RELIABLE, b"with the cookie"));
        world.pass(Duration::from_secs(120));
        prop_assert!(world.stands(), "{:?}", world.told);
        prop_assert_eq!(&world.heard[1], &[b"with the cookie".to_vec()]);
    }
}

/// The other end has three messages that wait for a lost one, when a FORWARD-TSN skips that and the first two of them, whose
/// acknowledgements were lost.
#[test]
fn messages_that_came_behind_one_given_up_are_delivered_once_and_do_not_block_the_next() {
    let mut world = World::connected(1, Weather::default());
    let once = ChannelPromise { ordered: true, reliability: Reliability::MaxRetransmits(0) };
    world.tap = Box::new(|_, _| false);
    world.say(0, 1, once, &message(0, 100));
    world.tap = Box::new(|end, _| end == 0);
    for ordinal in 1..3 {
        world.say(0, 1, once, &message(ordinal, 100));
    }
    world.say(0, 1, ChannelPromise::RELIABLE, &message(3, 100));
    world.pass(Duration::from_millis(100));
    assert!(world.heard[1].is_empty(), "they wait");
    world.tap = Box::new(|_, _| true);
    world.pass(Duration::from_secs(2));
    world.say(0, 1, ChannelPromise::RELIABLE, &message(4, 100));
    world.pass(Duration::from_secs(2));
    assert_eq!(world.heard[1], [1, 2, 3, 4].map(|ordinal| message(ordinal, 100)));
}

#[test]
fn a_handshake_with_data_takes_four_packets() {
    let mut world = World::new(1, Weather::default());
    assert!(world.say(0, 1, ChannelPromise::RELIABLE, b"open"));
    world.connect(1, Duration::from_millis(50));
    world.connect(0, Duration::ZERO);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.heard[1], [b"open"]);
    assert_eq!(world.packets, 4, "INIT, INIT-ACK, COOKIE-ECHO with DATA, COOKIE-ACK with SACK");
    assert!(world.is_quiet());
}

#[test]
fn the_first_retransmission_of_a_message_waits_three_tenths_of_a_second() {
    let mut world = World::connected(1, Weather::default());
    world.tap = Box::new(|_, _| false);
    world.say(0, 1, ChannelPromise::RELIABLE, b"lost");
    world.tap = Box::new(|_, _| true);
    world.pass(Duration::from_millis(299));
    assert!(world.heard[1].is_empty());
    world.pass(Duration::from_millis(2));
    assert_eq!(world.heard[1], [b"lost"]);
}

#[test]
fn a_packet_lost_among_others_is_sent_again_before_its_timer() {
    let mut world = World::connected(1, Weather::default());
    let mut first = true;
    world.tap = Box::new(move |end, _| end != 0 || !std::mem::take(&mut first));
    for ordinal in 0..8 {
        assert!(world.say(0, 1, ChannelPromise::RELIABLE, &message(ordinal, 900)));
    }
    world.pass(Duration::from_millis(50));
    assert_eq!(world.heard[1].len(), 8, "fast retransmit");
}

#[test]
fn an_acknowledgement_that_is_held_back_holds_back_no_data() {
    for bytes in [1_000, 1_100, 1_144, 1_145, 1_160, 1_200, 20_000] {
        let mut world = World::connected(1, Weather::default());
        world.say(1, 1, ChannelPromise::RELIABLE, b"to be acknowledged");
        world.pass(Duration::from_millis(2));
        world.say(0, 1, ChannelPromise::RELIABLE, &message(1, bytes));
        world.pass(Duration::from_millis(50));
        assert_eq!(world.heard[1].len(), 1, "{bytes} bytes");
    }
}

#[test]
fn a_message_as_long_as_may_be_comes_through() {
    let mut world = World::connected(1, Weather { loss: 0.01, duplicates: 0.0, jitter_ms: 3 });
    for _ in 0..4 {
        assert!(world.say(0, 1, ChannelPromise::RELIABLE, &message(1, 262_144)));
        assert!(!world.say(0, 1, ChannelPromise::RELIABLE, &message(1, 262_145)));
        world.pass(Duration::from_secs(30));
    }
    assert_eq!(world.heard[1].len(), 4);
}

#[test]
fn a_hole_of_a_second_and_one_of_twenty_are_survived() {
    for seconds in [1, 20] {
        let mut world = World::connected(2, Weather::default());
        world.weather.loss = 1.0;
        world.say(0, 1, ChannelPromise::RELIABLE, &message(1, 5_000));
        world.pass(Duration::from_secs(seconds));
        world.weather.loss = 0.0;
        world.pass(Duration::from_secs(11));
        assert_eq!(world.heard[1].len(), 1);
        assert!(world.is_quiet());
    }
}

#[test]
fn an_end_that_never_answers_is_given_up() {
    let mut world = World::connected(3, Weather { loss: 1.0, ..Weather::default() });
    world.say(0, 1, ChannelPromise::RELIABLE, b"anybody?");
    world.pass(Duration::from_secs(200));
    assert_eq!(world.told[0], ["Failed(\"no acknowledgement came\")"]);
    assert!(world.ends[0].wake_at().is_none());
}

#[test]
fn a_stream_is_closed_both_ways_and_begins_anew() {
    let mut world = World::connected(4, Weather { loss: 0.3, ..Weather::default() });
    for ordinal in 0..5 {
        world.say(0, 1, ChannelPromise::RELIABLE, &message(ordinal, 100));
    }
    assert!(world.ends[0].close_stream(1));
    world.flush(0);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.told[1], ["StreamClosed(1)"]);
    assert_eq!(world.heard[1].len(), 5, "what was queued came first");
    assert!(world.ends[1].close_stream(1));
    world.flush(1);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.told[0], ["StreamClosed(1)"]);
    for end in 0..2 {
        assert!(world.say(end, 1, ChannelPromise::RELIABLE, b"again"));
    }
    world.pass(Duration::from_secs(60));
    assert_eq!((world.heard[0].len(), world.heard[1].len()), (1, 6));
    assert!(world.is_quiet());
}

#[test]
fn a_shutdown_delivers_what_is_queued_and_ends_both() {
    let mut world = World::connected(5, Weather { loss: 0.3, ..Weather::default() });
    world.say(0, 1, ChannelPromise::RELIABLE, &message(1, 20_000));
    world.ends[0].shutdown();
    world.flush(0);
    world.pass(Duration::from_secs(60));
    assert_eq!(world.heard[1].len(), 1);
    assert_eq!(world.told[1], ["Closed"]);
    assert_eq!(world.told[0], ["Closed"]);
    assert!(world.is_quiet());
}

#[test]
fn an_abort_ends_both_at_once() {
    let mut world = World::connected(6, Weather::default());
    world.ends[0].abort();
    world.flush(0);
    world.pass(Duration::from_millis(10));
    assert_eq!(world.told[1], ["Closed"]);
    assert!(world.is_quiet());
    assert!(!world.say(0, 1, ChannelPromise::RELIABLE, b"too late"));
}
