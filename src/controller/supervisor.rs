//! The controller's side of the workers: starts their threads, steps the phases, watches gates and health, collects what they recorded.

use super::context::RunContext;
use super::gate_watch::GateWatch;
use super::machine::machine;
use super::outcome::Stop;
use super::phases::{PhaseLengths, PhaseMachine, RunPhase};
use super::process_stats;
use super::progress::{Progress, RunSnapshot, Show};
use super::signals::StopSignals;
use super::worker::{WorkerResult, work};
use crate::metrics::HealthRecorder;
use crate::peer::PeerCommand;
use crate::summary::run::PhaseSpan;
use crate::summary::verdict::GateResult;
use crate::summary::wall_time::stamp;
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
pub(super) struct Supervisor {
    common: Arc<RunContext>,
    threads: Vec<Option<JoinHandle<WorkerResult>>>,
    command: watch::Sender<Option<PeerCommand>>,
    phases: PhaseMachine,
    health: HealthRecorder,
    progress: Progress,
    gate_watch: GateWatch,
    /// The gate that ended the run.
    tripped: Option<GateResult>,
    started_at: SystemTime,
    sampled_at: Instant,
    /// At whole seconds of the run, as the rows of the series are.
    sample_due: Instant,
}

impl Supervisor {
    pub(super) fn start(
        common: Arc<RunContext>,
        workers: usize,
        show: Show,
        gate_watch: GateWatch,
        started_at: SystemTime,
    ) -> io::Result<Self> {
        let (command, commanded) = watch::channel(None);
        let mut threads = vec![];
        for worker in 0..workers {
            let rooms = common.plan.share(worker, workers).rooms;
            let (common, commands) = (common.clone(), commanded.clone());
            let thread = thread::Builder::new()
                .name(format!("worker {worker}"))
                .spawn(move || work(&common, worker, rooms, commands))?;
            threads.push(Some(thread));
        }
        let phases = &common.plan.profile.phases;
        let lengths = PhaseLengths { warmup: phases.warmup, steady: phases.steady, drain: phases.drain };
        Ok(Self {
            phases: PhaseMachine::new(common.start, lengths),
            health: HealthRecorder::new(machine().cores, common.start),
            progress: Progress::new(show, common.plan.peers(), common.plan.edges()),
            gate_watch,
            tripped: None,
            sampled_at: common.start,
            sample_due: common.start,
            started_at,
            common,
            threads,
            command,
        })
    }

    /// Until the plan is played, or something stops it.
    pub(super) async fn until_the_end(&mut self, signals: &mut StopSignals) -> Option<Stop> {
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
            let tally = self.common.statuses.tally();
            if tally.peers_planned < planned && self.is_playing() {
                continue;
            }
            let wanted = self.phases.step(now, &tally);
            let elapsed = now.saturating_duration_since(self.common.start);
            self.tripped = self.gate_watch.look(now, elapsed, &self.common.statuses);
            self.progress.draw(&RunSnapshot {
                now,
                start: self.common.start,
                part: self.phases.part(),
                place: self.phases.place(),
                tally,
                recent_p99_us: self.common.statuses.recent_p99_us(),
                gates: self.gate_watch.standing(),
            });
            if wanted == Some(PeerCommand::Leave) || !self.is_playing() {
                return None;
            }
            if self.phases.should_brake(now, &tally) {
                return Some(Stop::Brake);
            }
            if self.tripped.is_some() {
                return Some(Stop::Gate);
            }
            self.command.send_if_modified(|command| std::mem::replace(command, wanted) != wanted);
        }
    }

    /// Everybody leaves; what comes back within the time is the run's data.
    pub(super) async fn result(&mut self) -> (Vec<WorkerResult>, HealthRecorder) {
        // A worker that is gone already needs no telling.
        let _ = self.command.send(Some(PeerCommand::Leave));
        let until = Instant::now() + HARVEST_MAX;
        while self.is_playing() && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.progress.finish();
        let mut results = vec![];
        for thread in &mut self.threads {
            let finished = thread.as_ref().is_some_and(JoinHandle::is_finished);
            match thread.take().filter(|_| finished).map(JoinHandle::join) {
                Some(Ok(result)) => results.push(result),
                // It panicked, or did not come back in time.
                Some(Err(_)) | None => self.health.interval_lost(),
            }
        }
        self.take_sample(Instant::now());
        (results, self.health.clone())
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
        self.health.sample(process_stats::sample(&self.common.statuses.threads()));
        self.health.depths(self.common.statuses.depths());
        for (worker, lag) in self.common.statuses.take_lags().iter().enumerate() {
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
        let begun = self.phases.begun();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([ended]);
        let span = |((part, at), end): (&(RunPhase, Instant), Instant)| PhaseSpan {
            name: part.name().to_owned(),
            started_at: wall(*at),
            ended_at: wall(end),
        };
        begun.iter().zip(ends).map(span).collect()
    }
}
