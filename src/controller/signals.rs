//! The signals that stop a run, and the second one that ends the process.

use std::future::pending;
use std::io;
use std::thread;
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::signal::unix::{self, SignalKind};
use tokio::sync::watch;

/// Terminals and npm send a signal twice: the same one again within this is the first (interface.md).
const TWICE: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    Hangup,
    Interrupt,
    Terminate,
}

impl StopSignal {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// The first signal that this process got, once it has come.
#[derive(Clone, Debug)]
pub struct StopSignals {
    first: watch::Receiver<Option<StopSignal>>,
}

impl StopSignals {
    /// Listens from now on to the end of the process, on a thread of its own: a run that hangs, or a report that
    /// nobody reads, does not keep a second signal from `end_at_once`. `acknowledge` is told of the first.
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
        let (tell, first) = watch::channel(None);
        thread::Builder::new().name("signals".to_owned()).spawn(move || {
            runtime.block_on(async {
                let (signal, at) = (handlers.next().await, Instant::now());
                // Whoever asked may have gone already.
                let _ = tell.send(Some(signal));
                acknowledge(signal);
                loop {
                    let second = handlers.next().await;
                    if is_another((signal, at), (second, Instant::now())) {
                        return end_at_once(second);
                    }
                }
            });
        })?;
        Ok(Self { first })
    }

    /// No signal ever comes: a run within another program.
    pub fn none() -> Self {
        Self { first: watch::channel(None).1 }
    }

    /// Waits for the first signal; at once if it has come.
    pub async fn first(&mut self) -> StopSignal {
        let come = self.first.wait_for(Option::is_some).await.ok().and_then(|signal| *signal);
        match come {
            Some(signal) => signal,
            // The listener is gone, so none will come.
            None => pending().await,
        }
    }

    /// The first signal, if it has come.
    pub fn come(&self) -> Option<StopSignal> {
        *self.first.borrow()
    }
}

/// Whether a signal after the first is a new one.
fn is_another((first, at): (StopSignal, Instant), (signal, now): (StopSignal, Instant)) -> bool {
    first != signal || now.saturating_duration_since(at) > TWICE
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
    fn the_same_signal_within_a_second_is_the_first_and_any_other_is_another() {
        let at = Instant::now();
        let check = |signal: StopSignal, after: Duration, another: bool| {
            assert_eq!(is_another((StopSignal::Interrupt, at), (signal, at + after)), another, "{signal:?} {after:?}");
        };
        check(StopSignal::Interrupt, Duration::ZERO, false);
        check(StopSignal::Interrupt, TWICE, false);
        check(StopSignal::Interrupt, TWICE + Duration::from_millis(1), true);
        check(StopSignal::Terminate, Duration::ZERO, true);
        check(StopSignal::Hangup, TWICE, true);
    }

    #[test]
    fn without_a_listener_no_signal_comes() {
        let mut signals = StopSignals::none();
        assert_eq!(signals.come(), None);
        let runtime = runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let waited = runtime.block_on(async { tokio::time::timeout(Duration::from_millis(1), signals.first()).await });
        assert!(waited.is_err());
    }
}
