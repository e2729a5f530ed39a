//! The signals and orders that stop a run, and the second signal, which ends the process.

use serde::{Deserialize, Serialize};
use std::future::pending;
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;

/// Terminals and npm send a signal twice: the same signal within this time counts once.
const REPEAT_MAX: Duration = Duration::from_secs(1);

/// A reason from outside that stops a run: a signal, or on several machines another process that is lost or judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopSignal {
    Hangup,
    Interrupt,
    Terminate,
    /// The controller of a run on several machines fell silent.
    ControllerLost,
    /// Another agent of the run fell silent.
    AgentLost,
    /// A gate marked `abort` fails on the figures of all agents.
    Gate,
}

impl StopSignal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
            Self::ControllerLost => "the loss of the controller",
            Self::AgentLost => "the loss of an agent",
            Self::Gate => "a gate",
        }
    }
}

/// The first stop signal of this process, once it has come.
#[derive(Clone, Debug)]
pub struct StopSignals {
    first: watch::Sender<Option<StopSignal>>,
}

impl StopSignals {
    /// Installs handlers, and calls `acknowledge` with the first signal and `end_at_once` with the second. Its own
    /// thread does so to the end of the process: a run that hangs, or a blocked write of a report, delays neither.
    ///
    /// # Errors
    /// The handlers can't be installed, or there is no thread for them.
    pub fn listen(
        acknowledge: impl FnOnce(StopSignal) + Send + 'static,
        end_at_once: impl FnOnce(StopSignal) + Send + 'static,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let mut handlers = {
            let _entered = runtime.enter();
            Handlers::install()?
        };
        let first = watch::Sender::new(None);
        let sender = first.clone();
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let (signal, at) = (handlers.next().await, Instant::now());
                sender.send_replace(Some(signal));
                acknowledge(signal);
                loop {
                    let second = handlers.next().await;
                    if is_second((signal, at), (second, Instant::now())) {
                        return end_at_once(second);
                    }
                }
            });
        })?;
        Ok(Self { first })
    }

    /// Never gives a signal: for a run within another program.
    pub fn none() -> Self {
        Self { first: watch::Sender::new(None) }
    }

    /// Waits for the first signal; at once if it has come.
    pub async fn first(&mut self) -> StopSignal {
        let mut first = self.first.subscribe();
        let received = first.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match received {
            Some(signal) => signal,
            // Unreachable: `self` has a sender.
            None => pending().await,
        }
    }

    /// Stops the run as a signal would, unless something has already.
    pub fn stop(&self, signal: StopSignal) {
        self.first.send_if_modified(|first| first.is_none() && first.replace(signal).is_none());
    }

    /// Returns the first signal, if it has come.
    pub fn received(&self) -> Option<StopSignal> {
        *self.first.borrow()
    }
}

/// Tells if a later signal is a second one, not a repetition of the first.
fn is_second((first, at): (StopSignal, Instant), (signal, now): (StopSignal, Instant)) -> bool {
    first != signal || now.saturating_duration_since(at) > REPEAT_MAX
}

struct Handlers {
    hangup: unix::Signal,
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Handlers {
    fn install() -> io::Result<Self> {
        Ok(Self {
            hangup: unix::signal(SignalKind::hangup())?,
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.hangup.recv() => StopSignal::Hangup,
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_signal_within_a_second_is_a_repetition_and_any_other_is_a_second_one() {
        let at = Instant::now();
        let check = |signal: StopSignal, after: Duration, second: bool| {
            assert_eq!(is_second((StopSignal::Interrupt, at), (signal, at + after)), second, "{signal:?} {after:?}");
        };
        check(StopSignal::Interrupt, Duration::ZERO, false);
        check(StopSignal::Interrupt, REPEAT_MAX, false);
        check(StopSignal::Interrupt, REPEAT_MAX + Duration::from_millis(1), true);
        check(StopSignal::Terminate, Duration::ZERO, true);
        check(StopSignal::Hangup, REPEAT_MAX, true);
    }

    #[test]
    fn without_a_listener_no_signal_comes() {
        let mut signals = StopSignals::none();
        assert_eq!(signals.received(), None);
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let waited = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(1), signals.first()).await });
        assert!(waited.is_err());
    }
}
