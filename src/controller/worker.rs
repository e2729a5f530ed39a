//! A worker: a thread that plays whole rooms on a runtime of its own, and gives back its books.

use super::context::RunContext;
use super::in_memory_server;
use super::spawner::PeerSpawner;
use super::worker_status::WorkerStatus;
use crate::driver;
use crate::metrics::{Depths, Recorder, RoomFacts};
use crate::peer::PeerCommand;
use crate::plan::RoomPlan;
use crate::signaling::MemoryListener;
use crate::summary::histogram::Histogram;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio::time::MissedTickBehavior;

/// A timer that should fire this often tells how late the scheduler is (measurement.md).
const LAG_EVERY: Duration = Duration::from_millis(10);

/// How often a worker tells how far it is.
const PULSE_EVERY: Duration = Duration::from_millis(100);

/// How often a worker copies what gates read: a copy is 160 KiB a timer.
pub const LIVE_EVERY: Duration = Duration::from_millis(500);

/// What a worker comes back with.
pub struct WorkerResult {
    pub recorder: Recorder,
    /// Peers whose code panicked; contained, and counted.
    pub panics: u64,
}

/// Plays `rooms` to the end on this thread.
pub fn work(
    common: &Arc<RunContext>,
    worker: usize,
    rooms: Vec<RoomPlan>,
    commands: watch::Receiver<Option<PeerCommand>>,
) -> WorkerResult {
    let facts: Vec<RoomFacts> = rooms.iter().map(|room| facts(common, room)).collect();
    let timeout = common.plan.profile.handshake.timeout;
    let kinds = common.dialect.kinds().len();
    let guests = common.plan.profile.rooms.guests;
    let recorder = Recorder::new(&facts, common.start, timeout, kinds).tracing(&common.sample).admitting(guests);
    let recorder = Rc::new(RefCell::new(recorder));
    common.statuses.of(worker).thread = Some(rustix::thread::gettid().as_raw_nonzero().get());
    let panics = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let panics = LocalSet::new().block_on(&runtime, play(common, worker, rooms, &recorder, commands));
            // A name that is still being resolved is waited for by nobody.
            runtime.shutdown_background();
            panics
        }
        Err(error) => Err(error),
    };
    common.statuses.of(worker).tally = recorder.borrow().tally();
    let recorder = recorder.replace(Recorder::new(&[], common.start, timeout, kinds));
    // Without a runtime or a clock no peer of this worker begins: they stay unfinished, and the report says so.
    WorkerResult { recorder, panics: panics.unwrap_or(0) }
}

/// Until everybody has left; gives the number of peers whose code panicked.
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
    let listener = common.endpoints.is_none().then(|| {
        let (listener, calls) = MemoryListener::new();
        let trigger = common.plan.profile.handshake.trigger;
        tokio::task::spawn_local(in_memory_server::serve(clock.clone(), calls, trigger));
        listener
    });
    let mut spawner = PeerSpawner::new(common.clone(), rooms, clock.clone(), recorder.clone(), listener);
    let mut status = tokio::time::interval(PULSE_EVERY);
    status.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lag = Histogram::default();
    let mut lag_due = Instant::now() + LAG_EVERY;
    let mut depths = Depths::default();
    let mut live_due = Instant::now();
    let mut until: Option<Instant> = None;
    while !(until.is_some() && spawner.is_empty()) && until.is_none_or(|until| Instant::now() < until) {
        tokio::select! {
            biased;
            changed = commands.changed(), if until.is_none() => {
                // A controller that is gone wants everybody to go as well.
                let command = changed.map_or(Some(PeerCommand::Leave), |()| *commands.borrow_and_update());
                command.into_iter().for_each(|command| spawner.command(command));
                until = (command == Some(PeerCommand::Leave)).then(|| Instant::now() + driver::GOODBYES_MAX);
            }
            () = clock.sleep_until(lag_due) => {
                // Every tick is due whether or not anybody could look: a worker that stood still for a second
                // was late a hundred times. When all leave at once there is nothing left that could be late.
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
                tell(&mut common.statuses.of(worker), &recorder.borrow(), spawner.away(), &mut lag, depths);
                let now = Instant::now();
                if now >= live_due {
                    live_due = now + LIVE_EVERY;
                    tell_live(common, worker, &recorder.borrow());
                }
            }
            () = next_arrival(&clock, spawner.next_due()), if until.is_none() => spawner.serve(),
            () = spawner.departure() => {}
        }
    }
    ticking.abort();
    depths.frames = spawner.frames_waiting_max();
    tell(&mut common.statuses.of(worker), &recorder.borrow(), spawner.away(), &mut lag, depths);
    Ok(spawner.panics())
}

/// How far the worker is, and how it fared since it last told.
fn tell(status: &mut WorkerStatus, recorder: &Recorder, away: u64, lag: &mut Histogram, depths: Depths) {
    status.tally = recorder.tally();
    // Who is to come back is waited for like who has yet to come.
    status.tally.peers_waiting += away;
    status.recent_us = recorder.recent_us();
    status.lag.merge(&std::mem::take(lag));
    status.depths = depths;
}

/// What gates read, where any are watched.
fn tell_live(common: &RunContext, worker: usize, recorder: &Recorder) {
    let Some(timers) = &common.watched else { return };
    let kinds: Vec<String> = common.dialect.kinds().iter().map(|kind| (*kind).to_owned()).collect();
    let live = recorder.live(timers, &kinds);
    common.statuses.of(worker).live = Some(live);
}

/// Waits until `due`; for ever, when all have come.
async fn next_arrival(clock: &Rc<driver::AlarmClock>, due: Option<Instant>) {
    match due {
        Some(due) => clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

pub(super) fn facts(common: &RunContext, room: &RoomPlan) -> RoomFacts {
    RoomFacts {
        index: room.index,
        first: room.first,
        due: room.due.clone(),
        warmup: room.warmup,
        label: common.room_id(room),
    }
}
