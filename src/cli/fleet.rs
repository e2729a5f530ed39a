//! Options of a run on several machines, of its agents, and of the merge of their parts.

use super::access::AccessArgs;
use super::options::{ColorWhen, OutputArgs, folder, tolerance};
use super::telemetry::TelemetryArgs;
use crate::plan::ShareOf;
use crate::profile::duration;
use crate::summary::wall_time::from_rfc3339;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A run on several machines: this one's share, or the controller of agents on a bus.
#[derive(Args, Debug)]
#[command(next_help_heading = "Several machines")]
pub struct FleetArgs {
    /// Plays one of N shares of the plan, such as 2/3, and leaves part.mesh for `meshload merge`
    #[arg(long, value_name = "I/N", requires = "start_at", conflicts_with = "bus", env = "MESHLOAD_SHARE")]
    pub share: Option<ShareOf>,
    /// The common start of all shares: RFC 3339, or seconds since 1970 (`date +%s`)
    #[arg(long, value_name = "TIME", requires = "share", value_parser = start_time, env = "MESHLOAD_START_AT")]
    pub start_at: Option<SystemTime>,
    #[command(flatten)]
    pub lead: LeadArgs,
    /// Share of the plan's edges that may be lost with agents without exit 97, such as 10%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = tolerance, env = "MESHLOAD_TOLERATE_LOSS")]
    pub tolerate_loss: f64,
}

/// The controller of agents on a bus.
#[derive(Args, Debug)]
#[command(next_help_heading = "Several machines")]
pub struct LeadArgs {
    /// Leads the agents that meet on this NATS server: nats:// on this machine, tls:// elsewhere; several with commas
    #[arg(long, value_name = "URL,…", requires = "agents", env = "MESHLOAD_BUS", hide_env_values = true)]
    pub bus: Option<String>,
    /// The number of agents, each of which plays a share
    #[arg(long, value_name = "N", requires = "bus", value_parser = clap::value_parser!(u32).range(1..=1000), env = "MESHLOAD_AGENTS")]
    pub agents: Option<u32>,
    /// The run's name on the bus [default: one that is drawn]
    #[arg(long, value_name = "ID", requires = "bus", env = "MESHLOAD_RUN")]
    pub run: Option<String>,
    /// An agent that is silent for so long is lost
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = lost_after, env = "MESHLOAD_LOST_AFTER")]
    pub lost_after: Duration,
    /// Waits so long for all agents to join and get ready
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, env = "MESHLOAD_JOIN_TIMEOUT")]
    pub join_timeout: Duration,
    #[command(flatten)]
    pub tls: BusTlsArgs,
}

/// Trust and identity on the bus.
#[derive(Args, Debug)]
#[command(next_help_heading = "Several machines")]
pub struct BusTlsArgs {
    /// Certificates, in PEM, that are trusted on the bus in the place of the machine's own
    #[arg(long, value_name = "FILE", env = "MESHLOAD_BUS_CA")]
    pub bus_ca: Option<PathBuf>,
    /// The certificate, in PEM, to show the bus
    #[arg(long, value_name = "FILE", env = "MESHLOAD_BUS_CERT")]
    pub bus_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM [default: in --bus-cert's file]
    #[arg(long, value_name = "FILE", requires = "bus_cert", env = "MESHLOAD_BUS_KEY")]
    pub bus_key: Option<PathBuf>,
    /// Identity on the bus: a .creds file of NATS, or the seed of a user's nkey
    #[arg(long, value_name = "FILE", env = "MESHLOAD_BUS_CREDS")]
    pub bus_creds: Option<PathBuf>,
    /// Takes a bus outside of this machine that is not encrypted
    #[arg(long, env = "MESHLOAD_INSECURE_BUS", value_parser = FalseyValueParser::new())]
    pub insecure_bus: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload agent --bus nats://127.0.0.1:4222 --run nightly
  meshload agent --bus tls://nats.example.org --run nightly --slot 2 --tokens tokens.txt --allow-target signal.example.org

The plan comes from `meshload run PROFILE --bus URL --run ID --agents N`. Tokens, rows, certificates, variables and permission to
load the target are this machine's own: none of them passes the bus. The part stays in part.mesh of --out as well.
Exits with 0 if its share was played and reported, 2 if it can't play the plan, 95 if the target is not allowed here,
97 if the run ended before or without it, 99 if a gate stopped it.")]
pub struct AgentArgs {
    /// The NATS server of the run: nats:// on this machine, tls:// elsewhere; several with commas
    #[arg(long, value_name = "URL,…", env = "MESHLOAD_BUS", hide_env_values = true)]
    pub bus: String,
    /// The run's name, as the controller has it
    #[arg(long, value_name = "ID", env = "MESHLOAD_RUN")]
    pub run: String,
    /// The share to play, from 0 [default: JOB_COMPLETION_INDEX, SLURM_PROCID, or any that is free]
    #[arg(long, value_name = "N", env = "MESHLOAD_SLOT")]
    pub slot: Option<u32>,
    /// Waits so long for the controller and a free slot
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, env = "MESHLOAD_JOIN_TIMEOUT")]
    pub join_timeout: Duration,
    #[command(flatten)]
    pub tls: BusTlsArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    /// Worker threads [default: the cores granted]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), env = "MESHLOAD_WORKERS")]
    pub workers: Option<u16>,
    /// Folder for part.mesh, and for events.jsonl.gz if the run has --events [default: reports/agent-ID-SLOT]
    #[arg(short, long, value_name = "DIR", value_parser = folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    /// Colour on the terminal
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, env = "MESHLOAD_COLOR")]
    pub color: ColorWhen,
    /// Shows the result and nothing before it
    #[arg(short, long, env = "MESHLOAD_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Shows no progress
    #[arg(long, env = "MESHLOAD_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub no_progress: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload merge parts/*.mesh --out merged
  meshload merge a/part.mesh b/part.mesh --tolerate-loss 40%

Exits as the run would have on one machine: 97 if a part is missing and more is lost than --tolerate-loss allows.")]
pub struct MergeArgs {
    /// Parts of one run, one of each share; or folders that hold a part.mesh
    #[arg(required = true, value_name = "part.mesh")]
    pub parts: Vec<PathBuf>,
    /// Share of the plan's edges that may be missing without exit 97, such as 10%
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = tolerance, env = "MESHLOAD_TOLERATE_LOSS")]
    pub tolerate_loss: f64,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload manifest kubernetes mine.toml --agents 20 --allow-target signal.example.org | kubectl apply -f -
  meshload manifest slurm mine.toml --agents 8 > run.sh && sbatch run.sh")]
pub struct ManifestArgs {
    /// The way in which the processes are started
    #[arg(value_enum)]
    pub kind: ManifestKind,
    /// A profile's path, or a built-in's name (a path wins)
    pub profile: String,
    /// The number of agents, each of which plays a share
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), env = "MESHLOAD_AGENTS")]
    pub agents: u32,
    /// The run's name on the bus [default: one that is drawn]
    #[arg(long, value_name = "ID", env = "MESHLOAD_RUN")]
    pub run: Option<String>,
    /// The server's URL [default: the profile's]
    #[arg(long, value_name = "URL", env = "MESHLOAD_TARGET")]
    pub target: Option<String>,
    /// A target outside of an agent's machine and private networks that it may put under load; repeatable
    #[arg(long, value_name = "HOST", value_delimiter = ',', env = "MESHLOAD_ALLOW_TARGET")]
    pub allow_target: Vec<String>,
    /// The container image, whose entry point is meshload
    #[arg(long, value_name = "NAME", default_value = concat!("meshload:", env!("CARGO_PKG_VERSION")), env = "MESHLOAD_IMAGE")]
    pub image: String,
}

/// A way in which the processes of a run are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ManifestKind {
    Kubernetes,
    Slurm,
    Shell,
}

/// Parses a silence; agents beat once a second, so that it is at least two.
fn lost_after(text: &str) -> Result<Duration, String> {
    const LEAST: Duration = Duration::from_secs(2);
    let silence = duration(text)?;
    if silence < LEAST {
        Err("agents are heard once a second, so that it is at least 2s".to_owned())
    } else {
        Ok(silence)
    }
}

/// Parses a time of RFC 3339, or whole seconds since 1970.
fn start_time(text: &str) -> Result<SystemTime, String> {
    let seconds = || UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?));
    from_rfc3339(text).or_else(seconds).ok_or_else(|| {
        "expected a time such as 2026-11-29T18:00:00Z, or seconds since 1970: $(( $(date +%s) + 60 ))".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_a_stamp_or_seconds() {
        let at = UNIX_EPOCH + Duration::from_secs(1_796_000_000);
        assert_eq!(start_time("1796000000"), Ok(at));
        assert_eq!(
            start_time("2026-11-30T01:53:20+01:00").map(|at| at.duration_since(UNIX_EPOCH).unwrap().as_secs()),
            Ok(1_796_000_000)
        );
        for wrong in ["", "soon", "-1", "1796000000.5", "18446744073709551615"] {
            assert!(start_time(wrong).unwrap_err().starts_with("expected a time"), "{wrong}");
        }
    }
}
