//! `LiveCourse`: the latest snapshot of a run, and what its snapshots so far add up to: the curve and the log.

use super::news::{LogEntry, news};
use crate::profile::Profile;
use crate::report::MetricsSnapshot;
use crate::summary::SparseHistogram;
use crate::vocabulary::inert_text::inert;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Points of the curve; of a longer run, each stands for a longer time.
const POINTS_MAX: usize = 240;
/// Lines of the log.
const LINES_MAX: usize = 200;
/// Characters of a line.
const CHARS_MAX: usize = 300;

/// The lengths that the plan of a run gives it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlannedCourse {
    pub whole: Duration,
    pub warmup: Duration,
    pub steady: Duration,
    /// At most.
    pub drain: Duration,
}

/// The samples of `time_to_open` between two snapshots.
#[derive(Clone, Debug)]
pub(super) struct CurvePoint {
    /// The time of the later one, from the start of the run.
    pub at: Duration,
    pub samples: SparseHistogram,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LogLine {
    /// From the start of the run.
    pub at: Duration,
    pub news: LogEntry,
}

pub(super) struct LiveCourse {
    pub planned: PlannedCourse,
    pub colour: bool,
    /// `None` until the run has begun.
    pub snapshot: Option<Arc<MetricsSnapshot>>,
    /// The time of the run now.
    pub elapsed: Duration,
    pub curve: Vec<CurvePoint>,
    pub log: Vec<LogLine>,
    taken_at: Option<Instant>,
    lines_told: usize,
}

impl PlannedCourse {
    /// `whole`: the planned length of the run.
    pub fn of(profile: &Profile, whole: Duration) -> Self {
        let phases = &profile.phases;
        Self { whole, warmup: phases.warmup, steady: phases.steady, drain: phases.drain }
    }

    /// The planned length of a phase; `None` for the ramp, which lasts as long as it takes.
    pub(super) fn of_phase(self, name: &str) -> Option<Duration> {
        match name {
            "warmup" => Some(self.warmup),
            "steady" => Some(self.steady),
            "drain" => Some(self.drain),
            _ => None,
        }
    }
}

impl LiveCourse {
    pub(super) fn new(planned: PlannedCourse, colour: bool) -> Self {
        Self {
            planned,
            colour,
            snapshot: None,
            elapsed: Duration::ZERO,
            curve: vec![],
            log: vec![],
            taken_at: None,
            lines_told: 0,
        }
    }

    /// Takes a snapshot unless it is the latest already.
    pub(super) fn take(&mut self, now: Instant, snapshot: Arc<MetricsSnapshot>) {
        let latest = self.snapshot.take();
        if latest.as_ref().is_some_and(|latest| Arc::ptr_eq(latest, &snapshot)) {
            self.snapshot = latest;
            return;
        }
        // Another run begins anew; its log goes on.
        let before = latest.filter(|latest| latest.summary.run.id == snapshot.summary.run.id);
        if before.is_none() {
            self.curve.clear();
        }
        let at = Duration::from_micros(snapshot.summary.run.duration_us);
        let news = news(before.as_ref().map(|before| &before.summary), &snapshot);
        news.into_iter().for_each(|news| self.log(at, news));
        self.add_point(at, before.as_deref(), &snapshot);
        (self.taken_at, self.elapsed, self.snapshot) = (Some(now), at, Some(snapshot));
    }

    /// The run goes on between two snapshots.
    pub(super) fn tick(&mut self, now: Instant) {
        if let (Some(snapshot), Some(taken_at)) = (&self.snapshot, self.taken_at) {
            let since = if snapshot.has_ended { Duration::ZERO } else { now.saturating_duration_since(taken_at) };
            self.elapsed = Duration::from_micros(snapshot.summary.run.duration_us) + since;
        }
    }

    /// The lines of stderr that are in the log.
    pub(super) fn lines_told(&self) -> usize {
        self.lines_told
    }

    /// Adds lines of stderr.
    pub(super) fn told(&mut self, lines: Vec<String>) {
        self.lines_told += lines.len();
        lines.into_iter().for_each(|line| self.log(self.elapsed, LogEntry::Told(line)));
    }

    fn log(&mut self, at: Duration, news: LogEntry) {
        let line = LogLine { at, news: news.map(|text| inert(text, CHARS_MAX)) };
        self.log.push(line);
        if self.log.len() > LINES_MAX {
            self.log.remove(0);
        }
    }

    fn add_point(&mut self, at: Duration, before: Option<&MetricsSnapshot>, snapshot: &MetricsSnapshot) {
        let Some(timer) = snapshot.samples.timers.get("time_to_open") else { return };
        let before = before.and_then(|before| before.samples.timers.get("time_to_open"));
        let samples = before.map_or_else(|| timer.due.clone(), |before| timer.due.since(&before.due));
        if samples.count() > 0 {
            self.curve.push(CurvePoint { at, samples });
        }
        if self.curve.len() > POINTS_MAX {
            let pair = |pair: &[CurvePoint]| {
                let mut point = pair[pair.len() - 1].clone();
                pair.iter().rev().skip(1).for_each(|earlier| point.samples.merge(&earlier.samples));
                point
            };
            self.curve = self.curve.chunks(2).map(pair).collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Histogram, Summary, TimerSamples};

    fn snapshot(id: &str, second: u64, samples_us: &[u64]) -> Arc<MetricsSnapshot> {
        let mut summary = Summary::default();
        (summary.run.id, summary.run.duration_us) = (id.to_owned(), second * 1_000_000);
        let mut snapshot = MetricsSnapshot { summary, ..MetricsSnapshot::default() };
        let mut dense = Histogram::default();
        samples_us.iter().for_each(|us| dense.record_us(*us));
        let due = SparseHistogram::of(&dense);
        snapshot.samples.timers.insert("time_to_open".to_owned(), TimerSamples { due, ..TimerSamples::default() });
        Arc::new(snapshot)
    }

    fn points(course: &LiveCourse) -> Vec<(u64, u64)> {
        course.curve.iter().map(|point| (point.at.as_secs(), point.samples.count())).collect()
    }

    #[test]
    fn a_point_of_the_curve_has_the_samples_since_the_one_before_and_another_run_begins_anew() {
        let (now, mut course) = (Instant::now(), LiveCourse::new(PlannedCourse::default(), false));
        for (second, samples) in [(1, &[5, 6][..]), (2, &[5, 6]), (3, &[5, 6, 900])] {
            course.take(now, snapshot("m1", second, samples));
        }
        assert_eq!(points(&course), [(1, 2), (3, 1)]);
        assert_eq!(course.curve[1].samples.quantile_us(0.5), 900);
        course.tick(now + Duration::from_secs(2));
        assert_eq!(course.elapsed, Duration::from_secs(5));
        course.take(now, snapshot("m2", 1, &[7]));
        assert_eq!(points(&course), [(1, 1)]);
    }

    #[test]
    fn a_long_run_has_few_points_and_every_sample() {
        let (now, mut course) = (Instant::now(), LiveCourse::new(PlannedCourse::default(), false));
        let mut samples = vec![];
        for second in 1..=1_000 {
            samples.push(second);
            course.take(now, snapshot("m1", second, &samples));
        }
        assert!(course.curve.len() <= POINTS_MAX);
        assert_eq!(points(&course).iter().map(|(_, count)| count).sum::<u64>(), 1_000);
        assert_eq!(course.curve.last().unwrap().at, Duration::from_secs(1_000));
    }

    #[test]
    fn foreign_text_is_inert_and_the_log_bounded() {
        let mut course = LiveCourse::new(PlannedCourse::default(), false);
        course.told((0..LINES_MAX + 5).map(|line| format!("{line}\x1b[2J")).collect());
        assert_eq!((course.log.len(), course.lines_told()), (LINES_MAX, LINES_MAX + 5));
        assert_eq!(course.log[0].news, LogEntry::Told("5\\u{1b}[2J".to_owned()));
    }
}
