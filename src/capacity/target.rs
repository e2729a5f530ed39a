//! Resource use of the target's process: samples per second, their summary, and the conclusion about its limit.

use crate::summary::{TargetProcess, TargetSecond};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One sample of the target's process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRow {
    /// Seconds from the start of the run.
    pub second: u64,
    /// CPU cores used since the preceding sample; absent in the first sample, and without a process.
    pub cpu_cores: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub fds: Option<u64>,
    pub threads: Option<u64>,
    /// The selected series of the target's own metrics, summed over their labels.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, f64>,
}

impl TargetRow {
    /// The rows of a process that a run found by its socket.
    pub fn of(process: &TargetProcess) -> Vec<Self> {
        let row = |(row, seconds): (&TargetSecond, u64)| Self {
            second: row.second,
            cpu_cores: row.cpu_us.map(|us| us as f64 / 1e6 / seconds as f64),
            rss_bytes: row.rss_bytes,
            fds: row.fds,
            threads: row.threads,
            metrics: row.metrics.clone(),
        };
        process.spans().map(row).collect()
    }
}

/// The target's resource use during one probe.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetLoad {
    pub cpu_cores_mean: Option<f64>,
    /// The most CPU cores in one second.
    pub cpu_cores_max: Option<f64>,
    /// CPU time per opened edge, in microseconds.
    pub cpu_us_per_edge: Option<f64>,
    pub rss_bytes_max: Option<u64>,
    pub fds_max: Option<u64>,
    pub threads_max: Option<u64>,
}

/// The share of a core, or of all cores, from which it counts as used up.
const USED_UP: f64 = 0.85;

impl TargetLoad {
    /// Summarizes the samples; `None` if none has the process.
    pub fn of(rows: &[TargetRow], edges_opened: u64) -> Option<Self> {
        let cores: Vec<f64> = rows.iter().filter_map(|row| row.cpu_cores).collect();
        let spent: f64 = cores.iter().sum();
        let seen = rows.iter().any(|row| row.rss_bytes.is_some());
        seen.then(|| Self {
            cpu_cores_mean: (!cores.is_empty()).then(|| spent / cores.len() as f64),
            cpu_cores_max: cores.iter().copied().reduce(f64::max),
            cpu_us_per_edge: (edges_opened > 0 && !cores.is_empty()).then(|| spent * 1e6 / edges_opened as f64),
            rss_bytes_max: rows.iter().filter_map(|row| row.rss_bytes).max(),
            fds_max: rows.iter().filter_map(|row| row.fds).max(),
            threads_max: rows.iter().filter_map(|row| row.threads).max(),
        })
    }

    /// The conclusion from the busiest second at the load `label`, as a sentence; `cores` is the number of this machine's
    /// CPU cores.
    pub fn conclusion(&self, label: &str, cores: f64) -> Option<String> {
        let busiest = self.cpu_cores_max?;
        let percent = format!("the target's CPU was {:.0} % of one core at {label}", busiest * 100.0);
        Some(if busiest >= USED_UP * cores {
            format!("{percent}: all that this machine has, so it is short of CPU, or the generator took it")
        } else if (USED_UP..1.1).contains(&busiest) {
            format!("{percent}: single-threaded, or it works as if it were")
        } else if busiest < USED_UP {
            format!("{percent}: CPU is not what limits it")
        } else {
            percent
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(second: u64, cpu_cores: Option<f64>) -> TargetRow {
        TargetRow { second, cpu_cores, rss_bytes: Some(1_000 + second), fds: Some(9), ..TargetRow::default() }
    }

    #[test]
    fn a_probe_is_the_sum_of_its_seconds() {
        let load = TargetLoad::of(&[row(0, None), row(1, Some(0.5)), row(2, Some(0.97))], 100).unwrap();
        assert_eq!((load.cpu_cores_max, load.rss_bytes_max), (Some(0.97), Some(1_002)));
        assert!((load.cpu_us_per_edge.unwrap() - 14_700.0).abs() < 1e-6);
        assert_eq!(TargetLoad::of(&[TargetRow::default()], 100), None);
    }

    fn check(busiest: f64, end: &str) {
        let load = TargetLoad { cpu_cores_max: Some(busiest), ..TargetLoad::default() };
        let found = load.conclusion("340 rooms", 4.0).unwrap();
        assert!(found.ends_with(end), "{found}");
    }

    #[test]
    fn one_core_used_up_reads_as_single_threaded() {
        check(0.97, "97 % of one core at 340 rooms: single-threaded, or it works as if it were");
        check(0.4, "CPU is not what limits it");
        check(2.2, "220 % of one core at 340 rooms");
        check(3.9, "so it is short of CPU, or the generator took it");
    }
}
