//! Frames of clients of the reference server, one a line: the first byte of a line is the client. The answers are
//! bounded by the frames.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::server::faults;
use meshload::server::rooms::{ClientId, SignalingRooms};
use meshload::server::service::Service;
use meshload::server::{RoomModel, Routing};
use meshload::vocabulary::Seed;
use std::time::{Duration, Instant};

const CLIENTS: u32 = 4;

fuzz_target!(|input: (bool, bool, &str, &str)| {
    let (registry, by_room, rule, frames) = input;
    let start = Instant::now();
    let kind = if registry { RoomModel::Registry } else { RoomModel::Relay };
    let routing = if by_room { Routing::Room } else { Routing::All };
    let wall = jiff::Timestamp::UNIX_EPOCH;
    let rooms = SignalingRooms::new(kind, routing, Duration::ZERO, start, wall);
    let rules = faults::rules(rule).unwrap_or_default();
    let mut service = Service::new(rooms, rules, Seed(1), start);
    for client in 0..CLIENTS {
        service.connected(start, ClientId(client));
    }
    let (mut now, mut heard, mut said) = (start, 0, 0);
    for line in frames.lines() {
        let Some((first, text)) = line.split_at_checked(1) else { continue };
        now += Duration::from_millis(1);
        heard += line.len();
        service.frame(now, ClientId(u32::from(first.as_bytes()[0]) % CLIENTS), text);
        service.wake(now);
        while let Some(delivery) = service.poll() {
            said += delivery.text.len() * service.recipients(&delivery.to).count();
        }
        while service.poll_disconnect().is_some() {}
    }
    // A list is sent after each change, to each client; `duplicate` repeats at most a hundred times.
    let lists = (heard + 4_096) * (frames.lines().count() + 1);
    assert!(said <= 100 * CLIENTS as usize * (lists + 4_096), "{said} bytes said for {heard} heard");
    for client in 0..CLIENTS {
        service.closed(now, ClientId(client));
    }
});
