//! Reads which parts of the target are looked at while a run goes on.

use super::variable;
use crate::cli::TargetWatchArgs;
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::controller::{Access, TargetMetrics, Watched};
use crate::signaling::{Connector, Proxy};
use std::time::Duration;

/// Reads and checks `--target-pid` and `--target-metrics`; waits for metrics at most for `at_most`. Trust, client
/// certificate and allowed hosts are those of `access`, the proxy is the metrics' own.
///
/// # Errors
/// `Usage`; stderr already has the problem.
pub(in crate::commands) fn watched(
    args: &TargetWatchArgs,
    access: &Access,
    at_most: Duration,
) -> Result<Watched, Exit> {
    let read = || -> Result<Watched, String> {
        let metrics = args.target_metrics.as_ref().map(|text| metrics(text, &args.target_metrics_header, access));
        let watched = Watched { pid: args.target_pid, metrics: metrics.transpose()? };
        watched.check(at_most).map(|()| watched)
    };
    read().map_err(|why| {
        write_stderr([why]);
        Exit::Usage
    })
}

fn metrics(text: &str, headers: &[String], access: &Access) -> Result<TargetMetrics, String> {
    let in_words = |why: String| format!("--target-metrics {why}");
    let metrics = TargetMetrics::read(text, headers).map_err(in_words)?;
    // A proxy of the target's that was switched off, or not needed, is none of the metrics' either.
    let proxy = access.route.proxy.as_ref().map(|_| Proxy::choose(metrics.url(), &variable)).transpose()?;
    let route = Connector { connect_to: None, proxy: proxy.flatten(), ..access.route.clone() };
    Ok(metrics.over(route))
}
