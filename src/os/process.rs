//! Resource use of a process, this one or another: CPU, memory, descriptors, threads, and time spent waiting for a CPU.

use super::cgroup;
use crate::metrics::ProcessSample;
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Display;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// Another process, as `/proc` shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OtherProcess {
    /// User and system time since the process began.
    pub cpu: Duration,
    pub rss_bytes: u64,
    pub threads: u64,
    /// `None` if the process belongs to another user.
    pub fds: Option<u64>,
}

/// Samples another process.
///
/// # Errors
/// There is no such process, or this one may not look at it.
pub fn other_process(pid: u32) -> io::Result<OtherProcess> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (ticks, page) = (rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64);
    parse_stat(&stat, ticks, page, descriptors(pid))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its stat can't be read"))
}

/// Samples this process; `threads` are its workers, by `thread_id`. A value that the kernel does not show is zero.
pub fn own_process(threads: &[i32]) -> ProcessSample {
    ProcessSample {
        at: Instant::now(),
        cpu: own_cpu(),
        rss_bytes: own_memory().map_or(0, |(_, resident)| resident),
        fds: descriptors("self").unwrap_or(0),
        run_wait: threads.iter().filter_map(|thread| run_wait("self", *thread)).max().unwrap_or_default(),
        throttled: cgroup::throttled().unwrap_or_default(),
    }
}

/// The kernel's id of the calling thread.
pub fn thread_id() -> i32 {
    rustix::thread::gettid().as_raw_nonzero().get()
}

/// CPU time of this process so far.
fn own_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The address space and the resident memory of this process, in bytes: the first two figures of statm, in pages
/// (proc_pid_statm(5)).
pub(super) fn own_memory() -> Option<(u64, u64)> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = statm.split_ascii_whitespace().map_while(|pages| pages.parse::<u64>().ok());
    let page = rustix::param::page_size() as u64;
    Some((pages.next()? * page, pages.next()? * page))
}

/// Open descriptors of a process, by its pid or `self`.
fn descriptors(process: impl Display) -> Option<u64> {
    let folder = format!("/proc/{process}/fd");
    // Linux 6.2 and later tell the number as the folder's size; earlier ones say 0.
    let told = Some(fs::metadata(&folder).ok()?.len()).filter(|number| *number > 0);
    told.or_else(|| Some(fs::read_dir(&folder).ok()?.count() as u64))
}

/// Time for which each thread of a process was runnable without a CPU, by the thread's id.
pub(super) fn thread_waits(pid: u32) -> Vec<(u32, Duration)> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let threads = threads.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    threads.filter_map(|thread| Some((thread, run_wait(pid, thread)?))).collect()
}

/// Time that a thread was runnable without a CPU: the second figure of schedstat, in ns.
fn run_wait(process: impl Display, thread: impl Display) -> Option<Duration> {
    let schedstat = fs::read_to_string(format!("/proc/{process}/task/{thread}/schedstat")).ok()?;
    schedstat.split_ascii_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos)
}

/// Parses fields 14, 15, 20 and 24 of proc_pid_stat(5). The name in field 2 may hold any character, `)` too.
fn parse_stat(stat: &str, ticks_per_second: u64, page_bytes: u64, fds: Option<u64>) -> Option<OtherProcess> {
    let after_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = number(14)?.checked_add(number(15)?)?;
    Some(OtherProcess {
        cpu: Duration::from_secs_f64(ticks as f64 / ticks_per_second.max(1) as f64),
        rss_bytes: number(24)?.saturating_mul(page_bytes),
        threads: number(20)?,
        fds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAT: &str = "42 (a) S b (c)) S 1 42 42 0 -1 4194304 900 0 0 0 150 50 0 0 20 0 7 0 99999 1000000 2560 \
                        18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0";

    #[test]
    fn a_name_with_parentheses_shifts_no_field() {
        let expected = OtherProcess { cpu: Duration::from_secs(2), rss_bytes: 10 << 20, threads: 7, fds: Some(12) };
        assert_eq!(parse_stat(STAT, 100, 4_096, Some(12)), Some(expected));
        assert_eq!(parse_stat("42 (a) S 1", 100, 4_096, None), None);
        assert_eq!(parse_stat("", 100, 4_096, None), None);
    }

    #[test]
    fn a_process_can_be_sampled_and_one_that_is_not_there_can_t() {
        let own = other_process(std::process::id()).unwrap();
        assert!(own.rss_bytes > 100_000 && own.threads >= 1 && own.fds.is_some_and(|fds| fds > 2), "{own:?}");
        assert!(other_process(u32::MAX).is_err());
    }

    #[test]
    fn this_process_has_memory_descriptors_and_a_thread() {
        let sample = own_process(&[thread_id()]);
        assert!(sample.rss_bytes > 100_000, "{sample:?}");
        assert!(sample.fds >= 3, "{sample:?}");
        assert!(run_wait("self", thread_id()).is_some());
    }
}
