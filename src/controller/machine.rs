//! The machine that makes the load, for the report.

use crate::summary::run::Machine;
use rustix::process::{Resource, getrlimit};
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// What is known of this machine. What the kernel does not tell is empty or zero.
pub fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(':'));
    Machine {
        os: os(),
        cpu: model.map(|(_, model)| model.trim().to_owned()).unwrap_or_default(),
        cores: cores_granted(),
        cores_host: cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u32,
        memory_bytes: memory_bytes(),
        nofile: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        container: container(),
    }
}

fn os() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned()
}

/// Affinity, and the cgroup's quota where it grants part of a core.
fn cores_granted() -> f64 {
    let whole = available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    quota().map_or(whole, |quota| quota.min(whole))
}

/// cgroup v2, cpu.max: `QUOTA PERIOD` in µs, or `max PERIOD`.
fn quota() -> Option<f64> {
    let text = fs::read_to_string("/sys/fs/cgroup/cpu.max").ok()?;
    let mut words = text.split_ascii_whitespace();
    let (quota, period): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    (period > 0.0).then(|| quota / period)
}

/// The machine's memory, or the cgroup's share of it.
fn memory_bytes() -> u64 {
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib: u64 = total.and_then(|rest| rest.split_ascii_whitespace().next()?.parse().ok()).unwrap_or(0);
    let limit = fs::read_to_string("/sys/fs/cgroup/memory.max").ok().and_then(|text| text.trim().parse().ok());
    limit.unwrap_or(u64::MAX).min(kib * 1024)
}

fn container() -> Option<String> {
    if Path::new("/run/.containerenv").exists() {
        return Some("podman".to_owned());
    }
    if Path::new("/.dockerenv").exists() {
        return Some("docker".to_owned());
    }
    std::env::var_os("KUBERNETES_SERVICE_HOST").map(|_| "kubernetes".to_owned())
}
