//! Limits that this machine sets to a run: descriptors, memory and ports.

use super::{cgroup, meminfo};
use crate::plan::MachineLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::fs;

/// Ports of the range that RFC 6335 §6 sets aside, for systems that don't show theirs.
const PORTS_RFC6335: u64 = 16_384;

/// Reads the limits. A limit that the kernel does not show is `u64::MAX`; ports are then those of RFC 6335.
pub fn machine_limits() -> MachineLimits {
    let limit = |bytes: Option<u64>| bytes.unwrap_or(u64::MAX);
    MachineLimits {
        nofile_hard: getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX),
        memory_bytes: limit(meminfo("MemAvailable")).min(limit(cgroup::memory_left())),
        ports: ports().unwrap_or(PORTS_RFC6335),
    }
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
    fn the_soft_limit_ends_where_the_hard_one_is() {
        let holds = raise_descriptors();
        let now = getrlimit(Resource::Nofile);
        assert_eq!((now.current, now.current.unwrap_or(u64::MAX)), (now.maximum, holds));
    }
}
