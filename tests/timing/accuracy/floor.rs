//! Time that this machine takes to wake a thread for a byte: no program that sleeps can measure less.

use super::processes::apart;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const EVERY: Duration = Duration::from_millis(4);

/// Microseconds from before a write on one CPU until a thread that sleeps on another has read it, over loopback.
pub fn of_this_machine(times: usize) -> Vec<u64> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let mut writer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    writer.set_nodelay(true).expect("a TCP socket");
    let (mut reader, _) = listener.accept().expect("a connection");
    let write = move || {
        std::thread::spawn(move || {
            let start = Instant::now();
            (1..=times as u32).map(|turn| write_at(&mut writer, start + EVERY * turn)).collect::<Vec<_>>()
        })
    };
    let (written, read) = apart(write, |writing| {
        let mut byte = [0];
        let read: Vec<Instant> =
            (0..times).map(|_| reader.read_exact(&mut byte).map(|()| Instant::now()).expect("a byte")).collect();
        (writing.join().expect("a thread that ends"), read)
    });
    read.iter().zip(written).map(|(read, written)| (*read - written).as_micros() as u64).collect()
}

/// As the relay does, it never sleeps.
fn write_at(writer: &mut TcpStream, due: Instant) -> Instant {
    while Instant::now() < due {
        std::hint::spin_loop();
    }
    let now = Instant::now();
    writer.write_all(&[1]).expect("a reader");
    now
}

/// The sample that the share `quantile` of them does not exceed.
pub fn quantile(ascending: &[u64], quantile: f64) -> u64 {
    let rank = (ascending.len() as f64 * quantile).ceil() as usize;
    ascending.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}
