//! Between two probes: the target is restarted, or left alone until the last one's connections are gone.

use crate::controller::{StopSignal, StopSignals};
use crate::summary::Summary;
use std::fs;
use std::io;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use url::Url;

/// A target whose connections are still there by then gets its next probe all the same.
const REST_MAX: Duration = Duration::from_secs(20);

/// On top of what the queues need: goodbyes are the last thing that the peers said.
const REST_MIN: Duration = Duration::from_secs(1);

const RESTART_MAX: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How a rest ended.
pub enum CooldownEnd {
    Ready,
    Stopped(StopSignal),
}

/// Hears a signal between two probes, too.
pub struct Cooldown {
    runtime: Runtime,
    signals: StopSignals,
    restart: Option<String>,
    /// Connections of the target before there were any of ours; None until somebody looked.
    others: Option<usize>,
}

impl Cooldown {
    /// # Errors
    /// No runtime could be had.
    pub fn new(restart: Option<String>, signals: StopSignals) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, signals, restart, others: None })
    }

    pub fn restarts(&self) -> bool {
        self.restart.is_some()
    }

    /// Rests after the run that `last` tells of. An embedded server, without a `url`, is a fresh one each time.
    ///
    /// # Errors
    /// The restart command fails.
    pub fn rest(&mut self, last: Option<&Summary>, url: Option<&str>) -> io::Result<CooldownEnd> {
        let Self { runtime, signals, restart, others } = self;
        runtime.block_on(async {
            let rested = async {
                match (restart, url) {
                    (Some(command), _) => run(command).await,
                    (None, Some(url)) => {
                        tokio::time::sleep(queues(last)).await;
                        settle(url, others).await;
                        Ok(())
                    }
                    (None, None) => Ok(()),
                }
            };
            // A signal that came while the last run ended is heard first.
            tokio::select! {
                biased;
                signal = signals.first() => Ok(CooldownEnd::Stopped(signal)),
                rested = rested => rested.map(|()| CooldownEnd::Ready),
            }
        })
    }
}

/// A queue drains no faster than it filled: what the slowest edge of the last run had to wait for.
fn queues(last: Option<&Summary>) -> Duration {
    let slowest = last.and_then(|last| last.timers.get("time_to_open")).map_or(0, |timer| timer.due.max_us);
    (Duration::from_micros(slowest) + REST_MIN).min(REST_MAX)
}

/// Until the connections of the last run are gone, as this machine's kernel sees them.
async fn settle(url: &str, others: &mut Option<usize>) {
    let Some(port) = Url::parse(url).ok().and_then(|url| url.port_or_known_default()) else { return };
    let until = Instant::now() + REST_MAX;
    let usual = others.unwrap_or(0);
    while connections(port) > usual {
        if Instant::now() > until {
            // They stay: other people's, or the target's own idea of when a connection ends.
            *others = Some(connections(port));
            return;
        }
        tokio::time::sleep(LOOK_EVERY).await;
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

/// Runs the command to its end. Its stdout is not ours to print.
async fn run(command: &str) -> io::Result<()> {
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
            None => tokio::time::sleep(LOOK_EVERY).await,
        }
    }
}

/// A command that is not left running when nobody waits for it any more.
struct KilledOnDrop(Child);

impl Drop for KilledOnDrop {
    fn drop(&mut self) {
        // One that has ended can't be killed, and need not be.
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
