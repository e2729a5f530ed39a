//! The process as the kernel sees it: CPU, memory, descriptors, and time spent waiting for a CPU.

use crate::metrics::ProcessSample;
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::time::{Duration, Instant};

/// One look. What the kernel does not tell here is zero.
pub fn sample(threads: &[i32]) -> ProcessSample {
    ProcessSample {
        at: Instant::now(),
        cpu: cpu(),
        rss_bytes: rss_bytes().unwrap_or(0),
        fds: descriptors(),
        run_wait: threads.iter().filter_map(|thread| run_wait(*thread)).max().unwrap_or_default(),
        throttled: throttled().unwrap_or_default(),
    }
}

/// CPU time of the process so far.
fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The second figure of statm, in pages (proc_pid_statm(5)).
fn rss_bytes() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn descriptors() -> u64 {
    fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64)
}

/// The second figure of schedstat: nanoseconds spent runnable without a CPU.
fn run_wait(thread: i32) -> Option<Duration> {
    let schedstat = fs::read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok()?;
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Time that the cgroup was throttled (cgroup v2, cpu.stat).
fn throttled() -> Option<Duration> {
    let stat = fs::read_to_string("/sys/fs/cgroup/cpu.stat").ok()?;
    let line = stat.lines().find_map(|line| line.strip_prefix("throttled_usec "))?;
    line.trim().parse().ok().map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_descriptors_and_a_thread() {
        let thread = rustix::thread::gettid().as_raw_nonzero().get();
        let sample = sample(&[thread]);
        assert!(sample.rss_bytes > 100_000, "{sample:?}");
        assert!(sample.fds >= 3, "{sample:?}");
        assert!(run_wait(thread).is_some());
    }
}
