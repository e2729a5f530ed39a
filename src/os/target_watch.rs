//! Resource use of the target's processes from one look to the next, with the time for which they waited for a CPU.

use super::listener::listening_processes;
use super::process::{OtherProcess, other_process, thread_waits};
use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

/// The processes of the target on this machine: of its pid, or those that listen at one of its addresses.
#[derive(Debug)]
pub struct TargetWatch {
    addresses: Vec<SocketAddr>,
    pids: Vec<u32>,
    /// CPU time so far, and each thread's wait so far, by its id.
    cpu: Duration,
    waits: BTreeMap<u32, Duration>,
    restarts: u64,
}

/// The processes together, since the look before.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TargetSample {
    /// CPU time used; `None` right after a restart.
    pub cpu: Option<Duration>,
    /// Time for which the thread that waited longest was runnable without a CPU.
    pub waited: Option<Duration>,
    pub rss_bytes: u64,
    pub fds: Option<u64>,
    pub threads: u64,
}

impl TargetWatch {
    /// Finds the process of `pid`, else those that listen at the first address at which one of this user's does; `None`
    /// without any.
    pub fn find(pid: Option<u32>, addresses: Vec<SocketAddr>) -> Option<Self> {
        let given = pid.filter(|pid| other_process(*pid).is_ok()).map(|pid| vec![pid]);
        let pids = given.unwrap_or_else(|| listening(&addresses));
        if pids.is_empty() {
            return None;
        }
        let mut watch = Self { addresses, pids, cpu: Duration::ZERO, waits: BTreeMap::new(), restarts: 0 };
        watch.look();
        Some(watch)
    }

    /// The processes' ids.
    pub fn pids(&self) -> &[u32] {
        &self.pids
    }

    /// The name of the first process (proc_pid_comm(5)).
    pub fn name(&self) -> String {
        let name = self.pids.first().and_then(|pid| fs::read_to_string(format!("/proc/{pid}/comm")).ok());
        name.unwrap_or_default().trim().to_owned()
    }

    /// The number of looks that found the processes gone and others in their place.
    pub fn restarts(&self) -> u64 {
        self.restarts
    }

    /// Looks again; `None` while no process listens.
    pub fn look(&mut self) -> Option<TargetSample> {
        let mut seen = sample(&self.pids);
        let has_ended = seen.is_none();
        if has_ended {
            self.pids = listening(&self.addresses);
            self.waits.clear();
            seen = sample(&self.pids);
            self.restarts += u64::from(seen.is_some());
        }
        let (all, waits) = seen?;
        let waited = waits.iter().filter_map(|(thread, wait)| wait.checked_sub(*self.waits.get(thread)?)).max();
        let cpu = all.cpu.checked_sub(self.cpu).filter(|_| !has_ended);
        (self.cpu, self.waits) = (all.cpu, waits);
        let waited = waited.filter(|_| !has_ended);
        Some(TargetSample { cpu, waited, rss_bytes: all.rss_bytes, fds: all.fds, threads: all.threads })
    }
}

fn listening(addresses: &[SocketAddr]) -> Vec<u32> {
    addresses.iter().map(|address| listening_processes(*address)).find(|pids| !pids.is_empty()).unwrap_or_default()
}

/// The sums of all processes, and the waits of all their threads; `None` if one of them is gone.
fn sample(pids: &[u32]) -> Option<(OtherProcess, BTreeMap<u32, Duration>)> {
    let mut sum: Option<OtherProcess> = None;
    let mut waits = BTreeMap::new();
    for pid in pids {
        let one = other_process(*pid).ok()?;
        waits.extend(thread_waits(*pid));
        let fds = one.fds;
        sum = Some(sum.map_or(one, |sum| OtherProcess {
            cpu: sum.cpu + one.cpu,
            rss_bytes: sum.rss_bytes + one.rss_bytes,
            threads: sum.threads + one.threads,
            fds: sum.fds.zip(fds).map(|(sum, fds)| sum + fds),
        }));
    }
    Some((sum?, waits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    /// A process that listens at a port of its own choice, and then works without end.
    struct Listener(Child, SocketAddr);

    impl Listener {
        fn start(port: u16) -> Self {
            let script = format!(
                "import socket\ns = socket.socket()\ns.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n\
                 s.bind(('127.0.0.1', {port}))\ns.listen()\nprint(s.getsockname()[1], flush=True)\nwhile True: pass\n"
            );
            let mut command = Command::new("python3");
            let mut child = command.args(["-c", &script]).stdout(Stdio::piped()).spawn().expect("python3");
            let mut line = String::new();
            BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
            Self(child, SocketAddr::from(([127, 0, 0, 1], line.trim().parse().unwrap())))
        }
    }

    impl Drop for Listener {
        fn drop(&mut self) {
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn a_process_is_found_by_its_socket_seen_at_work_and_its_restart_is_counted() {
        let first = Listener::start(0);
        let address = first.1;
        let mut watch = TargetWatch::find(None, vec![address]).expect("it listens");
        assert_eq!((watch.pids(), watch.restarts()), ([first.0.id()].as_slice(), 0));
        assert!(watch.name().starts_with("python"), "{}", watch.name());
        let mut used = Duration::ZERO;
        for _ in 0..1_000 {
            let seen = watch.look().expect("it runs");
            assert!(seen.rss_bytes > 100_000 && seen.threads >= 1 && seen.waited.is_some(), "{seen:?}");
            used += seen.cpu.unwrap();
            if used >= Duration::from_millis(20) {
                break;
            }
            // The process uses its CPU time meanwhile.
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(used >= Duration::from_millis(20), "{used:?}");
        drop(first);
        assert_eq!(watch.look(), None);
        let _second = Listener::start(address.port());
        let seen = watch.look().expect("another listens");
        assert_eq!((seen.cpu, watch.restarts()), (None, 1));
        assert!(watch.look().unwrap().cpu.is_some());
    }

    #[test]
    fn a_pid_goes_before_the_socket_and_one_that_is_gone_does_not() {
        let listener = Listener::start(0);
        let own = std::process::id();
        let pids = |pid| TargetWatch::find(Some(pid), vec![listener.1]).map(|watch| watch.pids().to_vec());
        assert_eq!(pids(own), Some(vec![own]));
        assert_eq!(pids(u32::MAX), Some(vec![listener.0.id()]));
        assert!(TargetWatch::find(Some(u32::MAX), vec![]).is_none());
    }
}
