//! A process as the kernel sees it: CPU so far, memory, descriptors and threads.

use std::fs;
use std::io;
use std::time::Duration;

/// One look at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TargetSample {
    /// User and system time since the process began.
    pub cpu: Duration,
    pub rss_bytes: u64,
    pub threads: u64,
    /// None where they are not ours to count.
    pub fds: Option<u64>,
}

/// # Errors
/// There is no such process, or it is not ours to look at.
pub fn look(pid: u32) -> io::Result<TargetSample> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fds = fs::read_dir(format!("/proc/{pid}/fd")).ok().map(|entries| entries.count() as u64);
    let (ticks, page) = (rustix::param::clock_ticks_per_second(), rustix::param::page_size() as u64);
    read(&stat, ticks, page, fds).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "its stat can't be read"))
}

/// Fields 14, 15, 20 and 24 of proc_pid_stat(5). The name in field 2 may hold anything, a `)` too.
fn read(stat: &str, ticks_per_second: u64, page_bytes: u64, fds: Option<u64>) -> Option<TargetSample> {
    let after_name = stat.rsplit_once(')')?.1;
    let fields: Vec<&str> = after_name.split_ascii_whitespace().collect();
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    let ticks = number(14)?.checked_add(number(15)?)?;
    Some(TargetSample {
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
        let expected = TargetSample { cpu: Duration::from_secs(2), rss_bytes: 10 << 20, threads: 7, fds: Some(12) };
        assert_eq!(read(STAT, 100, 4_096, Some(12)), Some(expected));
        assert_eq!(read("42 (a) S 1", 100, 4_096, None), None);
        assert_eq!(read("", 100, 4_096, None), None);
    }

    #[test]
    fn this_process_can_be_looked_at_and_one_that_is_not_there_can_t() {
        let own = look(std::process::id()).unwrap();
        assert!(own.rss_bytes > 100_000 && own.threads >= 1 && own.fds.is_some_and(|fds| fds > 2), "{own:?}");
        assert!(look(u32::MAX).is_err());
    }
}
