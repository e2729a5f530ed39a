//! Parts of the target to look at besides the process behind its socket: a process by its pid, its own metrics.

use super::metrics::TargetMetrics;
use crate::os::other_process;
use std::time::Duration;

/// Nothing by default.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    pub pid: Option<u32>,
    pub metrics: Option<TargetMetrics>,
}

impl Watched {
    /// Checks that all parts can be looked at; waits for metrics at most for `at_most`.
    ///
    /// # Errors
    /// One sentence: there is no such process, it belongs to another user, or there are no metrics.
    pub fn check(&self, at_most: Duration) -> Result<(), String> {
        if let Some(pid) = self.pid {
            other_process(pid).map_err(|error| format!("--target-pid {pid}: {error}"))?;
        }
        let Some(metrics) = &self.metrics else { return Ok(()) };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let checked =
            runtime.map_err(|error| error.to_string()).and_then(|runtime| runtime.block_on(metrics.check(at_most)));
        checked.map_err(|why| format!("--target-metrics {metrics}: {why}"))
    }
}
