//! Starts what shows a run's metrics while it goes on, and ends it once a scraper has had the last ones.

use crate::cli::TelemetryArgs;
use crate::commands::Exit;
use crate::commands::inputs::variable;
use crate::commands::terminal::write_stderr;
use crate::controller::{Access, StopSignals};
use crate::signaling::{Connector, Proxy};
use crate::summary::Summary;
use crate::telemetry::{MetricsFeed, OtlpSettings, Telemetry, TelemetryConfig};
use std::net::TcpListener;
use std::time::Duration;

/// The metrics of all runs of one command, while they go on and after.
pub(in crate::commands) struct RunTelemetry {
    telemetry: Telemetry,
    signals: StopSignals,
    quiet: bool,
}

impl RunTelemetry {
    /// Starts what the options ask for; `None` if they ask for nothing. The way to a collector has the trust and the
    /// client certificate of `access`, and the proxy that its own URL asks for.
    ///
    /// # Errors
    /// `Usage` or `Broken`; stderr already has the reason.
    pub(super) fn start(
        args: &TelemetryArgs,
        access: &Access,
        signals: &StopSignals,
        quiet: bool,
    ) -> Result<Option<Self>, Exit> {
        let refused = |why: String| {
            write_stderr([why]);
            Exit::Usage
        };
        let otlp = args.otlp.as_ref().map(|option| collector(option, access)).transpose().map_err(refused)?;
        let bind = |address| {
            TcpListener::bind(address).map_err(|error| refused(format!("--metrics-listen {address}: {error}")))
        };
        let listener = args.metrics_listen.map(bind).transpose()?;
        if otlp.is_none() && listener.is_none() {
            return Ok(None);
        }
        let telemetry = Telemetry::start(TelemetryConfig { listener, otlp }, |warning| write_stderr([warning]));
        let telemetry = telemetry.map_err(|error| {
            write_stderr([format!("the metrics could not be shown: {error}")]);
            Exit::Broken
        })?;
        if !quiet {
            write_stderr(telemetry.url().map(|url| format!("metrics: {url}")));
        }
        Ok(Some(Self { telemetry, signals: signals.clone(), quiet }))
    }

    pub(super) fn feed(&self) -> MetricsFeed {
        self.telemetry.feed()
    }

    /// Shows and exports the last figures of a run.
    pub(in crate::commands) fn run_ended(&self, summary: &Summary) {
        self.telemetry.run_ended(summary);
    }

    /// Waits for a scraper that has not had the last figures, if one has ever come; no longer than until a signal.
    pub(in crate::commands) fn wait_for_last_scrape(&self) {
        let Some(at_most) = self.telemetry.linger().filter(|_| self.signals.received().is_none()) else { return };
        // Without a runtime there is nothing that could wait.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let mut signals = self.signals.clone();
        runtime.block_on(async {
            let soon = tokio::time::timeout(Duration::from_millis(500), self.telemetry.last_scrape());
            if soon.await.is_ok() {
                return;
            }
            if !self.quiet {
                let seconds = at_most.as_secs();
                write_stderr([format!("metrics: shown until they are scraped once more, at most for {seconds} s")]);
            }
            tokio::select! {
                () = self.telemetry.last_scrape() => {}
                () = tokio::time::sleep(at_most) => {}
                _ = signals.first() => {}
            }
        });
    }
}

/// The collector that `option` and the environment name, and the route to it. It is no target, so it may be anywhere.
fn collector(option: &str, access: &Access) -> Result<(OtlpSettings, Connector), String> {
    let settings = OtlpSettings::read(option, &variable)?;
    let mut route =
        Connector { connect_to: None, proxy: Proxy::choose(&settings.url, &variable)?, ..access.route.clone() };
    let hosts = [settings.url.host_str(), route.proxy.as_ref().map(|proxy| proxy.host.as_str())];
    let hosts: Vec<String> = hosts.into_iter().flatten().map(str::to_owned).collect();
    route.target_policy.allowed_hosts.extend(hosts);
    Ok((settings, route))
}
