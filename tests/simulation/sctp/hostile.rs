//! An end that does not keep to the protocol costs its own association, bounded memory and bounded work.

use super::world::{Weather, World};
use super::{UNORDERED, message};
use meshload::engine::lean::sctp::ChannelPromise;
use proptest::prelude::*;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

const DATA: u8 = 0;
const INIT: u8 = 1;
const SACK: u8 = 3;
const RE_CONFIG: u8 = 130;
const FORWARD_TSN: u8 = 192;

const BEGINS: u8 = 2;
const UNORDERED_FLAG: u8 = 4;

/// A world whose end 0 is played by the test: with the tag that end 1 expects and the TSN that it expects next.
struct Victim {
    world: World,
    tag: u32,
    /// TSN of the next chunk to the victim, and of the victim's next chunk.
    next: u32,
    other_next: u32,
    sent: Rc<Cell<u64>>,
}

impl Victim {
    fn new() -> Self {
        let (tag, next, other_next) = <(Rc<Cell<u32>>, Rc<Cell<u32>>, Rc<Cell<u32>>)>::default();
        let mut world = World::new(7, Weather::default());
        let seen = (tag.clone(), next.clone(), other_next.clone());
        world.tap = Box::new(move |end, packet| {
            let number = |at: usize| u32::from_be_bytes(packet[at..at + 4].try_into().expect("four bytes"));
            if packet[12] == INIT {
                if end == 0 { &seen.1 } else { &seen.2 }.set(number(28));
            } else if end == 0 {
                seen.0.set(number(4));
            }
            true
        });
        world.connect(0, Duration::ZERO);
        world.connect(1, Duration::ZERO);
        world.pass(Duration::from_secs(1));
        let sent = Rc::new(Cell::new(0));
        let count = sent.clone();
        // From here on the network drops every packet of the victim.
        world.tap = Box::new(move |_, _| {
            count.set(count.get() + 1);
            false
        });
        Self { world, tag: tag.get(), next: next.get(), other_next: other_next.get(), sent }
    }

    fn feed(&mut self, chunks: &[(u8, u8, Vec<u8>)]) {
        let packet = packet(self.tag, chunks);
        self.world.feed(1, &packet);
    }

    fn data(&mut self, flags: u8, tsn: u32, ssn: u16, payload: &[u8]) {
        self.feed(&[(DATA, flags, data(tsn, 1, ssn, payload))]);
    }

    fn sack(&mut self, tsn: u32, window: u32, gaps: &[(u16, u16)]) {
        let body = sack(tsn, window, gaps);
        self.feed(&[(SACK, 0, body)]);
    }

    fn has_failed(&self) -> bool {
        self.world.told[1].iter().any(|told| told.starts_with("Failed"))
    }
}

fn packet(tag: u32, chunks: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let mut packet = vec![0x13, 0x88, 0x13, 0x88];
    packet.extend_from_slice(&tag.to_be_bytes());
    packet.extend_from_slice(&[0; 4]);
    for (kind, flags, body) in chunks {
        packet.extend_from_slice(&[*kind, *flags]);
        packet.extend_from_slice(&(body.len() as u16 + 4).to_be_bytes());
        packet.extend_from_slice(body);
        packet.resize(packet.len().next_multiple_of(4), 0);
    }
    packet
}

fn data(tsn: u32, stream: u16, ssn: u16, payload: &[u8]) -> Vec<u8> {
    let mut body = tsn.to_be_bytes().to_vec();
    body.extend_from_slice(&stream.to_be_bytes());
    body.extend_from_slice(&ssn.to_be_bytes());
    body.extend_from_slice(&53_u32.to_be_bytes());
    body.extend_from_slice(payload);
    body
}

fn sack(tsn: u32, window: u32, gaps: &[(u16, u16)]) -> Vec<u8> {
    let mut body = tsn.to_be_bytes().to_vec();
    body.extend_from_slice(&window.to_be_bytes());
    body.extend_from_slice(&(gaps.len() as u16).to_be_bytes());
    body.extend_from_slice(&[0; 2]);
    for (first, last) in gaps {
        body.extend_from_slice(&first.to_be_bytes());
        body.extend_from_slice(&last.to_be_bytes());
    }
    body
}

#[test]
fn a_hundred_thousand_fragments_that_never_end_are_refused() {
    // Neighbours of one message: it becomes too long.
    let mut victim = Victim::new();
    for ordinal in 0..100_000 {
        let flags = if ordinal == 0 { BEGINS } else { 0 };
        victim.data(flags, victim.next.wrapping_add(ordinal), 0, &[1; 4]);
    }
    assert!(victim.has_failed(), "{:?}", victim.world.told[1]);
    // Each begins a message of its own: more than the window.
    let mut victim = Victim::new();
    for ordinal in 0..100_000 {
        victim.data(BEGINS, victim.next.wrapping_add(ordinal), ordinal as u16, &[1]);
    }
    assert!(victim.has_failed(), "{:?}", victim.world.told[1]);
}

#[test]
fn fragments_with_gaps_and_backwards_cost_bounded_time() {
    let began = Instant::now();
    let mut victim = Victim::new();
    for ordinal in (0..100_000_u32).rev() {
        victim.data(UNORDERED_FLAG, victim.next.wrapping_add(1 + ordinal), 0, &[1]);
    }
    for ordinal in 0..100_000 {
        victim.data(BEGINS, victim.next.wrapping_add(2 * ordinal), 0, &[1]);
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?} for 200,000 packets", began.elapsed());
    assert!(victim.sent.get() <= 200_010, "one acknowledgement a packet at most: {}", victim.sent.get());
}

#[test]
fn an_acknowledgement_of_the_future_is_ignored() {
    let mut victim = Victim::new();
    victim.world.say(1, 1, ChannelPromise::RELIABLE, b"kept");
    for ahead in [1, 2, 1_000, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        victim.sack(victim.other_next.wrapping_add(ahead), 1_000_000, &[]);
    }
    victim.sack(
        victim.other_next.wrapping_sub(1),
        1_000_000,
        &[(0, 0), (1, 1), (1, u16::MAX), (5, 2), (60_000, 65_535)],
    );
    let before = victim.sent.get();
    victim.world.pass(Duration::from_secs(2));
    assert!(victim.sent.get() > before, "it is still sent again");
    victim.sack(victim.other_next, 1_000_000, &[]);
    assert!(victim.world.is_quiet());
}

#[test]
fn a_window_that_stays_shut_is_probed_slowly_and_the_queue_is_bounded() {
    let mut victim = Victim::new();
    victim.world.say(1, 1, ChannelPromise::RELIABLE, b"the last that is acknowledged");
    let mut queued = 0;
    while victim.world.say(1, 1, ChannelPromise::RELIABLE, &message(queued, 64)) {
        queued += 1;
        victim.sack(victim.other_next, 0, &[]);
    }
    assert!((1_000..5_000).contains(&queued), "{queued} messages wait");
    let before = victim.sent.get();
    for _ in 0..3_600 {
        victim.world.pass(Duration::from_secs(1));
        victim.sack(victim.other_next, 0, &[]);
    }
    let probes = victim.sent.get() - before;
    assert!((300..1_000).contains(&probes), "{probes} probes in an hour");
    assert!(!victim.has_failed());
}

#[test]
fn inits_by_the_hundred_thousand_are_answered_one_for_one() {
    let mut world = World::new(8, Weather::default());
    let sent = Rc::new(Cell::new(0));
    let count = sent.clone();
    world.tap = Box::new(move |_, packet| {
        assert!(packet.len() < 120);
        count.set(count.get() + 1);
        false
    });
    for ordinal in 1..=100_000_u32 {
        let mut body = ordinal.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 9]);
        world.feed(1, &crc(packet(0, &[(INIT, 0, body)])));
    }
    assert_eq!(sent.get(), 100_000);
    assert!(world.told[1].is_empty());
}

/// The CRC32c of RFC 9260 appendix A, bit by bit: not the crate that is tested.
fn crc(mut packet: Vec<u8>) -> Vec<u8> {
    let mut crc = u32::MAX;
    for byte in &packet {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    packet[8..12].copy_from_slice(&(!crc).to_le_bytes());
    packet
}

/// A chunk of a hostile end: numbers near to those that matter, and far from them.
fn chunk() -> impl Strategy<Value = (u8, u8, Vec<u8>, i32)> {
    let near = prop_oneof![8 => -20_i32..40, 1 => any::<i32>()];
    let kinds = [0, 0, 0, 1, 2, 3, 3, 4, 5, 7, 9, 10, 11, 14, 63, 130, 130, 192, 192, 255];
    let kind = proptest::sample::select(kinds.to_vec());
    (
        kind,
        any::<u8>(),
        proptest::collection::vec(prop_oneof![3 => Just(0_u8), 2 => 0_u8..20, 1 => any::<u8>()], 0..60),
        near,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn no_chunk_does_harm(
        packets in proptest::collection::vec((proptest::collection::vec(chunk(), 1..6), 0_u64..900, 0_usize..3_000), 1..60),
    ) {
        let mut victim = Victim::new();
        let mut fed = 0;
        for (chunks, pause_ms, says) in packets {
            if says > 1_500 {
                victim.world.say(1, 1, if says % 2 == 0 { UNORDERED } else { ChannelPromise::RELIABLE }, &message(says, says));
                fed += 3;
            }
            let chunks: Vec<(u8, u8, Vec<u8>)> = chunks.into_iter().map(|(kind, flags, mut body, near)| {
                let base = match kind { SACK | 7 => victim.other_next, _ => victim.next };
                if matches!(kind, DATA | SACK | FORWARD_TSN | 7) && body.len() >= 4 {
                    body[..4].copy_from_slice(&base.wrapping_add_signed(near).to_be_bytes());
                }
                if kind == RE_CONFIG && body.len() >= 8 {
                    let length = body.len() as u16;
                    body[..4].copy_from_slice(&[0, 13 + (near & 3) as u8, (length >> 8) as u8, length as u8]);
                    body[4..8].copy_from_slice(&base.wrapping_add_signed(near.clamp(-2, 2)).to_be_bytes());
                }
                (kind, flags, body)
            }).collect();
            victim.feed(&chunks);
            fed += 1;
            victim.world.pass(Duration::from_millis(pause_ms));
        }
        prop_assert!(victim.sent.get() <= 10 + 60 * fed, "{} packets for {fed}", victim.sent.get());
        victim.world.pass(Duration::from_secs(600));
        prop_assert!(victim.world.is_quiet(), "an end that says no more is given up");
    }

    #[test]
    fn no_bit_that_flips_does_harm(seed: u64, flips in proptest::collection::vec((12_usize..200, 0_u8..8), 1..400)) {
        let mut world = World::connected(seed, Weather { loss: 0.1, ..Weather::default() });
        let seen = Rc::new(RefCell::new(vec![]));
        let kept = seen.clone();
        world.tap = Box::new(move |end, packet| {
            if end == 0 {
                kept.borrow_mut().push(packet.to_vec());
            }
            true
        });
        for (ordinal, (at, bit)) in flips.into_iter().enumerate() {
            world.say(ordinal % 2, 1, ChannelPromise::RELIABLE, &message(ordinal, 2_000));
            // Nothing but DTLS guards a packet whose checksum is zero, so an altered one is as good as a hostile one.
            for mut altered in seen.take() {
                let at = at.min(altered.len() - 1);
                altered[at] ^= 1 << bit;
                world.feed(1, &altered);
            }
            world.pass(Duration::from_millis(100));
        }
        world.pass(Duration::from_secs(600));
        prop_assert!(world.is_quiet());
    }
}
