//! Anything that can come to a connection's port: STUN, and DTLS records at any point of a handshake.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::engine::lean::drive::Drive;
use meshload::engine::lean::dtls::{Dtls, DtlsRole};
use meshload::engine::lean::identity::{DtlsIdentity, Fingerprint, HashName};
use meshload::engine::lean::stun;
use meshload::vocabulary::Seed;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

static IDENTITY: LazyLock<Arc<DtlsIdentity>> =
    LazyLock::new(|| Arc::new(DtlsIdentity::generate(1).expect("an identity")));

/// Most datagrams that an end may send for each one that it receives, and for each timer that fires.
const DATAGRAMS_MAX: usize = 8;

fn end(role: DtlsRole) -> Dtls {
    let hex = IDENTITY.fingerprint().split(' ').nth(1).unwrap_or_default();
    let bytes = hex.split(':').filter_map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let fingerprint = Fingerprint { algorithm: HashName::Sha256, bytes };
    Dtls::new(role, IDENTITY.clone(), fingerprint, [7; 32], Duration::ZERO)
}

// The first byte: so many datagrams of a real handshake, and to whom the rest comes. Then steps: what to do, a length of two
// bytes, and so many bytes of a datagram, or of handshake messages for which the record's header is made.
fuzz_target!(|input: &[u8]| {
    let mut now = Instant::now();
    let Some((first, mut rest)) = input.split_first() else { return };
    let mut ends = [end(DtlsRole::Client), end(DtlsRole::Server)];
    let mut drive = Drive::new(Seed(1).stream("fuzz", 0));
    ends[0].start(now, &mut drive.out);
    for step in 0..usize::from(first % 5) {
        let datagrams: Vec<Vec<u8>> = drive.out.iter().map(|(_, datagram)| datagram.to_vec()).collect();
        drive.out.clear();
        for mut datagram in datagrams {
            ends[1 - step % 2].handle(now, &mut datagram, &mut drive).expect("the other end's datagram");
        }
    }
    let mut over = false;
    let target = &mut ends[usize::from(first >> 7)];
    while let [action, high, low, more @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (bytes, after) = more.split_at(more.len().min(length));
        rest = after;
        drive.out.clear();
        let mut datagram = bytes.to_vec();
        match action % 8 {
            0 => {
                now += Duration::from_millis(length as u64);
                over |= target.wake(now, &mut drive.out).is_err();
            }
            1 => {
                if let Some(message) = stun::Message::read(&datagram) {
                    message.is_authentic(&mut datagram, b"password");
                }
                let _ = stun::receiver_ufrag(&datagram);
            }
            2 => target.send(bytes, false, &mut drive.out),
            3 | 4 => {
                let mut record = vec![22, 254, 253, 0, 0, 0, 0, 0, 0, 1, *low, 0, 0];
                record[11..13].copy_from_slice(&(bytes.len() as u16).to_be_bytes());
                record.extend_from_slice(bytes);
                over |= target.handle(now, &mut record, &mut drive).is_err();
            }
            _ => over |= target.handle(now, &mut datagram, &mut drive).is_err(),
        }
        assert!(drive.plain.is_empty(), "data of nobody");
        assert!(drive.out.len() <= DATAGRAMS_MAX, "{} datagrams at once", drive.out.len());
        if over {
            return;
        }
    }
});
