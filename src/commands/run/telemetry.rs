//! Starts what shows a run while it goes on, on the screen or to a scraper, and ends it once that has had the last figures.

use crate::cli::{ColorWhen, TelemetryArgs};
use crate::commands::Exit;
use crate::commands::inputs::variable;
use crate::commands::terminal::{coloured, write_stderr};
use crate::controller::{Access, StopSignals};
use crate::os::release_screen;
use crate::report::{MetricsSnapshot, SnapshotScope};
use crate::signaling::{Connector, Proxy};
use crate::summary::Summary;
use crate::telemetry::{LiveView, MetricsFeed, OtlpSettings, PlannedCourse, Telemetry, TelemetryConfig};
use std::net::TcpListener;
use std::time::Duration;

/// The metrics of all runs of one command, while they go on and after.
pub(in crate::commands) struct RunTelemetry {
    feed: MetricsFeed,
    telemetry: Option<Telemetry>,
    _view: Option<LiveView>,
    signals: StopSignals,
    quiet: bool,
}

impl RunTelemetry {
    /// Starts what the options ask for; `None` if they ask for nothing. The way to a collector has the trust and the
    /// client certificate of `access`, and the proxy that its own URL asks for.
    ///
    /// # Errors
    /// `Usage` or `Broken`; stderr already has the reason.
    pub(in crate::commands) fn start(
        args: &TelemetryArgs,
        (quiet, color): (bool, ColorWhen),
        access: &Access,
        signals: &StopSignals,
        planned: PlannedCourse,
    ) -> Result<Option<Self>, Exit> {
        let refused = |why: String| {
            write_stderr([why]);
            Exit::Usage
        };
        let otlp = args.metrics.otlp.as_ref().map(|option| collector(option, access)).transpose().map_err(refused)?;
        let bind = |address| {
            TcpListener::bind(address).map_err(|error| refused(format!("--metrics-listen {address}: {error}")))
        };
        let listener = args.metrics.metrics_listen.map(bind).transpose()?;
        let feed = MetricsFeed::new(args.live);
        let start = |config| Telemetry::start(config, feed.clone(), |warning| write_stderr([warning]));
        let wanted = (otlp.is_some() || listener.is_some()).then_some(TelemetryConfig { listener, otlp });
        let telemetry = wanted.map(start).transpose().map_err(|error| {
            write_stderr([format!("the metrics could not be shown: {error}")]);
            Exit::Broken
        })?;
        if !quiet {
            write_stderr(telemetry.iter().filter_map(Telemetry::url).map(|url| format!("metrics: {url}")));
        }
        let view = || {
            LiveView::start(feed.clone(), planned, coloured(color, true)).map_err(|why| {
                refused(format!("--live: {why}; without it, progress goes to stderr as bars, or as a line every 5 s"))
            })
        };
        let view = args.live.then(view).transpose()?;
        let shows = telemetry.is_some() || view.is_some();
        Ok(shows.then_some(Self { feed, telemetry, _view: view, signals: signals.clone(), quiet }))
    }

    pub(in crate::commands) fn feed(&self) -> MetricsFeed {
        self.feed.clone()
    }

    /// Gives the terminal back, for the report.
    pub(in crate::commands) fn leave_view(&self) {
        release_screen();
    }

    /// Shows and exports the last figures of a run.
    pub(in crate::commands) fn run_ended(&self, summary: &Summary) {
        self.show(MetricsSnapshot::of(summary.clone()));
    }

    /// The same of the share of a slot: its gates are the merge's to judge.
    pub(in crate::commands) fn share_ended(&self, slot: u32, summary: &Summary) {
        self.show(MetricsSnapshot { scope: SnapshotScope::Slot(slot), ..MetricsSnapshot::of(summary.clone()) });
    }

    fn show(&self, snapshot: MetricsSnapshot) {
        match &self.telemetry {
            Some(telemetry) => telemetry.run_ended(snapshot),
            None => self.feed.publish(snapshot),
        }
    }

    /// Waits for a scraper that has not had the last figures, if one has ever come; no longer than until a signal.
    pub(in crate::commands) fn wait_for_last_scrape(&self) {
        let Some(telemetry) = self.telemetry.as_ref().filter(|_| self.signals.received().is_none()) else { return };
        let Some(at_most) = telemetry.linger() else { return };
        // Without a runtime there is nothing that could wait.
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let mut signals = self.signals.clone();
        runtime.block_on(async {
            let soon = tokio::time::timeout(Duration::from_millis(500), telemetry.last_scrape());
            if soon.await.is_ok() {
                return;
            }
            if !self.quiet {
                let seconds = at_most.as_secs();
                write_stderr([format!("metrics: shown until they are scraped once more, at most for {seconds} s")]);
            }
            tokio::select! {
                () = telemetry.last_scrape() => {}
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
