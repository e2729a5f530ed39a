//! A worker: one thread with a runtime of its own that plays whole rooms and returns their recorder.

mod churn_schedule;
mod engines;
mod in_memory_server;
mod room_mailboxes;
mod spawner;
pub(super) mod status;

use super::context::{RunContext, kinds_of};
use crate::driver;
use crate::metrics::{Depths, LiveMetrics, Recorder, RoomFacts, all_timers};
use crate::os::thread_id;
use crate::peer::PeerCommand;
use crate::plan::RoomPlan;
use crate::profile::Scenario;
use crate::signaling::MemoryListener;
use crate::summary::Histogram;
use spawner::PeerSpawner;
use status::WorkerStatus;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::MissedTickBehavior;

/// The period of the timer whose delay is the worker's scheduler lag.
const LAG_EVERY: Duration = Duration::from_millis(10);

/// The interval at which a worker publishes its status.
const STATUS_EVERY: Duration = Duration::from_millis(100);

/// The interval at which a worker copies the timers that gates read.
pub(super) const LIVE_EVERY: Duration = Duration::from_millis(500);

/// The result of one worker.
pub(super) struct WorkerResult {
    pub recorder: Recorder,
    /// Peers whose code panicked; the panic ended only that peer.
    pub panics: u64,
}

/// Plays `rooms` to their end on this thread.
pub(super) fn run_worker(
    common: &Arc<RunContext>,
    worker: usize,
    rooms: Vec<RoomPlan>,
    commands: watch::Receiver<Option<PeerCommand>>,
) -> WorkerResult {
    let facts: Vec<RoomFacts> = rooms.iter().map(|room| room_facts(common, room)).collect();
    let kinds = common.dialect.kinds().len();
    let recorder = Recorder::new(&facts, common.start, kinds).tracing(&common.sample);
    let recorder = Rc::new(RefCell::new(recorder));
    common.statuses.of(worker).thread = Some(thread_id());
    let panics = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let panics = LocalSet::new().block_on(&runtime, play(common, worker, rooms, &recorder, commands));
            // Does not wait for a host name that is still being resolved.
            runtime.shutdown_background();
            panics
        }
        Err(error) => Err(error),
    };
    common.statuses.of(worker).tally = recorder.borrow().tally();
    let recorder = recorder.replace(Recorder::new(&[], common.start, kinds));
    // Without a runtime or a timer no peer of this worker begins; the summary counts them as unfinished.
    WorkerResult { recorder, panics: panics.unwrap_or(0) }
}

/// Plays until all peers have left; returns the number of peers whose code panicked.
///
/// # Errors
/// The system has no timer for the worker.
async fn play(
    common: &Arc<RunContext>,
    worker: usize,
    rooms: Vec<RoomPlan>,
    recorder: &Rc<RefCell<Recorder>>,
    mut commands: watch::Receiver<Option<PeerCommand>>,
) -> io::Result<u64> {
    let clock = driver::AlarmClock::new()?;
    let ticking = clock.clone();
    let ticking = tokio::task::spawn_local(async move { ticking.run().await });
    let serve = |scenario: &Scenario| {
        let (listener, calls) = MemoryListener::new();
        tokio::task::spawn_local(in_memory_server::serve(clock.clone(), calls, scenario.handshake.trigger));
        listener
    };
    let in_memory = common.plan.profile.scenarios.iter().filter(|_| common.endpoints.is_empty());
    let listeners = in_memory.map(serve).collect();
    let mut spawner = PeerSpawner::new(common.clone(), rooms, clock.clone(), recorder.clone(), listeners);
    let mut status = tokio::time::interval(STATUS_EVERY);
    status.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lag = Histogram::default();
    let mut lag_due = Instant::now() + LAG_EVERY;
    let mut depths = Depths::default();
    let mut live_due = Instant::now();
    let mut answered = 0;
    let mut until: Option<Instant> = None;
    while !(until.is_some() && spawner.is_empty()) && until.is_none_or(|until| Instant::now() < until) {
        tokio::select! {
            biased;
            changed = commands.changed(), if until.is_none() => {
                // Without its controller a worker ends.
                let command = changed.map_or(Some(PeerCommand::Leave), |()| *commands.borrow_and_update());
                command.into_iter().for_each(|command| spawner.apply(command));
                until = (command == Some(PeerCommand::Leave)).then(|| Instant::now() + driver::GOODBYES_MAX);
            }
            () = clock.sleep_until(lag_due) => {
                // Each tick that was missed counts: a worker that stood still for 1 s was late 100 times. Not
                // recorded once peers leave: no latency is measured after that.
                let now = Instant::now();
                while lag_due <= now {
                    if until.is_none() {
                        lag.record(now - lag_due);
                    }
                    lag_due += LAG_EVERY;
                }
                depths.arrivals = depths.arrivals.max(spawner.overdue(now));
            }
            _ = status.tick() => {
                depths.frames = spawner.frames_waiting_max();
                publish_status(&mut common.statuses.of(worker), &recorder.borrow(), spawner.away(), &mut lag, depths);
                let now = Instant::now();
                if now >= live_due {
                    live_due = now + LIVE_EVERY;
                    publish_live(common, worker, &recorder.borrow());
                }
                let asked = common.statuses.asked();
                if asked != std::mem::replace(&mut answered, asked) {
                    let answer = (asked, all_timers_of(common, &recorder.borrow()));
                    common.statuses.of(worker).answer = Some(answer);
                }
            }
            () = next_arrival(&clock, spawner.next_due()), if until.is_none() => spawner.run_next(),
            () = spawner.peer_ended() => {}
        }
    }
    ticking.abort();
    recorder.borrow_mut().arrivals_told(clock.arrival_counts());
    depths.frames = spawner.frames_waiting_max();
    publish_status(&mut common.statuses.of(worker), &recorder.borrow(), spawner.away(), &mut lag, depths);
    Ok(spawner.panics())
}

/// Publishes the tally, and the lag since the last call.
fn publish_status(status: &mut WorkerStatus, recorder: &Recorder, away: u64, lag: &mut Histogram, depths: Depths) {
    status.tally = recorder.tally();
    // A peer that is to come back is waited for like one that has not arrived yet.
    status.tally.peers_waiting += away;
    status.recent_us = recorder.recent_us();
    status.recent_latencies = recorder.recent_latencies();
    status.lag.merge(&std::mem::take(lag));
    status.depths = depths;
}

/// Publishes the timers that gates read, if any gate is watched.
fn publish_live(common: &RunContext, worker: usize, recorder: &Recorder) {
    let Some(timers) = &common.watched else { return };
    let live = recorder.live(timers, &kinds_of(&common.dialect), &common.plan.profile.scenario_names());
    common.statuses.of(worker).live = Some(live);
}

/// All timers, for whoever shows the run, and its rooms if they are shown.
fn all_timers_of(common: &RunContext, recorder: &Recorder) -> LiveMetrics {
    let kinds = kinds_of(&common.dialect);
    let scenarios = common.plan.profile.scenario_names();
    recorder.live(&all_timers(&kinds), &kinds, &scenarios).with_rooms(recorder.live_rooms(common.rooms_shown))
}

/// Waits until `due`; without end if no arrival is left.
async fn next_arrival(clock: &Rc<driver::AlarmClock>, due: Option<Instant>) {
    match due {
        Some(due) => clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

pub(super) fn room_facts(common: &RunContext, room: &RoomPlan) -> RoomFacts {
    let scenario = common.scenario(room);
    RoomFacts {
        index: room.index,
        first: room.first,
        due: room.due.clone(),
        warmup: room.warmup,
        meshes: common.dialect.negotiates(),
        scenario: room.scenario,
        timeout: scenario.handshake.timeout,
        guests: scenario.rooms.guests,
        label: common.room_id(room),
    }
}
