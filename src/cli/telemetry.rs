//! Options of the metrics that leave a run while it goes on.

use clap::Args;
use clap::builder::FalseyValueParser;
use std::net::SocketAddr;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Metrics while it runs")]
pub struct MetricsArgs {
    /// Serves the run's metrics to Prometheus at http://ADDR:PORT/metrics; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", env = "MESHLOAD_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Exports the metrics to an OpenTelemetry collector (OTLP over HTTP); env: to OTEL_EXPORTER_OTLP_ENDPOINT
    #[arg(long, value_name = "URL|env", env = "MESHLOAD_OTLP", hide_env_values = true)]
    pub otlp: Option<String>,
}

#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Metrics while it runs")]
pub struct TelemetryArgs {
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Shows the run on the whole terminal: rooms, time to open, phases, gates, log; q leaves the view, and the run goes on
    #[arg(long, conflicts_with = "quiet", env = "MESHLOAD_LIVE", value_parser = FalseyValueParser::new())]
    pub live: bool,
}
