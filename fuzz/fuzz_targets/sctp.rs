//! Anything that can come out of DTLS: SCTP packets before, while and after an association stands.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::engine::lean::dcep::DataChannel;
use meshload::engine::lean::drive::Packets;
use meshload::engine::lean::sctp::{ChannelPromise, Config, Draws};
use std::time::{Duration, Instant};

const CONFIG: Config = Config { ports: (5000, 5000), send_bytes_max: 65_536, receive_bytes_max: 65_536 };

/// Most packets that an end may send for each one that it receives, and for each timer that fires.
const PACKETS_MAX: usize = 64;

// Steps, one behind the other: a byte of what to do, a byte of length, and so many bytes of chunks. The sender is known to
// the end: ports and tag are right, and a checksum of zero stands for DTLS.
fuzz_target!(|input: &[u8]| {
    let mut now = Instant::now();
    let promise = ChannelPromise::RELIABLE;
    let mut other = DataChannel::accepting(CONFIG, Draws { tag: 1, tsn: 1, cookie: 1 });
    let mut end = DataChannel::opening(now, CONFIG, Draws { tag: 2, tsn: 9, cookie: 2 }, promise, "chat", false);
    end.connect(now, Duration::ZERO);
    let mut out = Packets::default();
    let Some((handshake, mut rest)) = input.split_first() else { return };
    // As much of a real handshake as wanted.
    for step in 0..handshake % 8 {
        out.clear();
        let (from, to) = if step % 2 == 0 { (&mut end, &mut other) } else { (&mut other, &mut end) };
        from.flush(now, &mut out);
        out.iter().for_each(|(_, packet)| drop(to.handle(now, packet, &mut vec![])));
    }
    while let [action, length, more @ ..] = rest {
        let (chunks, after) = more.split_at(more.len().min((*length).into()));
        rest = after;
        out.clear();
        match action % 8 {
            0 => drop(end.wake(now)),
            1 => now += Duration::from_millis(u64::from(*length) * 10),
            2 => _ = end.send(now, chunks),
            3 => end.abort(),
            _ => {
                let mut packet = vec![0x13, 0x88, 0x13, 0x88, 0, 0, 0, if action % 8 == 4 { 0 } else { 2 }, 0, 0, 0, 0];
                packet.extend_from_slice(chunks);
                let _ = end.handle(now, &packet, &mut vec![]);
            }
        }
        end.flush(now, &mut out);
        assert!(out.len() <= PACKETS_MAX, "{} packets at once", out.len());
    }
});
