//! Two ends of one edge in one process, whose datagrams are passed in memory: no socket, no server.

use meshload::engine::lean::connection::{LeanConnection, SharedSettings};
use meshload::engine::lean::drive::Drive;
use meshload::engine::lean::ice::Credentials;
use meshload::engine::lean::identity::DtlsIdentity;
use meshload::engine::lean::sctp::ChannelPromise;
use meshload::engine::lean::sdp::Description;
use meshload::vocabulary::{EngineEvent, Seed};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey as Share, agree_ephemeral};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey,
};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(27);

/// More than any handshake takes; one that does is stuck.
const STEPS_MAX: usize = 1_000;

/// The settings and buffers that edges share, and the time that all of them are told.
pub struct Edges {
    settings: SharedSettings,
    drive: Drive,
    now: Instant,
}

impl Default for Edges {
    fn default() -> Self {
        let identity = Arc::new(DtlsIdentity::generate(1).expect("an identity"));
        let (settings, now) = (SharedSettings { identity, promise: ChannelPromise::RELIABLE }, Instant::now());
        Self { settings, drive: Drive::new(Seed(1).stream("edges", 0)), now }
    }
}

impl Edges {
    /// Opens one edge.
    pub fn open(&mut self) -> Edge {
        let Self { settings, drive, now } = self;
        let mut ends = [true, false].map(|offers| {
            let name = if offers { "0000abcdabcd" } else { "0001abcdabcd" };
            let credentials = Credentials { ufrag: name.into(), password: "0123456789abcdef0123456789abcdef".into() };
            LeanConnection::new(offers, credentials, settings, drive)
        });
        let offer = ends[0].describe(None, None, &mut drive.random);
        let heard = Description::read(&offer).expect("an offer");
        let answer = ends[1].describe(Some(&heard), None, &mut drive.random);
        ends[1].apply(*now, &heard, PATIENCE, drive).expect("an offer that fits");
        ends[0].apply(*now, &Description::read(&answer).expect("an answer"), PATIENCE, drive).expect("one that fits");
        let mut edge = Edge { ends, wire: VecDeque::new(), datagrams: 0, opened: 0, delivered: 0 };
        for end in 0..2 {
            edge.ends[end].add_candidate(*now, address(1 - end), drive);
            edge.collect(end, drive);
        }
        edge.settle(*now, drive);
        assert_eq!(edge.opened, 2, "an edge in memory did not open");
        edge
    }

    /// Sends `burst` messages of 64 bytes over an edge, and carries them and their acknowledgements.
    pub fn send(&mut self, edge: &mut Edge, burst: usize) {
        let Self { drive, now, .. } = self;
        for _ in 0..burst {
            assert!(edge.ends[0].send(*now, &[7; 64], drive), "no room for a message");
        }
        edge.collect(0, drive);
        edge.settle(*now, drive);
    }
}

/// An edge whose channel is open on both ends.
pub struct Edge {
    ends: [LeanConnection; 2],
    wire: VecDeque<(usize, Vec<u8>)>,
    pub datagrams: usize,
    opened: usize,
    pub delivered: usize,
}

impl Edge {
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
                EngineEvent::Open => self.opened += 1,
                EngineEvent::Message(_) => self.delivered += 1,
                EngineEvent::Failed { reason, detail } => panic!("an edge in memory failed: {reason:?} {detail}"),
                _ => {}
            }
        }
    }
}

fn address(end: usize) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 40_001 + end as u16))
}

/// Messages of 64 bytes delivered for each second of CPU, `burst` at a time over each of `count` edges in turn.
pub fn messages_per_cpu_second(count: usize, burst: usize) -> f64 {
    let mut edges = Edges::default();
    let mut open: Vec<Edge> = (0..count).map(|_| edges.open()).collect();
    let before = cpu_seconds();
    for _ in 0..480_000 / count / burst {
        for edge in &mut open {
            edges.send(edge, burst);
        }
    }
    let delivered: usize = open.iter().map(|edge| edge.delivered).sum();
    delivered as f64 / (cpu_seconds() - before)
}

/// CPU microseconds of the cryptography that no handshake can do without, for both ends: key, share and agreement on
/// P-256, a signature, and a verification each.
pub fn bare_cryptography_us(handshakes: usize) -> f64 {
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
pub fn cpu_seconds() -> f64 {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    schedstat.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or(f64::NAN) / 1e9
}

/// Memory that this process holds now, in pages of 4 KiB (proc_pid_statm(5)).
pub fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: usize = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4_096
}
