//! A relay of known delay: `signal_delivery` must say that delay, and nothing else.

use crate::plays::{from_the_top, play};
use crate::relay::Relay;
use crate::table::Row;
use std::time::Duration;

/// Rooms of two, so that hardly ever two frames are due at the same moment: a relay of one thread writes them one after
/// the other, and that is no delay that it was told to make. The first second finds cold code and no memory, and is
/// warm-up.
fn profile(rooms: u32) -> String {
    format!(
        "[rooms]\ncount = {rooms}\nsize = 2\n[arrivals]\nrate = \"40/s\"\n[engine]\nkind = \"none\"\n\
         [messages]\npattern = \"none\"\n[phases]\nwarmup = \"1s\"\nsteady = \"0s\"\ndrain = \"0s\"\n"
    )
}

pub fn constant(delay: Duration, rooms: u32) -> Vec<Row> {
    let relay = Relay::start(move |_| delay);
    let summary = play(&profile(rooms), Some(relay.url()), 1);
    let delivery = &summary.timers["signal_delivery"].due;
    let (us, name) = (delay.as_micros() as u64, format!("relay of {} ms, signal_delivery", delay.as_millis()));
    // A bucket of the histogram is a thousandth wide.
    let floor = us - us / 1_000 - 1;
    let lowest = from_the_top(delivery, delivery.count as usize * 9 / 10);
    let mut rows = vec![Row::new(
        format!("{name} p10 of {}", delivery.count),
        format!("{:.2} ms", lowest as f64 / 1e3),
        format!("at least {} ms", delay.as_millis()),
        lowest >= floor && delivery.count > u64::from(rooms) * 3,
    )];
    for (percentile, observed) in [("p50", delivery.p.p50), ("p99", delivery.p.p99), ("p99.9", delivery.p.p99_9)] {
        rows.push(Row::near(format!("{name} {percentile}"), observed, us));
    }
    rows
}

/// Every tenth frame takes 100 ms, all others 5 ms.
pub fn two_points(rooms: u32) -> Vec<Row> {
    let relay = Relay::start(|ordinal| Duration::from_millis(if ordinal % 10 == 9 { 100 } else { 5 }));
    let summary = play(&profile(rooms), Some(relay.url()), 1);
    let delivery = &summary.timers["signal_delivery"].due;
    let name = format!("relay of 5 ms, each tenth frame 100 ms, of {}", delivery.count);
    vec![
        Row::near(format!("{name}: p50"), delivery.p.p50, 5_000),
        Row::near(format!("{name}: p75"), delivery.p.p75, 5_000),
        Row::near(format!("{name}: p95"), delivery.p.p95, 100_000),
        Row::near(format!("{name}: p99"), delivery.p.p99, 100_000),
    ]
}
