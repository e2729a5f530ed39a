//! Watches the target's processes during a run, if they are on this machine.

use super::super::target::endpoint::Endpoints;
use crate::dialect::Dialect;
use crate::os::TargetWatch;
use crate::summary::{TargetProcess, TargetSecond};
use crate::vocabulary::format::micros;
use std::time::Duration;

/// As many rows as a summary's time series has.
const ROWS_MAX: usize = 1_000;

pub(super) struct TargetRecorder {
    watch: TargetWatch,
    pids: Vec<u32>,
    name: String,
    rows: Vec<TargetSecond>,
}

impl TargetRecorder {
    /// Finds the processes behind the target's socket.
    pub(super) async fn find(endpoints: &Endpoints, dialect: &Dialect) -> Option<Self> {
        let addresses = endpoints.any(dialect).ok()?.addresses().await;
        let watch = addresses.into_iter().find_map(TargetWatch::find)?;
        Some(Self { pids: watch.pids().to_vec(), name: watch.name(), watch, rows: vec![] })
    }

    /// Takes one look, `since` the start of the run.
    pub(super) fn sample(&mut self, since: Duration) {
        let seen = if self.rows.len() < ROWS_MAX { self.watch.look() } else { None };
        let Some(seen) = seen else { return };
        // The first look counts from when the processes were found, which is before the run.
        let is_first = self.rows.is_empty();
        self.rows.push(TargetSecond {
            second: since.as_secs_f64().round() as u64,
            cpu_us: seen.cpu.filter(|_| !is_first).map(micros),
            waiting_us: seen.waited.filter(|_| !is_first).map(micros),
            rss_bytes: seen.rss_bytes,
            fds: seen.fds,
            threads: seen.threads,
        });
    }

    pub(super) fn finish(self, lasted: Duration) -> TargetProcess {
        let Self { watch, pids, name, rows } = self;
        let process =
            TargetProcess { pids, name, restarts: watch.restarts(), series: rows, ..TargetProcess::default() };
        process.summed(lasted.as_secs_f64())
    }
}
