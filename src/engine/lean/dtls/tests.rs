//! Two ends in one process, on a clock of their own, over a wire that loses, repeats and reorders.

use super::*;
use crate::engine::lean::identity::HashName;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use ring::digest::{SHA256, digest};
use std::sync::LazyLock;

static IDENTITIES: LazyLock<[Arc<DtlsIdentity>; 2]> =
    LazyLock::new(|| [1, 2].map(|serial| Arc::new(DtlsIdentity::generate(serial).unwrap())));

fn fingerprint(identity: &DtlsIdentity) -> Fingerprint {
    let bytes = digest(&SHA256, identity.certificate()).as_ref().into();
    Fingerprint { algorithm: HashName::Sha256, bytes }
}

struct World {
    ends: [Dtls; 2],
    ended: [Option<Ended>; 2],
    heard: [Vec<Vec<u8>>; 2],
    /// Datagrams in transit, each with its receiving end.
    wire: Vec<(usize, Vec<u8>)>,
    drive: Drive,
    now: Instant,
    datagrams: usize,
}

impl World {
    /// The client is end 0.
    fn new() -> Self {
        Self::with(fingerprint(&IDENTITIES[1]), fingerprint(&IDENTITIES[0]))
    }

    fn with(expected_by_client: Fingerprint, expected_by_server: Fingerprint) -> Self {
        let [a, b] = &*IDENTITIES;
        let client = Dtls::new(DtlsRole::Client, a.clone(), expected_by_client, [1; 32], Duration::ZERO);
        let server = Dtls::new(DtlsRole::Server, b.clone(), expected_by_server, [2; 32], Duration::ZERO);
        let mut world = Self {
            ends: [client, server],
            ended: [None, None],
            heard: [vec![], vec![]],
            wire: vec![],
            drive: Drive::new(ChaCha8Rng::seed_from_u64(1)),
            now: Instant::now(),
            datagrams: 0,
        };
        world.ends[0].start(world.now, &mut world.drive.out);
        world.collect(0);
        world
    }

    fn collect(&mut self, from: usize) {
        self.datagrams += self.drive.out.len();
        self.wire.extend(self.drive.out.iter().map(|(_, datagram)| (1 - from, datagram.to_vec())));
        self.drive.out.clear();
    }

    fn hand(&mut self, to: usize, mut datagram: Vec<u8>) {
        if self.ended[to].is_some() {
            return;
        }
        self.ended[to] = self.ends[to].handle(self.now, &mut datagram, &mut self.drive).err();
        self.heard[to].extend(self.drive.plain.iter().map(|(_, data)| data.to_vec()));
        self.drive.plain.clear();
        self.collect(to);
    }

    fn deliver_all(&mut self) {
        for _ in 0..10_000 {
            if self.wire.is_empty() {
                return;
            }
            let (to, datagram) = self.wire.remove(0);
            self.hand(to, datagram);
        }
        panic!("the two never fall silent");
    }

    fn turn_clock(&mut self) {
        let next = self.ends.iter().filter_map(Dtls::wake_at).min();
        self.now = next.unwrap_or(self.now + Duration::from_millis(100)).max(self.now);
        for end in 0..2 {
            if self.ended[end].is_none() {
                self.ended[end] = self.ends[end].wake(self.now, &mut self.drive.out).err();
                self.collect(end);
            }
        }
    }

    fn are_connected(&self) -> bool {
        self.ends.iter().all(Dtls::is_connected)
    }

    fn say(&mut self, from: usize, payload: &[u8]) {
        self.ends[from].send(payload, false, &mut self.drive.out);
        assert!(!self.drive.out.is_empty(), "not connected");
        self.collect(from);
    }
}

#[test]
fn two_ends_connect_in_four_datagrams_and_hear_each_other() {
    let mut world = World::new();
    world.deliver_all();
    assert!(world.are_connected(), "{:?}", world.ended);
    assert_eq!(world.datagrams, 4);
    world.say(0, b"from the client");
    world.say(1, b"from the server");
    world.deliver_all();
    assert_eq!(world.heard, [vec![b"from the server".to_vec()], vec![b"from the client".to_vec()]]);
    assert!(world.ends.iter().all(|end| end.wake_at().is_none()));
}

#[test]
fn data_joins_the_datagram_of_the_finished() {
    let mut world = World::new();
    for _ in 0..2 {
        let (to, datagram) = world.wire.remove(0);
        world.hand(to, datagram);
    }
    let (_, mut third) = world.wire.remove(0);
    world.ends[1].handle(world.now, &mut third, &mut world.drive).unwrap();
    world.ends[1].send(b"INIT", true, &mut world.drive.out);
    world.collect(1);
    assert_eq!(world.wire.len(), 1);
    world.deliver_all();
    assert_eq!(world.heard[0], [b"INIT"]);
}

#[test]
fn a_certificate_that_the_description_does_not_name_fails_both_ends() {
    let own = || fingerprint(&IDENTITIES[0]);
    let mut world = World::with(own(), own());
    world.deliver_all();
    let Some(Ended::Failed(detail)) = &world.ended[0] else { panic!("the client went on") };
    assert!(detail.contains("fingerprint"), "{detail}");
    assert_eq!(world.ended[1], Some(Ended::Failed("alert received: bad_certificate".into())));
    let mut world = World::with(fingerprint(&IDENTITIES[1]), fingerprint(&IDENTITIES[1]));
    world.deliver_all();
    assert_eq!(world.ended[0], Some(Ended::Failed("alert received: bad_certificate".into())));
}

#[test]
fn a_goodbye_is_heard_and_a_replayed_record_is_not() {
    let mut world = World::new();
    world.deliver_all();
    world.say(0, b"once");
    let (to, datagram) = world.wire.remove(0);
    for _ in 0..3 {
        world.hand(to, datagram.clone());
    }
    assert_eq!(world.heard[1], [b"once"]);
    world.ends[0].close(false, &mut world.drive.out);
    world.collect(0);
    world.deliver_all();
    assert_eq!(world.ended[1], Some(Ended::Closed));
    world.ends[0].send(b"late", false, &mut world.drive.out);
    assert!(world.drive.out.is_empty());
}

#[test]
fn a_lost_last_flight_is_said_again_when_the_client_repeats_its_own() {
    let mut world = World::new();
    while !world.ends[1].is_connected() {
        let (to, datagram) = world.wire.remove(0);
        world.hand(to, datagram);
    }
    world.wire.clear();
    world.turn_clock();
    world.deliver_all();
    assert!(world.are_connected());
}

#[test]
fn a_flight_that_is_replayed_a_thousand_times_is_answered_once() {
    let mut world = World::new();
    let (to, hello) = world.wire.remove(0);
    for _ in 0..1_000 {
        world.hand(to, hello.clone());
    }
    assert_eq!(world.wire.len(), 1);
    world.deliver_all();
    assert!(world.are_connected());
    let before = world.datagrams;
    for _ in 0..1_000 {
        world.hand(to, hello.clone());
    }
    assert_eq!(world.datagrams, before);
}

/// A record of epoch 0 with one handshake message.
fn handshake_record(kind: u8, sequence: u16, body: &[u8]) -> Vec<u8> {
    let mut flight = Flight::default();
    let message = flight.message(kind, sequence, false, |bytes| bytes.extend_from_slice(body)).to_vec();
    let mut record = Vec::new();
    record::write_header(&mut record, kind::HANDSHAKE, 0, 7, message.len());
    record.extend_from_slice(&message);
    record
}

#[test]
fn messages_out_of_turn_end_a_handshake_with_an_alert() {
    for (kind, detail) in [(20, None), (14, Some("unexpected")), (2, Some("unexpected")), (1, Some("malformed"))] {
        let mut world = World::new();
        world.wire.clear();
        world.hand(1, handshake_record(kind, 0, &[0; 4]));
        match (&world.ended[1], detail) {
            (None, None) => assert!(world.wire.is_empty(), "a Finished in the clear is dropped"),
            (Some(Ended::Failed(seen)), Some(detail)) => assert!(seen.contains(detail), "{seen}"),
            other => panic!("{kind}: {other:?}"),
        }
        assert!(detail.is_none() || world.wire.len() == 1);
    }
}

#[test]
fn a_certificate_of_100_kb_costs_one_edge_and_no_memory() {
    let mut world = World::new();
    world.wire.clear();
    let mut record = Vec::new();
    record::write_header(&mut record, kind::HANDSHAKE, 0, 7, 12 + 1_000);
    record.extend_from_slice(&[11, 1, 0x86, 0xa0, 0, 1, 0, 0, 0, 0, 0x03, 0xe8]);
    record.resize(13 + 12 + 1_000, 0);
    world.hand(0, record);
    assert_eq!(world.ended[0], Some(Ended::Failed("malformed message: it is too long".into())));
}

#[test]
fn a_finished_that_lies_is_refused() {
    let mut world = World::new();
    for _ in 0..3 {
        let (to, datagram) = world.wire.remove(0);
        if world.ends[1].secrets.is_none() && to == 1 && world.datagrams == 3 {
            // Another client's Finished, sealed with the keys of this one.
            let keep = datagram.len() - (SEALED_BYTES + 24);
            world.hand(1, datagram[..keep].to_vec());
            let (write, _) = world.ends[0].secrets.as_ref().unwrap();
            let mut flight = Flight::default();
            let lie = flight.message(messages::kind::FINISHED, 4, true, |body| body.extend_from_slice(&[9; 12]));
            let mut record = Vec::new();
            write.seal(&mut record, kind::HANDSHAKE, 77, lie);
            world.hand(1, record);
        } else {
            world.hand(to, datagram);
        }
    }
    assert_eq!(world.ended[1], Some(Ended::Failed("the Finished message does not fit the handshake".into())));
}

#[test]
fn a_client_is_asked_for_a_cookie_and_brings_it() {
    let mut world = World::new();
    world.wire.clear();
    world.hand(0, handshake_record(3, 0, &[254, 253, 5, b'c', b'o', b'o', b'k', b'y']));
    let (_, hello) = world.wire.remove(0);
    assert!(hello.windows(6).any(|bytes| bytes == b"\x05cooky"));
    assert_eq!(hello[17..19], [0, 1], "message sequence");
}

#[test]
fn an_offer_to_negotiate_anew_is_refused_with_a_warning() {
    let mut world = World::new();
    world.deliver_all();
    let (write, _) = world.ends[0].secrets.as_ref().unwrap();
    let mut record = Vec::new();
    let mut flight = Flight::default();
    let hello = flight.message(1, 9, true, |body| body.extend_from_slice(&[0; 40]));
    write.seal(&mut record, kind::HANDSHAKE, 99, hello);
    world.hand(1, record);
    assert_eq!((world.wire.len(), world.ended[1].is_none()), (1, true));
    world.deliver_all();
    assert!(world.are_connected());
}

/// Passes datagrams over a lossy wire until both are connected; returns the number of clock steps.
fn over_a_bad_wire(seed: u64, loss: f64, twice: f64, late: f64) -> Option<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut world = World::new();
    for turn in 0..200 {
        for _ in 0..100 {
            if world.wire.is_empty() {
                break;
            }
            let at = if random.random_bool(late) { random.random_range(0..world.wire.len()) } else { 0 };
            let (to, datagram) = world.wire.remove(at);
            world.now += Duration::from_millis(1);
            if random.random_bool(twice) {
                world.wire.push((to, datagram.clone()));
            }
            if !random.random_bool(loss) {
                world.hand(to, datagram);
            }
        }
        assert_eq!(world.ended, [None, None], "seed {seed}");
        if world.are_connected() {
            return Some(turn);
        }
        world.turn_clock();
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn loss_repeats_and_disorder_only_cost_time(seed: u64, loss in 0.0..0.5, twice in 0.0..0.3, late in 0.0..0.5) {
        prop_assert!(over_a_bad_wire(seed, loss, twice, late).is_some());
    }

    #[test]
    fn no_datagram_makes_it_panic(flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..8), at in 0_usize..4) {
        let mut world = World::new();
        for step in 0..6 {
            if world.wire.is_empty() { break; }
            let (to, mut datagram) = world.wire.remove(0);
            if step == at {
                for (place, byte) in &flips {
                    let length = datagram.len();
                    datagram[place % length] = *byte;
                }
            }
            world.hand(to, datagram);
        }
    }
}
