//! Options for traces and the event log of a run.

use crate::profile::size;
use clap::Args;
use clap::builder::FalseyValueParser;

#[derive(Args, Debug)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceArgs {
    /// Keeps the whole handshakes of so many edges that failed, or else of the slowest, in the report
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=200), env = "MESHLOAD_TRACES")]
    pub traces: u16,
    /// Writes every event, with its time, into events.jsonl.gz, one a line
    #[arg(long, env = "MESHLOAD_EVENTS", value_parser = FalseyValueParser::new())]
    pub events: bool,
    /// Largest size of that file; later events are left out, and counted
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = size, env = "MESHLOAD_EVENTS_MAX")]
    pub events_max: u64,
}
