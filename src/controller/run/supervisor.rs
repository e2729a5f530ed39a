//! The controller's side of the workers: starts their threads, steps the phases, samples health, watches gates, collects the results.

use super::super::context::RunContext;
use super::super::outcome::Stop;
use super::super::report::progress::{Progress, RunSnapshot, Show};
use super::super::signals::StopSignals;
use super::super::worker::{WorkerResult, run_worker};
use super::gate_watch::GateWatch;
use super::metrics_publisher::MetricsPublisher;
use super::phases::{PhaseLengths, PhaseMachine, RunPhase};
use super::status::{RunStatus, StatusFeed};
use super::target_process::TargetRecorder;
use crate::metrics::{HealthFigures, HealthRecorder};
use crate::os::{machine, memory_share, own_process};
use crate::peer::PeerCommand;
use crate::summary::{GateResult, PhaseSpan, wall_time::to_rfc3339};
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::watch;
use tokio::time::MissedTickBehavior;

/// The interval at which phases and gates are stepped and progress is drawn.
const STEP_EVERY: Duration = Duration::from_millis(50);

/// The interval at which process and workers are sampled.
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// The time that workers have to end after the command to leave; one that takes longer is given up.
const RESULTS_MAX: Duration = Duration::from_secs(4);

/// The share of the memory granted at which peers stop to arrive: what is left is for those that are there and the report.
const MEMORY_SHARE_MAX: f64 = 0.9;

/// The most that the wall clock may differ from the monotonic clock before it counts as a jump.
const CLOCK_SLACK: Duration = Duration::from_millis(500);

/// The running workers, and all that the controller watches about them.
pub(super) struct Supervisor {
    common: Arc<RunContext>,
    threads: Vec<Option<JoinHandle<WorkerResult>>>,
    command: watch::Sender<Option<PeerCommand>>,
    phases: PhaseMachine,
    health: HealthRecorder,
    progress: Progress,
    gate_watch: GateWatch,
    pub(super) target_process: Option<TargetRecorder>,
    pub(super) status: Option<StatusFeed>,
    pub(super) metrics: Option<MetricsPublisher>,
    /// The gate that ended the run.
    tripped: Option<GateResult>,
    started_at: SystemTime,
    sampled_at: Instant,
    /// Due at whole seconds of the run, like the rows of the time series.
    sample_due: Instant,
}

impl Supervisor {
    /// Starts `workers` threads, each with its share of the plan.
    ///
    /// # Errors
    /// The system has no thread for a worker.
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
            let rooms = common.share.share(worker, workers).rooms;
            let (common, commands) = (common.clone(), commanded.clone());
            let thread = thread::Builder::new()
                .name(format!("worker {worker}"))
                .spawn(move || run_worker(&common, worker, rooms, commands))?;
            threads.push(Some(thread));
        }
        let phases = &common.plan.profile.phases;
        let lengths = PhaseLengths { warmup: phases.warmup, steady: phases.steady, drain: phases.drain };
        Ok(Self {
            phases: PhaseMachine::new(common.start, lengths),
            health: HealthRecorder::new(machine().cores, common.start),
            progress: Progress::new(show, &common.plan, &common.share),
            gate_watch,
            target_process: None,
            status: None,
            metrics: None,
            tripped: None,
            sampled_at: common.start,
            sample_due: common.start,
            started_at,
            common,
            threads,
            command,
        })
    }

    /// Waits until the plan is played; `Some` if something else ended the run.
    pub(super) async fn until_the_end(&mut self, signals: &mut StopSignals) -> Option<Stop> {
        // The first sample comes before the first arrival, so that a short run counts all that it used.
        self.take_sample(Instant::now());
        let mut step = tokio::time::interval(STEP_EVERY);
        step.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // Until each worker has published a tally, the sum has no waiting peers, and the run would look finished.
        let planned = self.common.share.peers();
        loop {
            tokio::select! {
                signal = signals.first() => return Some(signal.into()),
                _ = step.tick() => {}
            }
            let now = Instant::now();
            self.sample(now);
            self.publish_metrics(now);
            if memory_share() >= MEMORY_SHARE_MAX {
                self.common.out_of_memory.store(true, Ordering::Relaxed);
            }
            let tally = self.common.statuses.tally();
            if tally.peers_planned < planned && self.is_playing() {
                continue;
            }
            let wanted = self.phases.step(now, &tally);
            let elapsed = now.saturating_duration_since(self.common.start);
            self.tripped = self.gate_watch.check(now, elapsed, &self.common.statuses);
            if self.progress.is_due(now, self.common.start) {
                self.progress.draw(&RunSnapshot {
                    now,
                    start: self.common.start,
                    phase: self.phases.phase(),
                    current: self.phases.current(),
                    tally,
                    recent_p99_us: self.common.statuses.recent_p99_us(),
                    latency_p99_us: self.common.statuses.recent_latency_p99_us(),
                    gates: self.gate_watch.live_status().as_ref(),
                });
            }
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

    /// Tells all peers to leave, and collects the workers that end within `RESULTS_MAX`.
    pub(super) async fn result(&mut self) -> (Vec<WorkerResult>, HealthFigures) {
        // Fails only if all workers have ended.
        let _ = self.command.send(Some(PeerCommand::Leave));
        let until = Instant::now() + RESULTS_MAX;
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
        (results, self.health.figures())
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
        self.health.sample(own_process(&self.common.statuses.threads()));
        self.health.depths(self.common.statuses.depths());
        if let Some(process) = &mut self.target_process {
            process.sample(now, now.saturating_duration_since(self.common.start));
        }
        let lags = self.common.statuses.take_lags();
        for (worker, lag) in lags.iter().enumerate() {
            self.health.lag(worker, since, lag);
        }
        if let Some(status) = &self.status {
            let statuses = &self.common.statuses;
            status.send(RunStatus::new(self.phases.phase(), &statuses.tally(), &lags), statuses);
        }
        let wall = SystemTime::now().duration_since(self.started_at).unwrap_or_default();
        let apart = wall.abs_diff(now.saturating_duration_since(self.common.start));
        if apart > CLOCK_SLACK {
            self.health.clock_jumped(apart);
        }
    }

    fn publish_metrics(&mut self, now: Instant) {
        let live = self.metrics.as_mut().and_then(|metrics| metrics.step(now, &self.common.statuses));
        if let (Some(live), Some(metrics)) = (live, &self.metrics) {
            let elapsed = now.saturating_duration_since(self.common.start);
            metrics.publish(&live, &self.health.figures(), self.phases(now), elapsed);
        }
    }

    /// The reason of the stop, as the summary shows it.
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

    /// The phases of the run, by the wall clock.
    pub(super) fn phases(&self, ended: Instant) -> Vec<PhaseSpan> {
        let wall =
            |instant: Instant| to_rfc3339(self.started_at + instant.saturating_duration_since(self.common.start));
        let begun = self.phases.begun();
        let ends = begun.iter().skip(1).map(|(_, at)| *at).chain([ended]);
        let span = |((phase, at), end): (&(RunPhase, Instant), Instant)| PhaseSpan {
            name: phase.name().to_owned(),
            started_at: wall(*at),
            ended_at: wall(end),
        };
        begun.iter().zip(ends).map(span).collect()
    }
}
