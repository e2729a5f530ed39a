//! The controller's side of the workers: starts their threads, steps the phases, watches gates and health, collects what they recorded.

use super::conductor::{Conduct, Conductor, Lengths, Part};
use super::context::RunContext;
use super::machine::machine;
use super::outcome::Stop;
use super::progress::{Progress, Show, View};
use super::signals::Signals;
use super::umpire::Umpire;
use super::vitals;
use super::worker::{Harvest, work};
use crate::metrics::Health;
use crate::summary::run::PhaseSpan;
use crate::summary::stamp::stamp;
use crate::summary::verdict::GateResult;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// How often the conductor looks, and progress is drawn.
const STEP_EVERY: Duration = Duration::from_millis(50);

/// How often the process is sampled.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// Workers that have not come back this long after everybody was told to leave are given up.
const HARVEST_MAX: Duration = Duration::from_secs(4);

/// The wall clock may drift from the monotonic one by this much before it counts as a jump.
const CLOCK_SLACK: Duration = Duration::from_millis(500);

/// The controller's side of the workers.
pub(super) struct WatchOver {
    common: Arc<RunContext>,
    threads: Vec<Option<JoinHandle<Harvest>>>,
    conduct: watch::Sender<Conduct>,
    conductor: Conductor,
    health: Health,
    progress: Progress,
    umpire: Umpire,
    /// The gate that ended the run.
    tripped: Option<GateResult>,
    started_at: SystemTime,
    sampled_at: Instant,
    /// At whole seconds of the run, as the rows of the series are.
    sample_due: Instant,
}

impl WatchOver {
    pub(super) fn start(
        common: Arc<RunContext>,
        workers: usize,
        show: Show,
        umpire: Umpire,
        started_at: SystemTime,
    ) -> io::Result<Self> {
        let (conduct, conducted) = watch::channel(Conduct::Play);
        let mut threads = vec![];
        for worker in 0..workers {
            let rooms = common.plan.share(worker, workers).rooms;
            let (common, conducted) = (common.clone(), conducted.clone());
            let thread = thread::Builder::new()
                .name(format!("worker {worker}"))
                .spawn(move || work(&common, worker, rooms, conducted))?;
            threads.push(Some(thread));
        }
        let phases = &common.plan.profile.phases;
        let lengths = Lengths { warmup: phases.warmup, steady: phases.steady, drain: phases.drain };
        Ok(Self {
            conductor: Conductor::new(common.start, lengths),
            health: Health::new(machine().cores, common.start),
            progress: Progress::new(show, common.plan.peers(), common.plan.edges()),
            umpire,
            tripped: None,
            sampled_at: common.start,
            sample_due: common.start,
            started_at,
            common,
            threads,
            conduct,
        })
    }

    /// Until the plan is played, or something stops it.
    pub(super) async fn until_the_end(&mut self, signals: &mut Signals) -> Option<Stop> {
        // What the workers use from here on is the run's, so that short runs count all of it.
        self.take_sample(Instant::now());
        let mut step = tokio::time::interval(STEP_EVERY);
        step.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Until the workers have looked at their plan, nobody waits and nobody lives.
        let planned = self.common.plan.peers();
        loop {
            tokio::select! {
                signal = signals.first() => return Some(Stop::Signal(signal)),
                _ = step.tick() => {}
            }
            let now = Instant::now();
            self.sample(now);
            let tally = self.common.pulses.tally();
            if tally.peers_planned < planned && self.is_playing() {
                continue;
            }
            let wanted = self.conductor.step(now, &tally);
            let elapsed = now.saturating_duration_since(self.common.start);
            self.tripped = self.umpire.look(now, elapsed, &self.common.pulses);
            self.progress.draw(&View {
                now,
                start: self.common.start,
                part: self.conductor.part(),
                place: self.conductor.place(),
                tally,
                recent_p99_us: self.common.pulses.recent_p99_us(),
                gates: self.umpire.standing(),
            });
            if wanted == Conduct::Leave || !self.is_playing() {
                return None;
            }
            if self.conductor.should_brake(now, &tally) {
                return Some(Stop::Brake);
            }
            if self.tripped.is_some() {
                return Some(Stop::Gate);
            }
            self.conduct.send_if_modified(|conduct| std::mem::replace(conduct, wanted) != wanted);
        }
    }

    /// Everybody leaves; what comes back within the time is the run's data.
    pub(super) async fn harvest(&mut self) -> (Vec<Harvest>, Health) {
        // A worker that is gone already needs no telling.
        let _ = self.conduct.send(Conduct::Leave);
        let until = Instant::now() + HARVEST_MAX;
        while self.is_playing() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.progress.finish();
        let mut harvests = vec![];
        for thread in &mut self.threads {
            let finished = thread.as_ref().is_some_and(JoinHandle::is_finished);
            match thread.take().filter(|_| finished).map(JoinHandle::join) {
                Some(Ok(harvest)) => harvests.push(harvest),
                // It panicked, or did not come back in time.
                Some(Err(_)) | None => self.health.interval_lost(),
            }
        }
        self.take_sample(Instant::now());
        (harvests, self.health.clone())
    }

    fn is_playing(&self) -> bool {
        self.threads.iter().flatten().any(|thread| !thread.is_finished())
    }

    fn sample(&mut self, now: Instant) {
        if now < self.sample_due {
            return;
        }
        self.take_sample(now);
        while self.sample_due <= now {
            self.sample_due += SAMPLE_EVERY;
        }
    }

    fn take_sample(&mut self, now: Instant) {
        let since = std::mem::replace(&mut self.sampled_at, now);
        self.health.sample(vitals::sample(&self.common.pulses.threads()));
        self.health.depths(self.common.pulses.depths());
        for (worker, lag) in self.common.pulses.take_lags().iter().enumerate() {
            self.health.lag(worker, since, lag);
        }
        let wall = SystemTime::now().duration_since(self.started_at).unwrap_or_default();
        let apart = wall.abs_diff(now.saturating_duration_since(self.common.start));
        if apart > CLOCK_SLACK {
            self.health.clock_jumped(apart);
        }
    }

    /// What stopped the run, in words.
    pub(super) fn stopped_by(&self, stop: Stop) -> String {
        match stop {
            Stop::Signal(signal) => signal.name().to_owned(),
            Stop::Brake => "the failure brake: more than half failed for 10 s".to_owned(),
            Stop::Gate => match &self.tripped {
                Some(gate) => format!("the gate {}", gate.in_words()),
                None => "a gate".to_owned(),
            },
        }
    }

    /// The parts of the run, by the wall clock.
    pub(super) fn phases(&self, ended: Instant) -> Vec<PhaseSpan> {
        let wall = |instant: Instant| stamp(self.started_at + instant.saturating_duration_since(self.common.start));
        let begun = self.conductor.begun();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([ended]);
        let span = |((part, at), end): (&(Part, Instant), Instant)| PhaseSpan {
            name: part.name().to_owned(),
            started_at: wall(*at),
            ended_at: wall(end),
        };
        begun.iter().zip(ends).map(span).collect()
    }
}
