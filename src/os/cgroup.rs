//! Limits and statistics of the process's cgroup, v1 or v2, and of those that it is nested in; `None` where there is no limit.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The mount point of the cgroup file systems.
const ROOT: &str = "/sys/fs/cgroup";

/// The least CPU quota in cores: v2 `cpu.max` has `QUOTA PERIOD` in µs, or `max PERIOD`; v1 has a file for each.
pub(super) fn cpu_quota() -> Option<f64> {
    levels("cpu").iter().filter_map(|level| quota_of(level)).reduce(f64::min)
}

/// The time for which the cgroup was throttled so far.
pub(super) fn throttled() -> Option<Duration> {
    let text = levels("cpu").iter().find_map(|level| read(level, "cpu.stat"))?;
    let micros = value_of(&text, "throttled_usec").map(Duration::from_micros);
    micros.or_else(|| value_of(&text, "throttled_time").map(Duration::from_nanos))
}

/// The least memory limit, in bytes.
pub(super) fn memory_max() -> Option<u64> {
    memory().iter().map(|(_, limit)| *limit).min()
}

/// The memory in use and its limit, in bytes, of each cgroup that has a limit.
pub(super) fn memory() -> Vec<(u64, u64)> {
    levels("memory").iter().filter_map(|level| memory_of(level)).collect()
}

fn memory_of(level: &Path) -> Option<(u64, u64)> {
    let number = |names: [&str; 2]| names.iter().find_map(|name| read(level, name)?.trim().parse::<u64>().ok());
    // v2 has `max` for no limit, v1 the greatest multiple of a page.
    let limit = number(["memory.max", "memory.limit_in_bytes"]).filter(|limit| *limit < 1 << 60)?;
    let used = number(["memory.current", "memory.usage_in_bytes"])?;
    // Cached files are given back before anything fails.
    let stat = read(level, "memory.stat").unwrap_or_default();
    let cached = value_of(&stat, "total_inactive_file").or_else(|| value_of(&stat, "inactive_file"));
    Some((used.saturating_sub(cached.unwrap_or(0)), limit))
}

fn quota_of(level: &Path) -> Option<f64> {
    let text = read(level, "cpu.max").or_else(|| {
        Some(format!("{} {}", read(level, "cpu.cfs_quota_us")?.trim(), read(level, "cpu.cfs_period_us")?.trim()))
    })?;
    let mut words = text.split_ascii_whitespace();
    let (quota, period): (f64, f64) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    // v1 has a quota of -1 for none.
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}

/// The directories of the process's cgroup and of those around it, innermost first.
fn levels(controller: &str) -> Vec<PathBuf> {
    levels_under(Path::new(ROOT), &fs::read_to_string("/proc/self/cgroup").unwrap_or_default(), controller)
}

/// `own` is /proc/self/cgroup: lines `ID:CONTROLLERS:PATH`, without controllers for v2 (cgroups(7)).
fn levels_under(root: &Path, own: &str, controller: &str) -> Vec<PathBuf> {
    let line = |line: &str| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let names = controllers.split(',').any(|name| name == controller);
        (controllers.is_empty() || names).then(|| (!controllers.is_empty(), path.to_owned()))
    };
    // Where both are mounted, the controller is v1's.
    let Some((is_v1, path)) = own.lines().filter_map(line).max() else { return vec![] };
    let mount = if is_v1 { root.join(controller) } else { root.to_owned() };
    let inner = Path::new(&path).strip_prefix("/").unwrap_or(Path::new(""));
    // In a container the path may be the host's, and the mount begins at the container's own cgroup.
    let ancestors = inner.ancestors().map(|ancestor| mount.join(ancestor));
    ancestors.filter(|level| level.is_dir()).collect()
}

/// The value of a line `KEY VALUE`.
fn value_of(text: &str, key: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok())
}

fn read(level: &Path, file: &str) -> Option<String> {
    fs::read_to_string(level.join(file)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tree of these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        root
    }

    fn check(files: &[(&str, &str)], own: &str, memory: &[(u64, u64)], quota: Option<f64>) {
        let root = tree(files);
        let levels = |controller: &str| levels_under(root.path(), own, controller);
        assert_eq!(levels("memory").iter().filter_map(|level| memory_of(level)).collect::<Vec<_>>(), memory, "{own}");
        assert_eq!(levels("cpu").iter().filter_map(|level| quota_of(level)).reduce(f64::min), quota, "{own}");
    }

    #[test]
    fn every_limit_around_a_nested_cgroup_of_v2_counts() {
        let files = [
            ("a/memory.max", "1000\n"),
            ("a/memory.current", "900\n"),
            ("a/memory.stat", "anon 1\ninactive_file 200\n"),
            ("a/cpu.max", "50000 100000\n"),
            ("a/b/memory.max", "max\n"),
            ("a/b/memory.current", "300\n"),
            ("a/b/cpu.max", "max 100000\n"),
            ("a/b/c/memory.max", "500\n"),
            ("a/b/c/memory.current", "300\n"),
        ];
        check(&files, "0::/a/b/c\n", &[(300, 500), (700, 1_000)], Some(0.5));
        check(&files, "0::/a/b\n", &[(700, 1_000)], Some(0.5));
        check(&files, "0::/\n", &[], None);
    }

    #[test]
    fn limits_of_v1_are_those_of_each_controllers_own_tree() {
        let files = [
            ("memory/docker/x/memory.limit_in_bytes", "1000\n"),
            ("memory/docker/x/memory.usage_in_bytes", "400\n"),
            ("memory/docker/x/memory.stat", "total_inactive_file 100\n"),
            ("memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("memory/memory.usage_in_bytes", "5000\n"),
            ("cpu/docker/x/cpu.cfs_quota_us", "150000\n"),
            ("cpu/docker/x/cpu.cfs_period_us", "100000\n"),
            ("cpu/cpu.cfs_quota_us", "-1\n"),
            ("cpu/cpu.cfs_period_us", "100000\n"),
        ];
        let own = "5:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/\n";
        check(&files, own, &[(300, 1_000)], Some(1.5));
    }

    #[test]
    fn a_path_of_the_host_is_the_mounts_own_cgroup() {
        let files = [("memory/memory.limit_in_bytes", "1000"), ("memory/memory.usage_in_bytes", "1")];
        check(&files, "5:memory:/docker/of-the-host\n", &[(1, 1_000)], None);
        check(&files, "", &[], None);
    }
}
