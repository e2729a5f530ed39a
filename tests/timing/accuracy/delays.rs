//! A relay of known delay: `signal_delivery` must say that delay, and nothing else.

use super::floor;
use super::plays::{from_the_top, play, signaling_pairs};
use super::processes::apart;
use super::relay::Relay;
use super::table::Row;
use meshload::summary::Distribution;
use std::time::Duration;

/// Rooms of two, so that hardly ever two frames are due at the same moment: a relay of one thread writes them one after
/// the other, and that is no delay that it was told to make. The first second finds cold code and no memory, and is
/// warm-up. A frame that overtakes the one before it can cost its pair the handshake, whose timeout then ends the run.
fn profile(rooms: u32) -> String {
    signaling_pairs(rooms, "1s") + "[handshake]\ntimeout = \"4s\"\n"
}

/// A percentile, and the milliseconds that the relay was told for it.
type Told = (&'static str, u64);

/// A run through a relay: what was observed, what the relay was told, and what it really did.
pub struct Passage {
    name: String,
    rooms: u32,
    /// No copy can have taken less; None if the delays differ.
    least: Option<Duration>,
    told: Vec<Told>,
    delivery: Distribution,
    held_us: Vec<u64>,
}

pub fn constant(delay: Duration, rooms: u32) -> Passage {
    let name = format!("relay of {} ms, signal_delivery", delay.as_millis());
    let told = ["p50", "p99", "p99.9"].map(|percentile| (percentile, delay.as_millis() as u64));
    Passage { least: Some(delay), ..Passage::through(name, told.into(), rooms, move |_| delay) }
}

/// Every tenth frame takes 100 ms, all others 5 ms.
pub fn two_points(rooms: u32) -> Passage {
    let delay = |ordinal| Duration::from_millis(if ordinal % 10 == 9 { 100 } else { 5 });
    let told = vec![("p50", 5), ("p75", 5), ("p95", 100), ("p99", 100)];
    Passage::through("relay of 5 ms, each tenth frame 100 ms:".to_owned(), told, rooms, delay)
}

impl Passage {
    /// The relay has a CPU of its own: it never sleeps, and would keep the generator waiting for up to a time slice.
    fn through(name: String, told: Vec<Told>, rooms: u32, delay: impl Fn(u64) -> Duration + Send + 'static) -> Self {
        let (summary, held_us) =
            apart(|| Relay::start(delay), |relay| (play(&profile(rooms), Some(relay.url()), 1), relay.held_us()));
        let delivery = summary.timers["signal_delivery"].due.clone();
        Self { name, rooms, least: None, told, delivery, held_us }
    }

    /// Each percentile beside the relay's own and that of `floor_us`.
    pub fn rows(&self, floor_us: &[u64]) -> Vec<Row> {
        let least = self.least.map(|least| self.at_least(least));
        least.into_iter().chain(self.told.iter().map(|told| self.row(*told, floor_us))).collect()
    }

    fn row(&self, (percentile, told_ms): Told, floor_us: &[u64]) -> Row {
        let share = percentile.trim_start_matches('p').parse::<f64>().expect("a percentile") / 100.0;
        let observed = self.delivery.histogram().expect("a histogram of ours").quantile_us(share);
        let held = floor::quantile(&self.held_us, share);
        assert!(held >= told_ms * 1_000, "the relay let go too early: {held} µs at {percentile} of {told_ms} ms");
        Row::near(format!("{} {percentile}", self.name), observed, held, floor::quantile(floor_us, share))
    }

    fn at_least(&self, least: Duration) -> Row {
        let us = least.as_micros() as u64;
        // A bucket of the histogram is a thousandth wide.
        let floor = us - us / 1_000 - 1;
        let lowest = from_the_top(&self.delivery, self.delivery.count as usize * 9 / 10);
        Row::new(
            format!("{} p10 of {}", self.name, self.delivery.count),
            format!("{:.2} ms", lowest as f64 / 1e3),
            format!("at least {} ms", least.as_millis()),
            lowest >= floor && self.delivery.count > u64::from(self.rooms) * 3,
        )
    }
}
