//! A run's metrics leave the process while it goes on: a page that Prometheus scrapes, and exports to an OTLP collector.

mod endpoint;
mod exporter;
mod feed;
mod live_view;
mod otlp_settings;

pub use feed::MetricsFeed;
pub use live_view::{LiveView, PlannedCourse};
pub use otlp_settings::{FROM_ENVIRONMENT, OtlpSettings};

use crate::report::MetricsSnapshot;
use crate::signaling::Connector;
use endpoint::Scrapes;
use exporter::Exporter;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::task::LocalSet;

/// The most time in which a scraper can come for the last figures, whatever its interval.
const LINGER_MAX: Duration = Duration::from_secs(60);
/// The same, for a scraper that came once, whose interval is not known.
const LINGER_UNKNOWN: Duration = Duration::from_secs(15);

/// The ways that metrics leave by.
#[derive(Default)]
pub struct TelemetryConfig {
    /// The socket of the scrape endpoint, bound.
    pub listener: Option<TcpListener>,
    /// The collector, and the route to it.
    pub otlp: Option<(OtlpSettings, Connector)>,
}

/// A thread with the scrape endpoint and the exporter; it ends with this value.
pub struct Telemetry {
    feed: MetricsFeed,
    address: Option<SocketAddr>,
    scrapes: watch::Sender<Scrapes>,
    /// Asks the exporter for an export at once; it answers when that is over. With the most time for one export.
    flush: Option<(tokio::sync::mpsc::UnboundedSender<mpsc::Sender<()>>, Duration)>,
    _stop: oneshot::Sender<()>,
}

impl Telemetry {
    /// Starts the thread, which shows what `feed` tells. `warn` is told once that the collector can't be reached.
    ///
    /// # Errors
    /// The system has no thread, runtime or socket for it.
    pub fn start(
        config: TelemetryConfig,
        feed: MetricsFeed,
        warn: impl FnOnce(String) + 'static + Send,
    ) -> io::Result<Self> {
        let address = config.listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let scrapes = watch::Sender::new(Scrapes::default());
        let scraped = scrapes.clone();
        let (flush, flushes) = tokio::sync::mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        if let Some(listener) = &config.listener {
            listener.set_nonblocking(true)?;
        }
        let flush = config.otlp.as_ref().map(|(settings, _)| (flush, settings.timeout));
        let told = feed.clone();
        thread::Builder::new().name("telemetry".to_owned()).spawn(move || {
            let tasks = LocalSet::new();
            if let Some(listener) = config.listener {
                let told = told.clone();
                tasks.spawn_local(async move { endpoint::serve(listener, told, scraped).await });
            }
            if let Some((settings, route)) = config.otlp {
                tasks.spawn_local(Exporter::new(settings, route, told, warn).run(flushes));
            }
            // Ends when `Telemetry` is dropped.
            let _ = tasks.block_on(&runtime, stopped);
            // Does not wait for a host name that is still being resolved.
            runtime.shutdown_background();
        })?;
        Ok(Self { feed, address, scrapes, flush, _stop: stop })
    }

    /// The URL of the scrape endpoint, with the port that was picked for port 0.
    pub fn url(&self) -> Option<String> {
        self.address.map(|address| format!("http://{address}/metrics"))
    }

    /// Shows and exports the figures of a run that has ended; waits until the collector has them, or has not taken them in
    /// time.
    pub fn run_ended(&self, snapshot: MetricsSnapshot) {
        // A scraper may have had those of a run before.
        self.scrapes.send_modify(|scrapes| scrapes.has_last = false);
        self.feed.publish(snapshot);
        let Some((flush, timeout)) = &self.flush else { return };
        let (done, over) = mpsc::channel();
        if flush.send(done).is_ok() {
            // An export may be under way. A collector that takes longer has had its warning.
            let _ = over.recv_timeout(2 * *timeout + Duration::from_secs(1));
        }
    }

    /// The most time in which a scraper is awaited that has not had the last figures; `None` if none has ever come.
    pub fn linger(&self) -> Option<Duration> {
        let scrapes = *self.scrapes.borrow();
        let by_interval = |interval: Duration| (2 * interval).clamp(Duration::from_secs(5), LINGER_MAX);
        (scrapes.count > 0 && !scrapes.has_last).then(|| scrapes.interval.map_or(LINGER_UNKNOWN, by_interval))
    }

    /// Waits until a scraper has had the last figures.
    pub async fn last_scrape(&self) {
        let mut scrapes = self.scrapes.subscribe();
        // Fails only without a sender, and this value has one.
        let _ = scrapes.wait_for(|scrapes| scrapes.has_last).await;
    }
}
