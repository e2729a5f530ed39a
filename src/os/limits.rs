//! Limits that this machine sets to a run: descriptors, memory and ports.

use super::process::own_memory;
use super::{cgroup, meminfo};
use crate::plan::MachineLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;

/// Ports of the range that RFC 6335 §6 sets aside, for systems that don't show theirs.
const PORTS_RFC6335: u64 = 16_384;

/// Reads the limits. A limit that the kernel does not show is `u64::MAX`; ports are then those of RFC 6335.
pub fn machine_limits() -> MachineLimits {
    MachineLimits {
        nofile_hard: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
        memory_bytes: memory()
            .into_iter()
            .map(|(used, granted)| granted.saturating_sub(used))
            .min()
            .unwrap_or(u64::MAX),
        ports: ports().unwrap_or(PORTS_RFC6335),
    }
}

/// The greatest share of a memory limit that is in use, from 0 to 1.
pub fn memory_share() -> f64 {
    memory().into_iter().map(|(used, granted)| used as f64 / granted.max(1) as f64).fold(0.0, f64::max)
}

/// The memory in use and what is granted, in bytes: by this machine, by the cgroups, and by `ulimit -v`.
fn memory() -> Vec<(u64, u64)> {
    let (size, resident) = own_memory().unwrap_or_default();
    let machine = meminfo("MemAvailable").map(|available| (resident, resident.saturating_add(available)));
    let addresses = getrlimit(Resource::As).current.map(|limit| (size, limit));
    machine.into_iter().chain(addresses).chain(cgroup::memory()).collect()
}

/// Raises the soft limit on open descriptors to the hard limit. Returns the limit that holds now; `u64::MAX` is none.
pub fn raise_descriptors() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let holds = if raised.is_ok() { maximum } else { current };
    holds.unwrap_or(u64::MAX)
}

/// The number of ephemeral ports.
fn ports() -> Option<u64> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").ok()?;
    let mut ends = text.split_whitespace().map(str::parse::<u64>);
    let (low, high) = (ends.next()?.ok()?, ends.next()?.ok()?);
    Some(high.checked_sub(low)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_a_part_of_what_is_granted() {
        let share = memory_share();
        assert!(share > 0.0 && share < 1.0, "{share}");
        // Other processes take and give memory between two readings.
        let (left, most) = (machine_limits().memory_bytes, meminfo("MemTotal").unwrap());
        assert!(left > 0 && left < most, "{left} of {most}");
    }

    #[test]
    fn the_soft_limit_ends_where_the_hard_one_is() {
        let holds = raise_descriptors();
        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, now.current.unwrap_or(u64::MAX)), (now.maximum, holds));
    }
}
