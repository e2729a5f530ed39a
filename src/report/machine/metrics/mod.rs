//! The metrics of a run: each is defined once, for `metrics.prom`, the scrape endpoint and OTLP.

mod definitions;
pub(in crate::report) mod family;
mod figures;
mod scenarios;

pub(in crate::report) use definitions::{families, run_info, verdicts};

use crate::metrics::{LiveRoom, Tally};
use crate::summary::{Clock, SparseHistogram, Summary, Timer, TimerSamples};
use std::collections::BTreeMap;

/// The figures of a run at one moment: of the whole run, once it has ended.
#[derive(Clone, Debug, Default)]
pub struct MetricsSnapshot {
    /// Everything but samples; `timers` and `series` are empty while the run goes on.
    pub summary: Summary,
    pub samples: MetricsSamples,
    /// The counts of all rooms, those of the warm-up included, while the run goes on.
    pub tally: Tally,
    /// The rooms while the run goes on, if a view of them is shown.
    pub rooms: Vec<LiveRoom>,
    pub scope: SnapshotScope,
    pub has_ended: bool,
}

/// The part of a run that a snapshot is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotScope {
    #[default]
    Run,
    /// The share of this slot: nothing of it is judged by itself.
    Slot(u32),
    /// The sums that agents tell their controller while they play: three counts of `tally`, and nothing else.
    Agents,
}

impl SnapshotScope {
    pub(in crate::report) fn slot(self) -> Option<u32> {
        match self {
            Self::Slot(slot) => Some(slot),
            Self::Run | Self::Agents => None,
        }
    }
}

/// The samples behind the timers of a run.
#[derive(Clone, Debug, Default)]
pub struct MetricsSamples {
    /// By name, without the warm-up.
    pub timers: BTreeMap<String, TimerSamples>,
    /// The same of each scenario, by its name.
    pub scenarios: BTreeMap<String, BTreeMap<String, TimerSamples>>,
    /// Those of the control run.
    pub control: BTreeMap<String, TimerSamples>,
    /// The delay of the generator's timer.
    pub lag: SparseHistogram,
}

impl MetricsSnapshot {
    /// The figures of a run that has ended.
    pub fn of(summary: Summary) -> Self {
        Self { samples: MetricsSamples::of(&summary), summary, has_ended: true, ..Self::default() }
    }
}

impl MetricsSamples {
    fn of(summary: &Summary) -> Self {
        let of_timers = |timers: &BTreeMap<String, Timer>| {
            timers.iter().map(|(name, timer)| (name.clone(), samples(timer))).collect()
        };
        Self {
            timers: of_timers(&summary.timers),
            scenarios: summary.scenarios.iter().map(|(name, own)| (name.clone(), of_timers(&own.timers))).collect(),
            control: summary.control.as_ref().map(|control| of_timers(&control.timers)).unwrap_or_default(),
            // Skips a histogram that can't be decoded; `Summary::read` reports it.
            lag: summary.health.lag_us.histogram().map(|lag| SparseHistogram::of(&lag)).unwrap_or_default(),
        }
    }
}

fn samples(timer: &Timer) -> TimerSamples {
    let on = |clock: Clock| timer.on(clock).histogram().map(|it| SparseHistogram::of(&it)).unwrap_or_default();
    let due = on(Clock::Due);
    TimerSamples {
        began: Some(on(Clock::Began)).filter(|began| *began != due),
        net: timer.net.as_ref().map(|_| on(Clock::Net)),
        due,
    }
}
