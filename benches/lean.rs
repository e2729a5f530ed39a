//! The cost of an edge of the engine `lean` in memory, beside the bare cryptography of its DTLS handshake: no socket, no server.
//! `cargo bench --bench lean -- EDGES` prints both; scripts may count it under callgrind.

use meshload::engine::lean::connection::{ConnectionEvent, Drive, LeanConnection, SharedSettings};
use meshload::engine::lean::dcep::{ChannelPromise, ChannelReliability};
use meshload::engine::lean::ice::Credentials;
use meshload::engine::lean::identity::DtlsIdentity;
use meshload::engine::lean::sdp::Description;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey as Share, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const PATIENCE: Duration = Duration::from_secs(27);

/// More than any handshake takes; one that does is stuck.
const STEPS_MAX: usize = 1_000;

/// Both ends of an edge, and what is on the way to each.
struct Edge {
    ends: [LeanConnection; 2],
    wire: VecDeque<(usize, Vec<u8>)>,
    datagrams: usize,
    opened: usize,
    delivered: usize,
}

impl Edge {
    fn open(now: Instant, common: &SharedSettings, drive: &mut Drive) -> Self {
        let mut ends = [true, false].map(|offers| {
            let name = if offers { "0000abcdabcd" } else { "0001abcdabcd" };
            let credentials = Credentials { ufrag: name.into(), password: "0123456789abcdef0123456789abcdef".into() };
            LeanConnection::new(offers, credentials, common, drive)
        });
        let offer = ends[0].describe(None, None, &mut drive.random);
        let heard = Description::read(&offer).expect("an offer");
        let answer = ends[1].describe(Some(&heard), None, &mut drive.random);
        ends[1].apply(now, &heard, PATIENCE, drive).expect("an offer that fits");
        ends[0].apply(now, &Description::read(&answer).expect("an answer"), PATIENCE, drive).expect("one that fits");
        let mut edge = Self { ends, wire: VecDeque::new(), datagrams: 0, opened: 0, delivered: 0 };
        for end in 0..2 {
            edge.ends[end].add_candidate(now, address(1 - end), drive);
            edge.collect(end, drive);
        }
        edge.settle(now, drive);
        assert_eq!(edge.opened, 2, "an edge in memory did not open");
        edge
    }

    fn settle(&mut self, now: Instant, drive: &mut Drive) {
        for _ in 0..STEPS_MAX {
            let Some((to, mut datagram)) = self.wire.pop_front() else { return };
            self.ends[to].handle(now, address(1 - to), &mut datagram, drive);
            self.collect(to, drive);
        }
        panic!("an edge in memory never falls silent");
    }

    fn collect(&mut self, from: usize, drive: &mut Drive) {
        self.datagrams += drive.out.len();
        self.wire.extend(drive.out.iter().map(|(_, datagram)| (1 - from, datagram.to_vec())));
        drive.out.clear();
        for event in drive.events.drain(..) {
            match event {
                ConnectionEvent::Open => self.opened += 1,
                ConnectionEvent::Message(_) => self.delivered += 1,
                ConnectionEvent::Failed(layer, detail) => panic!("an edge in memory failed: {layer:?} {detail}"),
                _ => {}
            }
        }
    }
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 40_001 + end as u16))
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench");
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let edges: usize = arguments.next().map_or(900, |argument| argument.parse().expect("a number of edges"));
    let identity = Arc::new(DtlsIdentity::generate(1).expect("an identity"));
    let common = SharedSettings {
        identity,
        promise: ChannelPromise { ordered: true, reliability: ChannelReliability::Reliable },
    };
    let mut drive = Drive::new(ChaCha8Rng::seed_from_u64(1));
    let now = Instant::now();
    // What is made once a process is no edge's; and one pass warms the other.
    let _warm: Vec<Edge> = (0..20).map(|_| Edge::open(now, &common, &mut drive)).collect();
    let bare_before = bare_us(300);
    let (cpu, resident) = (cpu_seconds(), resident_bytes());
    let mut open: Vec<Edge> = Vec::with_capacity(edges);
    open.extend((0..edges).map(|_| Edge::open(now, &common, &mut drive)));
    let us_per_edge = (cpu_seconds() - cpu) * 1e6 / edges as f64;
    let bytes_per_end = resident_bytes().saturating_sub(resident) / (2 * edges.max(1));
    let bare = (bare_before + bare_us(300)) / 2.0;
    let datagrams: usize = open.iter().map(|edge| edge.datagrams).sum();
    let cpu = cpu_seconds();
    let rounds = 200_000 / edges.clamp(1, 450);
    for _ in 0..rounds {
        for edge in open.iter_mut().take(450) {
            edge.ends[0].send(now, &[7; 64], &mut drive);
            edge.collect(0, &mut drive);
            edge.settle(now, &mut drive);
        }
    }
    let delivered: usize = open.iter().map(|edge| edge.delivered).sum();
    println!(
        r#"{{"edges":{edges},"us_per_edge":{us_per_edge:.1},"bare_us":{bare:.1},"ratio":{:.3},"bytes_per_end":{bytes_per_end},"struct_bytes":{},"datagrams_per_edge":{:.1},"messages_per_cpu_second":{:.0}}}"#,
        us_per_edge / bare,
        size_of::<LeanConnection>(),
        datagrams as f64 / edges as f64,
        delivered as f64 / (cpu_seconds() - cpu),
    );
}

/// The cryptography that no handshake can do without, for both ends: key, share and agreement on P-256, a signature, and
/// a verification each.
fn bare_us(handshakes: usize) -> f64 {
    let random = SystemRandom::new();
    let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("a key");
    let signer = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).expect("a key");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, signer.public_key().as_ref().to_vec());
    let before = cpu_seconds();
    for _ in 0..handshakes {
        let keys = [0, 1].map(|_| EphemeralPrivateKey::generate(&ECDH_P256, &random).expect("a key"));
        let shares = [0, 1].map(|end: usize| keys[end].compute_public_key().expect("a share"));
        for (end, key) in keys.into_iter().enumerate() {
            let share = Share::new(&ECDH_P256, shares[1 - end].as_ref());
            agree_ephemeral(key, &share, |secret| std::hint::black_box(secret[0])).expect("a secret");
            let signature = signer.sign(&random, shares[end].as_ref()).expect("a signature");
            public.verify(shares[end].as_ref(), signature.as_ref()).expect("one that fits");
        }
    }
    (cpu_seconds() - before) * 1e6 / handshakes as f64
}

/// CPU that this thread has used so far (proc_pid_schedstat: nanoseconds first).
fn cpu_seconds() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Memory that this process holds now, in pages of 4 KiB (proc_pid_statm(5)).
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}
