//! What this machine grants the process: descriptors, memory and ports.

use crate::plan::MachineLimits;
use rustix::process::{Resource, getrlimit};
use std::fs;

/// Ports of the range that RFC 6335 §6 sets aside, for systems that don't tell theirs.
const PORTS_RFC6335: u64 = 16_384;

/// Asks the system. What it doesn't tell is taken as without limit, the ports excepted.
pub fn measure() -> MachineLimits {
    MachineLimits {
        nofile_hard: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
        memory_bytes: available_memory().unwrap_or(u64::MAX).min(group_memory().unwrap_or(u64::MAX)),
        ports: ports().unwrap_or(PORTS_RFC6335),
    }
}

fn available_memory() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// What the control group leaves; `max` is no number and no limit.
fn group_memory() -> Option<u64> {
    let number = |path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let limit = number("/sys/fs/cgroup/memory.max")?;
    Some(limit.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or(0)))
}

fn ports() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(high.checked_sub(low)? + 1)
}
