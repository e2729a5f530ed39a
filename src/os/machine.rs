//! The machine that makes the load, for the report.

use super::{cgroup, meminfo};
use crate::summary::Machine;
use rustix::process::{Resource, getrlimit};
use rustix::system::uname;
use std::fs;
use std::path::Path;
use std::thread::available_parallelism;

/// Describes this machine. A value that the kernel does not show is empty or zero.
pub fn machine() -> Machine {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).and_then(|rest| rest.split_once(':'));
    Machine {
        os: os(),
        cpu: model.map(|(_, model)| model.trim().to_owned()).unwrap_or_default(),
        cores: cores_granted(),
        cores_host: cpuinfo.lines().filter(|line| line.starts_with("processor")).count() as u32,
        memory_bytes: cgroup::memory_max().unwrap_or(u64::MAX).min(meminfo("MemTotal").unwrap_or(0)),
        nofile: getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX),
        container: container(),
    }
}

/// The machine's name, as the kernel has it.
pub fn host_name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

fn os() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} {}", std::env::consts::OS, release.trim()).trim_end().to_owned()
}

/// Cores by affinity, or the cgroup's quota if that is less; a quota may grant part of a core.
fn cores_granted() -> f64 {
    let whole = available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    cgroup::cpu_quota().map_or(whole, |quota| quota.min(whole))
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
