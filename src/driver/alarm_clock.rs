//! Timers with microsecond precision for the tasks of a worker: tokio's round up to 1 ms, and a handshake takes 3 ms.

use super::arrival_clock::{ArrivalClock, ArrivalSource};
use crate::summary::ArrivalClocks;
use rustc_hash::FxHashMap;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant, SystemTime};
use tokio::io::unix::AsyncFd;

/// Wakes tasks of one thread within microseconds of an instant, by one timerfd_create(2) timer.
pub struct AlarmClock {
    timer: AsyncFd<OwnedFd>,
    /// Alarms as they were set; an entry that differs from `alarms` has been replaced.
    heap: RefCell<BinaryHeap<Reverse<(Instant, u64)>>>,
    alarms: RefCell<FxHashMap<u64, (Instant, Waker)>>,
    /// The next expiration of the kernel's timer.
    armed: Cell<Option<Instant>>,
    next: Cell<u64>,
    arrivals: RefCell<ArrivalClock>,
}

/// One task's alarm.
pub struct Alarm {
    clock: Rc<AlarmClock>,
    id: u64,
    at: Option<Instant>,
}

impl AlarmClock {
    /// Creates the timer; panics outside a tokio runtime.
    ///
    /// # Errors
    /// No file descriptor is left.
    #[expect(deprecated, reason = "its safe twin: an OwnedFd is always the same descriptor, as `register` asks")]
    pub fn new() -> io::Result<Rc<Self>> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Rc::new(Self {
            timer: AsyncFd::new(timer)?,
            heap: RefCell::default(),
            alarms: RefCell::default(),
            armed: Cell::default(),
            next: Cell::default(),
            arrivals: RefCell::default(),
        }))
    }

    pub fn alarm(self: &Rc<Self>) -> Alarm {
        let id = self.next.get();
        self.next.set(id + 1);
        Alarm { clock: self.clone(), id, at: None }
    }

    /// Frames and datagrams of this thread, by the clock that told their arrival.
    pub fn arrival_counts(&self) -> ArrivalClocks {
        self.arrivals.borrow().counts()
    }

    /// Waits until `at`.
    pub async fn sleep_until(self: &Rc<Self>, at: Instant) {
        let mut alarm = self.alarm();
        std::future::poll_fn(|context| alarm.poll(Some(at), context)).await;
    }

    /// Wakes the tasks whose alarms are due, while it is polled; needs exactly one task per clock.
    ///
    /// # Errors
    /// The timer's descriptor failed.
    pub async fn run(&self) -> io::Result<()> {
        loop {
            let mut ready = self.timer.readable().await?;
            let mut expirations = [0; 8];
            // The count is ignored: a spurious wake-up finds no alarm due.
            let _ = rustix::io::read(self.timer.get_ref(), &mut expirations);
            ready.clear_ready();
            self.armed.set(None);
            self.fire(Instant::now());
        }
    }

    fn fire(&self, now: Instant) {
        let mut heap = self.heap.borrow_mut();
        while let Some(Reverse((at, id))) = heap.peek().copied() {
            let mut alarms = self.alarms.borrow_mut();
            let in_force = alarms.get(&id).is_some_and(|(set, _)| *set == at);
            if in_force && at > now {
                drop(alarms);
                self.arm(at, now);
                return;
            }
            heap.pop();
            if in_force && let Some((_, waker)) = alarms.remove(&id) {
                waker.wake();
            }
        }
    }

    fn set(&self, id: u64, at: Instant, waker: &Waker) {
        self.alarms.borrow_mut().insert(id, (at, waker.clone()));
        self.heap.borrow_mut().push(Reverse((at, id)));
        if self.armed.get().is_none_or(|armed| at < armed) {
            self.arm(at, Instant::now());
        }
    }

    fn arm(&self, at: Instant, now: Instant) {
        self.armed.set(Some(at));
        // Zero would disarm it.
        let wait = at.saturating_duration_since(now).max(Duration::from_nanos(1));
        let it_value = Timespec { tv_sec: wait.as_secs() as i64, tv_nsec: i64::from(wait.subsec_nanos()) };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        // Fails only for an invalid descriptor or time, and both are made here.
        let _ =
            timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::empty(), &Itimerspec { it_interval, it_value });
    }
}

impl Alarm {
    /// Ready once `at` has passed, and set again by the next call; never ready for `None`.
    pub fn poll(&mut self, at: Option<Instant>, context: &Context<'_>) -> Poll<()> {
        let Some(at) = at else {
            self.unset();
            return Poll::Pending;
        };
        if at <= Instant::now() {
            self.unset();
            return Poll::Ready(());
        }
        if self.at != Some(at) {
            self.at = Some(at);
            self.clock.set(self.id, at, context.waker());
        }
        Poll::Pending
    }

    /// The arrival of what is handled at `now`, by the kernel's stamp; `None` without one that can be used.
    pub fn arrival(&self, source: ArrivalSource, stamp: Option<SystemTime>, now: Instant) -> Option<Instant> {
        self.clock.arrivals.borrow_mut().arrival(source, stamp, now)
    }

    fn unset(&mut self) {
        if self.at.take().is_some() {
            self.clock.alarms.borrow_mut().remove(&self.id);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.unset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on_a_clock(test: impl AsyncFnOnce(Rc<AlarmClock>)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let clock = AlarmClock::new().unwrap();
            tokio::select! {
                ended = clock.run() => panic!("the clock stopped: {ended:?}"),
                () = test(clock.clone()) => {}
            }
        });
    }

    #[test]
    fn nobody_is_woken_early_and_the_earlier_alarm_rings_first() {
        on_a_clock(async |clock| {
            let start = Instant::now();
            let (soon, later) = (start + Duration::from_micros(300), start + Duration::from_millis(3));
            let order = RefCell::new(vec![]);
            let wait = async |name: &'static str, at: Instant| {
                clock.sleep_until(at).await;
                assert!(Instant::now() >= at);
                order.borrow_mut().push(name);
            };
            tokio::join!(wait("later", later), wait("soon", soon));
            assert_eq!(*order.borrow(), ["soon", "later"]);
        });
    }

    #[test]
    fn an_alarm_moved_forward_rings_at_its_new_time_and_one_taken_back_never() {
        on_a_clock(async |clock| {
            let start = Instant::now();
            let mut alarm = clock.alarm();
            let mut moved = false;
            std::future::poll_fn(|context| {
                let far = start + Duration::from_secs(60);
                if !moved {
                    moved = true;
                    assert!(alarm.poll(Some(far), context).is_pending());
                    assert!(alarm.poll(None, context).is_pending());
                }
                alarm.poll(Some(start + Duration::from_millis(1)), context)
            })
            .await;
            assert!(start.elapsed() < Duration::from_secs(30));
            assert!(clock.alarms.borrow().is_empty());
        });
    }
}
