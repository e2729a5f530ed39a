//! The pause between two probes: restarts the target, or waits until the last probe's connections are gone.

use crate::controller::{StopSignal, StopSignals};
use crate::os::connections;
use crate::summary::Summary;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use url::Url;

/// The most time to wait; then the next probe begins even if connections are left.
const REST_MAX: Duration = Duration::from_secs(20);

/// The least time to wait: the peers' leave messages came last, and are still to be processed.
const REST_MIN: Duration = Duration::from_secs(1);

/// The most time that the restart command may take.
const RESTART_MAX: Duration = Duration::from_secs(60);
/// The interval at which connections and the restart command are polled.
const POLL_EVERY: Duration = Duration::from_millis(50);

/// The end of a pause.
pub(super) enum CooldownEnd {
    Ready,
    Stopped(StopSignal),
}

/// The pauses of one search; a signal ends each of them.
pub struct Cooldown {
    runtime: Runtime,
    signals: StopSignals,
    restart: Option<String>,
    /// Connections of the target that are not ours, learned when they stayed for `REST_MAX`; `None` until then.
    others: Option<usize>,
}

impl Cooldown {
    /// With a `restart` command each pause runs it; without, it waits.
    ///
    /// # Errors
    /// The system refuses the runtime.
    pub fn new(restart: Option<String>, signals: StopSignals) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, signals, restart, others: None })
    }

    /// Tells if pauses restart the target.
    pub(super) fn restarts(&self) -> bool {
        self.restart.is_some()
    }

    /// Pauses after the run of summary `last`. Without `url` the server is embedded, each run has a fresh one, and there is
    /// no pause.
    ///
    /// # Errors
    /// The restart command can't be run, fails, or takes longer than 60 s.
    pub(super) fn rest(&mut self, last: Option<&Summary>, url: Option<&str>) -> io::Result<CooldownEnd> {
        let Self { runtime, signals, restart, others } = self;
        runtime.block_on(async {
            let paused = async {
                match (restart, url) {
                    (Some(command), _) => restart_target(command).await,
                    (None, Some(url)) => {
                        tokio::time::sleep(drain_time(last)).await;
                        settle(url, others).await;
                        Ok(())
                    }
                    (None, None) => Ok(()),
                }
            };
            // First a signal that came while the last run ended.
            tokio::select! {
                biased;
                signal = signals.first() => Ok(CooldownEnd::Stopped(signal)),
                done = paused => done.map(|()| CooldownEnd::Ready),
            }
        })
    }
}

/// The time for the target's queues: they drain no faster than they filled, so the slowest edge's time, within bounds.
fn drain_time(last: Option<&Summary>) -> Duration {
    let slowest = last.and_then(|last| last.timers.get("time_to_open")).map_or(0, |timer| timer.due.max_us);
    (Duration::from_micros(slowest) + REST_MIN).min(REST_MAX)
}

/// Waits until the connections of the last run are gone from this machine's kernel.
async fn settle(url: &str, others: &mut Option<usize>) {
    let Some(port) = Url::parse(url).ok().and_then(|url| url.port_or_known_default()) else { return };
    let until = Instant::now() + REST_MAX;
    let usual = others.unwrap_or(0);
    while connections(port) > usual {
        if Instant::now() > until {
            // They belong to others, or the target keeps connections open: not waited for again.
            *others = Some(connections(port));
            return;
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}

/// Runs the restart command; discards its stdout, which must not mix with the report.
///
/// # Errors
/// The command can't be run, fails, or takes longer than `RESTART_MAX`.
async fn restart_target(command: &str) -> io::Result<()> {
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(command).stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = KilledOnDrop(shell.spawn()?);
    let until = Instant::now() + RESTART_MAX;
    loop {
        match child.0.try_wait()? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(io::Error::other(format!("--restart-cmd ended with {status}"))),
            None if Instant::now() > until => {
                return Err(io::Error::other(format!("--restart-cmd was not done after {} s", RESTART_MAX.as_secs())));
            }
            None => tokio::time::sleep(POLL_EVERY).await,
        }
    }
}

/// A child process that is killed when it is no longer waited for.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // Fails only if the process has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(command: &str, expected: Result<(), &str>) {
        let mut cooldown = Cooldown::new(Some(command.to_owned()), StopSignals::none()).unwrap();
        let rested = cooldown.rest(None, None).map(|_| ());
        match (rested, expected) {
            (Ok(()), Ok(())) => {}
            (Err(error), Err(start)) => assert!(error.to_string().starts_with(start), "{error}"),
            (rested, _) => panic!("{command}: {rested:?}"),
        }
    }

    #[test]
    fn a_restart_that_fails_is_told() {
        check("true", Ok(()));
        check("exit 3", Err("--restart-cmd ended with exit status: 3"));
    }
}
