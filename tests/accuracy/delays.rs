//! A relay of known delay: `signal_delivery` must say that delay, and nothing else.

use crate::floor;
use crate::plays::{from_the_top, play};
use crate::processes::apart;
use crate::relay::Relay;
use crate::table::Row;
use meshload::summary::distribution::Distribution;
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

/// A run through a relay: what was observed, and what the relay really did.
pub struct Passage {
    name: String,
    /// No copy can have taken less; None if the delays differ.
    least: Option<Duration>,
    percentiles: &'static [&'static str],
    delivery: Distribution,
    held_us: Vec<u64>,
}

pub fn constant(delay: Duration, rooms: u32) -> Passage {
    let name = format!("relay of {} ms, signal_delivery", delay.as_millis());
    Passage { least: Some(delay), ..Passage::through(name, &["p50", "p99", "p99.9"], rooms, move |_| delay) }
}

/// Every tenth frame takes 100 ms, all others 5 ms.
pub fn two_points(rooms: u32) -> Passage {
    let delay = |ordinal| Duration::from_millis(if ordinal % 10 == 9 { 100 } else { 5 });
    Passage::through("relay of 5 ms, each tenth frame 100 ms:".to_owned(), &["p50", "p75", "p95", "p99"], rooms, delay)
}

impl Passage {
    /// The relay has a CPU of its own: it never sleeps, and would keep the generator waiting for up to a time slice.
    fn through(
        name: String,
        percentiles: &'static [&'static str],
        rooms: u32,
        delay: impl Fn(u64) -> Duration + Send + 'static,
    ) -> Self {
        let (summary, held_us) =
            apart(|| Relay::start(delay), |relay| (play(&profile(rooms), Some(relay.url()), 1), relay.held_us()));
        Self { name, least: None, percentiles, delivery: summary.timers["signal_delivery"].due.clone(), held_us }
    }

    /// Each percentile beside the relay's own and that of `floor_us`.
    pub fn rows(&self, floor_us: &[u64]) -> Vec<Row> {
        let least = self.least.map(|least| self.at_least(least));
        least.into_iter().chain(self.percentiles.iter().map(|percentile| self.row(percentile, floor_us))).collect()
    }

    fn row(&self, percentile: &str, floor_us: &[u64]) -> Row {
        let share = percentile.trim_start_matches('p').parse::<f64>().expect("a percentile") / 100.0;
        let observed = self.delivery.histogram().expect("a histogram of ours").quantile_us(share);
        let quantile = |of: &[u64]| floor::quantile(of, share);
        Row::near(format!("{} {percentile}", self.name), observed, quantile(&self.held_us), quantile(floor_us))
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
            lowest >= floor && self.delivery.count > 100,
        )
    }
}
