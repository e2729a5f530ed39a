//! A worker: a thread that plays whole rooms on a runtime of its own, and gives back its books.

use super::conductor::Conduct;
use super::context::RunContext;
use super::pulse::Pulse;
use super::switchboard;
use super::usher::Usher;
use crate::driver;
use crate::metrics::{Depths, Recorder, RoomFacts};
use crate::plan::RoomPlan;
use crate::signaling::Exchange;
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

/// How long the last goodbyes may take once everybody was told to leave.
const GOODBYES_MAX: Duration = Duration::from_secs(2);

/// What a worker comes back with.
pub struct Harvest {
    pub recorder: Recorder,
    /// Peers whose code panicked; contained, and counted.
    pub panics: u64,
}

/// Plays `rooms` to the end on this thread.
pub fn work(
    common: &Arc<RunContext>,
    worker: usize,
    rooms: Vec<RoomPlan>,
    conduct: watch::Receiver<Conduct>,
) -> Harvest {
    let facts: Vec<RoomFacts> = rooms.iter().map(|room| facts(common, room)).collect();
    let timeout = common.plan.profile.handshake.timeout;
    let kinds = common.dialect.kinds().len();
    let guests = common.plan.profile.rooms.guests;
    let books = Recorder::new(&facts, common.start, timeout, kinds).tracing(&common.sample).admitting(guests);
    let books = Rc::new(RefCell::new(books));
    common.pulses.of(worker).thread = Some(rustix::thread::gettid().as_raw_nonzero().get());
    let panics = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            let panics = LocalSet::new().block_on(&runtime, play(common, worker, rooms, &books, conduct));
            // A name that is still being resolved is waited for by nobody.
            runtime.shutdown_background();
            panics
        }
        Err(error) => Err(error),
    };
    common.pulses.of(worker).tally = books.borrow().tally();
    let recorder = books.replace(Recorder::new(&[], common.start, timeout, kinds));
    // Without a runtime or a clock no peer of this worker begins: they stay unfinished, and the report says so.
    Harvest { recorder, panics: panics.unwrap_or(0) }
}

/// Until everybody has left; gives the number of peers whose code panicked.
async fn play(
    common: &Arc<RunContext>,
    worker: usize,
    rooms: Vec<RoomPlan>,
    books: &Rc<RefCell<Recorder>>,
    mut conduct: watch::Receiver<Conduct>,
) -> io::Result<u64> {
    let clock = driver::Clock::new()?;
    let ticking = clock.clone();
    let ticking = tokio::task::spawn_local(async move { ticking.run().await });
    let exchange = common.endpoints.is_none().then(|| {
        let (exchange, calls) = Exchange::new();
        let trigger = common.plan.profile.handshake.trigger;
        tokio::task::spawn_local(switchboard::serve(clock.clone(), calls, trigger));
        exchange
    });
    let mut usher = Usher::new(common.clone(), rooms, clock.clone(), books.clone(), exchange);
    let mut pulse = tokio::time::interval(PULSE_EVERY);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut lag = Histogram::default();
    let mut lag_due = Instant::now() + LAG_EVERY;
    let mut depths = Depths::default();
    let mut live_due = Instant::now();
    let mut until: Option<Instant> = None;
    while !(until.is_some() && usher.is_empty()) && until.is_none_or(|until| Instant::now() < until) {
        tokio::select! {
            biased;
            changed = conduct.changed(), if until.is_none() => {
                // A controller that is gone wants everybody to go as well.
                let wanted = changed.map_or(Conduct::Leave, |()| *conduct.borrow_and_update());
                usher.conduct(wanted);
                until = (wanted == Conduct::Leave).then(|| Instant::now() + GOODBYES_MAX);
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
                depths.arrivals = depths.arrivals.max(usher.overdue(now));
            }
            _ = pulse.tick() => {
                depths.frames = usher.frames_waiting_max();
                tell(&mut common.pulses.of(worker), &books.borrow(), usher.away(), &mut lag, depths);
                let now = Instant::now();
                if now >= live_due {
                    live_due = now + LIVE_EVERY;
                    tell_live(common, worker, &books.borrow());
                }
            }
            () = next_arrival(&clock, usher.next_due()), if until.is_none() => usher.serve(),
            () = usher.departure() => {}
        }
    }
    ticking.abort();
    depths.frames = usher.frames_waiting_max();
    tell(&mut common.pulses.of(worker), &books.borrow(), usher.away(), &mut lag, depths);
    Ok(usher.panics())
}

/// How far the worker is, and how it fared since it last told.
fn tell(pulse: &mut Pulse, books: &Recorder, away: u64, lag: &mut Histogram, depths: Depths) {
    pulse.tally = books.tally();
    // Who is to come back is waited for like who has yet to come.
    pulse.tally.peers_waiting += away;
    pulse.recent_us = books.recent_us();
    pulse.lag.merge(&std::mem::take(lag));
    pulse.depths = depths;
}

/// What gates read, where any are watched.
fn tell_live(common: &RunContext, worker: usize, books: &Recorder) {
    let Some(timers) = &common.watched else { return };
    let kinds: Vec<String> = common.dialect.kinds().iter().map(|kind| (*kind).to_owned()).collect();
    let live = books.live(timers, &kinds);
    common.pulses.of(worker).live = Some(live);
}

/// Waits until `due`; for ever, when all have come.
async fn next_arrival(clock: &Rc<driver::Clock>, due: Option<Instant>) {
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
