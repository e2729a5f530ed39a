//! Figures of a run in progress, for gates and metrics: each worker sends a small copy, the controller merges them.

use crate::metrics::fold::failures::Failures;
use crate::metrics::fold::timers::TimerId;
use crate::metrics::fold::totals::Totals;
use crate::metrics::output::rooms::LiveRoom;
use crate::metrics::record::recorder::Recorder;
use crate::metrics::tally::Tally;
use crate::summary::metric::{DELIVERY_OF_A_KIND, TIMERS};
use crate::summary::{Clock, Counts, Histogram, Readings, SparseHistogram, TimerSamples};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures of the measured rooms at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveMetrics {
    whole: LiveFigures,
    /// Of each kind of room, by its name; empty without `[[scenarios]]`.
    scenarios: Vec<(String, LiveFigures)>,
    pub(in crate::metrics) failures: Failures,
    /// Of all rooms.
    pub(in crate::metrics) tally: Tally,
    /// For a view of the run in the same process.
    #[serde(skip)]
    rooms: Vec<LiveRoom>,
}

/// The timers and counts of some measured rooms. The rates leave out undecided edges, and messages in flight are not lost
/// yet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveFigures {
    timers: Vec<(String, Clock, SparseHistogram)>,
    counts: Counts,
}

/// Every timer on each of its clocks, as `Recorder::live` takes them; `kinds`: the dialect's message types.
pub fn all_timers(kinds: &[String]) -> Vec<(String, Clock)> {
    let on = |clock: Clock, has: fn(usize) -> bool| {
        (0..TIMERS.len()).filter(move |timer| has(*timer)).map(move |timer| (TIMERS[timer].to_owned(), clock))
    };
    let (began, net) = (on(Clock::Began, TimerId::has_two_clocks), on(Clock::Net, TimerId::has_net));
    let kinds = kinds.iter().map(|kind| format!("{DELIVERY_OF_A_KIND}{kind}"));
    let names = TIMERS.iter().map(|name| (*name).to_owned()).chain(kinds);
    names.map(|name| (name, Clock::Due)).chain(began).chain(net).collect()
}

impl Recorder {
    /// Copies the named timers, such as those of gates that can end the run; names are those of `Readings::timer`.
    /// `kinds`: the dialect's message types; `scenarios`: the names by which the figures are split.
    pub fn live(&self, timers: &[(String, Clock)], kinds: &[String], scenarios: &[String]) -> LiveMetrics {
        let mut live = LiveMetrics { tally: self.tally(), ..LiveMetrics::default() };
        // A share may have no room of the last scenarios.
        for (index, totals) in self.all_totals.iter().step_by(2).enumerate() {
            let figures = self.live_figures(index, totals, timers, kinds);
            live.failures.merge(&totals.failures);
            if let Some(name) = scenarios.get(index) {
                live.scenarios.push((name.clone(), figures.clone()));
            }
            live.whole.merge(figures);
        }
        live
    }

    /// The figures of the measured rooms of one scenario, whose totals are `totals`.
    fn live_figures(
        &self,
        scenario: usize,
        totals: &Totals,
        timers: &[(String, Clock)],
        kinds: &[String],
    ) -> LiveFigures {
        let copy = |(name, clock): &(String, Clock)| {
            let timer = totals.timers.named(name, *clock, kinds).filter(|timer| !timer.is_empty())?;
            Some((name.clone(), *clock, SparseHistogram::of(timer)))
        };
        let mut counts = totals.counts(kinds);
        let measured = self.rooms.iter().filter(|room| room.totals_at == 2 * scenario);
        for window in measured.flat_map(|room| &self.edges[room.edge_range()]).flat_map(|edge| edge.windows) {
            counts.messages.lost += window.overtaken();
            counts.messages.sent += u64::from(window.sent());
            counts.messages.delivered += u64::from(window.received());
        }
        LiveFigures { timers: timers.iter().filter_map(copy).collect(), counts }
    }
}

impl LiveMetrics {
    /// The same with the state of its rooms.
    pub fn with_rooms(self, rooms: Vec<LiveRoom>) -> Self {
        Self { rooms, ..self }
    }

    /// The rooms in the order of the plan; none if none were wanted.
    pub fn rooms(&self) -> Vec<LiveRoom> {
        let mut rooms = self.rooms.clone();
        rooms.sort_by_key(|room| room.index);
        rooms
    }

    /// The counts of all rooms, those of the warm-up included.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Adds another worker's figures of the same timers.
    pub fn merge(&mut self, other: Self) {
        self.whole.merge(other.whole);
        for (name, theirs) in other.scenarios {
            match self.scenarios.iter_mut().find(|(known, _)| *known == name) {
                Some((_, ours)) => ours.merge(theirs),
                None => self.scenarios.push((name, theirs)),
            }
        }
        self.failures.merge(&other.failures);
        self.tally += other.tally;
        self.rooms.extend(other.rooms);
    }

    /// The figures of all measured rooms.
    pub fn whole(&self) -> &LiveFigures {
        &self.whole
    }

    /// The figures of each scenario, by its name.
    pub fn scenarios(&self) -> &[(String, LiveFigures)] {
        &self.scenarios
    }
}

impl LiveFigures {
    fn merge(&mut self, other: Self) {
        for (name, clock, theirs) in other.timers {
            match self.timers.iter_mut().find(|(known, on, _)| *known == name && *on == clock) {
                Some((_, _, ours)) => ours.merge(&theirs),
                None => self.timers.push((name, clock, theirs)),
            }
        }
        self.counts += other.counts;
    }

    /// All timers by name, those without a sample included: a counter that a scraper first sees at its second value has lost its
    /// growth until then (<https://prometheus.io/docs/practices/instrumentation/#avoid-missing-metrics>). `kinds`: the
    /// dialect's message types.
    pub fn timers(&self, kinds: &[String]) -> BTreeMap<String, TimerSamples> {
        let mut timers: BTreeMap<String, TimerSamples> = BTreeMap::new();
        for (name, clock) in all_timers(kinds) {
            let timer = timers.entry(name.clone()).or_default();
            let samples = self.samples(&name, clock).cloned().unwrap_or_default();
            match clock {
                Clock::Due => timer.due = samples,
                Clock::Began => timer.began = Some(samples),
                Clock::Net => timer.net = Some(samples),
            }
        }
        timers
    }

    /// The samples of a timer that was copied.
    pub(in crate::metrics) fn samples(&self, name: &str, clock: Clock) -> Option<&SparseHistogram> {
        let found = self.timers.iter().find(|(known, on, _)| known == name && *on == clock);
        found.map(|(_, _, samples)| samples)
    }
}

impl Readings for LiveFigures {
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram> {
        self.samples(name, clock).map(SparseHistogram::dense)
    }

    fn rate(&self, name: &str) -> Option<(f64, u64)> {
        let (peers, edges, messages) = (&self.counts.peers, &self.counts.edges, &self.counts.messages);
        let edges_decided = edges.opened + edges.failed + edges.dropped;
        let (part, of) = match name {
            "edges_failed" => (edges.failed + edges.dropped, edges_decided),
            "mesh_complete" => (edges.opened, edges_decided),
            "peers_failed" => (peers.failed + peers.dropped, peers.joined + peers.failed + peers.dropped),
            "messages_lost" => (messages.lost, messages.sent),
            _ => return None,
        };
        (of > 0).then(|| (part as f64 / of as f64, of))
    }

    fn counts(&self) -> &Counts {
        &self.counts
    }
}

impl Readings for LiveMetrics {
    fn timer(&self, name: &str, clock: Clock) -> Option<Histogram> {
        self.whole.timer(name, clock)
    }

    fn rate(&self, name: &str) -> Option<(f64, u64)> {
        self.whole.rate(name)
    }

    fn counts(&self) -> &Counts {
        self.whole.counts()
    }

    fn scenario(&self, name: &str) -> Option<&dyn Readings> {
        let found = self.scenarios.iter().find(|(known, _)| known == name);
        found.map(|(_, figures)| figures as &dyn Readings)
    }
}
