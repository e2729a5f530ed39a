//! Arguments of `meshload probe`.

use super::access::AccessArgs;
use super::options::{ChangeArgs, ColorWhen, folder};
use crate::profile::duration;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload probe --target ws://127.0.0.1:9000/ws/   what happens to two peers, then three, and why
  meshload probe --target wss://10.0.0.5/ws/ --try-remedies
  meshload probe --times 50                         for what fails only sometimes
  meshload probe --format mermaid > handshake.mmd

Exits with 0 if every channel opened, 99 if not, 96 if nothing answered.")]
pub struct ProbeArgs {
    /// Peers of the first room; one more are in the second
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(2..=16), env = "MESHLOAD_PEERS")]
    pub peers: u16,
    /// The event that makes a peer start an edge [default: peer-ready for dashboard]
    #[arg(long, value_name = "NAME", env = "MESHLOAD_TRIGGER")]
    pub trigger: Option<String>,
    /// Time limit for a channel to open
    #[arg(long, value_name = "TIME", default_value = "5s", env = "MESHLOAD_TIMEOUT")]
    pub timeout: String,
    /// That many more handshakes with jittered joins, for what fails only sometimes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), env = "MESHLOAD_TIMES")]
    pub times: Option<u32>,
    /// Handshakes with jittered joins until one fails, or the time is up
    #[arg(
        long,
        value_name = "TIME",
        value_parser = duration,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "10m",
        conflicts_with = "times",
        env = "MESHLOAD_UNTIL_FAILURE"
    )]
    pub until_failure: Option<Duration>,
    /// Tries the known remedies, if something is wrong
    #[arg(long, env = "MESHLOAD_TRY_REMEDIES", value_parser = FalseyValueParser::new())]
    pub try_remedies: bool,
    /// Shows every step, those with the server included
    #[arg(long, env = "MESHLOAD_TRACE", value_parser = FalseyValueParser::new())]
    pub trace: bool,
    /// Shows the text of every frame both ways, and the rule that took it; an SDP is cut, secrets are masked
    #[arg(long, env = "MESHLOAD_FRAMES", value_parser = FalseyValueParser::new())]
    pub frames: bool,
    #[command(flatten)]
    pub change: ChangeArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    /// Tries to connect for so long before the first handshake, unjudged
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, env = "MESHLOAD_WAIT_FOR_TARGET")]
    pub wait_for_target: Duration,
    /// Folder for the result in every format: probe.txt, probe.json, probe.mmd and probe.html
    #[arg(short, long, value_name = "DIR", value_parser = folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Format on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ProbeFormat::Text, env = "MESHLOAD_FORMAT")]
    pub format: ProbeFormat,
    /// Colour on stdout
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, env = "MESHLOAD_COLOR")]
    pub color: ColorWhen,
    /// Shows the result and nothing before it
    #[arg(short, long, env = "MESHLOAD_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Tells of the first connection on stderr: dial, proxy, TLS, upgrade, and the first frames
    #[arg(short, long, env = "MESHLOAD_VERBOSE", value_parser = FalseyValueParser::new())]
    pub verbose: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProbeFormat {
    Text,
    Json,
    Mermaid,
    Html,
}
