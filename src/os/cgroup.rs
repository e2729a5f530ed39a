//! Limits and statistics of the process's cgroup (v2, as a container mounts it); `None` where there is no limit or no such file.

use std::fs;
use std::time::Duration;

/// The CPU quota in cores, from `cpu.max`: `QUOTA PERIOD` in µs, or `max PERIOD`.
pub(super) fn cpu_quota() -> Option<f64> {
    let text = read("cpu.max")?;
    let mut words = text.split_ascii_whitespace();
    let (quota, period): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// The time for which the cgroup was throttled so far.
pub(super) fn throttled() -> Option<Duration> {
    let text = read("cpu.stat")?;
    let value = text.lines().find_map(|line| line.strip_prefix("throttled_usec "))?;
    value.trim().parse().ok().map(Duration::from_micros)
}

/// The memory limit, in bytes.
pub(super) fn memory_max() -> Option<u64> {
    number("memory.max")
}

/// The memory that the limit leaves, in bytes.
pub(super) fn memory_left() -> Option<u64> {
    Some(memory_max()?.saturating_sub(number("memory.current").unwrap_or(0)))
}

/// `max`, which stands for no limit, is no number.
fn number(file: &str) -> Option<u64> {
    read(file)?.trim().parse().ok()
}

fn read(file: &str) -> Option<String> {
    fs::read_to_string(format!("/sys/fs/cgroup/{file}")).ok()
}
