//! The pause between two probes: restarts the target, or waits until the last probe's connections are gone.

use crate::controller::{StopSignal, StopSignals};
use crate::summary::Summary;
use std::fs;
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
pub enum CooldownEnd {
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
    pub fn restarts(&self) -> bool {
        self.restart.is_some()
    }

    /// Pauses after the run of summary `last`. Without `url` the server is embedded, each run has a fresh one, and there is
    /// no pause.
    ///
    /// # Errors
    /// The restart command can't be run, fails, or takes longer than 60 s.
    pub fn rest(&mut self, last: Option<&Summary>, url: Option<&str>) -> io::Result<CooldownEnd> {
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

/// Connections from or to the port; those in TIME_WAIT are over.
fn connections(port: u16) -> usize {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| fs::read_to_string(path).unwrap_or_default());
    tables.iter().map(|table| count(table, port)).sum()
}

/// Columns of proc_pid_net(5): number, local, remote, state.
fn count(table: &str, port: u16) -> usize {
    const TIME_WAIT: &str = "06";
    const LISTEN: &str = "0A";
    let end = format!(":{port:04X}");
    let is_open = |line: &&str| {
        let columns: Vec<&str> = line.split_ascii_whitespace().take(4).collect();
        let [_, local, remote, state] = columns[..] else { return false };
        (local.ends_with(&end) || remote.ends_with(&end)) && ![TIME_WAIT, LISTEN].contains(&state)
    };
    table.lines().skip(1).filter(is_open).count()
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
    use std::net::{TcpListener, TcpStream};

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue
   0: 0100007F:2328 00000000:0000 0A 00000000:00000000
   1: 0100007F:2328 0100007F:8AE2 01 00000000:00000000
   2: 0100007F:8AE2 0100007F:2328 01 00000000:00000000
   3: 0100007F:8AE4 0100007F:2328 06 00000000:00000000
   4: 0100007F:8AE6 0100007F:2329 01 00000000:00000000
";

    #[test]
    fn both_ends_of_a_connection_count_and_listeners_and_the_past_do_not() {
        assert_eq!(count(TABLE, 9_000), 2);
        assert_eq!(count(TABLE, 9_001), 1);
        assert_eq!(count("", 9_000), 0);
    }

    #[test]
    fn a_real_connection_is_seen_and_gone_when_it_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(connections(port), 0);
        let ends = (TcpStream::connect(("127.0.0.1", port)).unwrap(), listener.accept().unwrap());
        assert_eq!(connections(port), 2);
        drop(ends);
        assert!(connections(port) < 2);
    }

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
