//! Options of `meshload compare`.

use super::options;
use crate::profile::share;
use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload compare baseline/ reports/new/
  meshload compare 'base/*/summary.json' 'new/*/summary.json' --tolerance 5%

Three or more runs a side (meshload run --repeat 3) are compared by the spread between them; of single runs rates and
figures are judged, and times only if they doubled. Exits with 99 on a regression, or if what can't be told grew beyond
the tolerance, 98 if a side is INVALID, 2 if a side is missing or the runs are unlike.")]
pub struct CompareArgs {
    /// A summary.json, a report's folder, a folder of repeats, or a pattern; with --history this is NEW
    pub base: String,
    /// Likewise
    #[arg(required_unless_present = "history", conflicts_with = "history")]
    pub new: Option<String>,
    /// Compares with the last runs of a folder of reports: VALID ones of the same plan and machine; tells what creeps
    #[arg(long, value_name = "DIR", conflicts_with = "update_baseline", env = "MESHLOAD_HISTORY")]
    pub history: Option<String>,
    /// So many of them, the latest
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000), env = "MESHLOAD_LAST")]
    pub last: u16,
    /// Share by which a figure may be worse
    #[arg(long, value_name = "SHARE", default_value = "10%", value_parser = options::tolerance, env = "MESHLOAD_TOLERANCE")]
    pub tolerance: f64,
    /// The growth of a time that is none
    #[arg(long, value_name = "TIME", default_value = "500us", value_parser = options::interval, env = "MESHLOAD_FLOOR")]
    pub floor: Duration,
    /// The growth of a rate that is none
    #[arg(long, value_name = "SHARE", default_value = "1%", value_parser = share, env = "MESHLOAD_FLOOR_RATE")]
    pub floor_rate: f64,
    /// Effect of what is not decided on the exit code: pass, or fail (99) [default: fail if it grew beyond the tolerance]
    #[arg(long, value_enum, value_name = "pass|fail", env = "MESHLOAD_ON_UNCLEAR")]
    pub on_unclear: Option<OnUnclear>,
    /// Compares runs of different plans all the same
    #[arg(long, env = "MESHLOAD_FORCE", value_parser = FalseyValueParser::new())]
    pub force: bool,
    /// Afterwards NEW takes the place of BASE, unless it is worse or INVALID
    #[arg(long, env = "MESHLOAD_UPDATE_BASELINE", value_parser = FalseyValueParser::new())]
    pub update_baseline: bool,
    /// No BASE is no error: there is none before the first pull request
    #[arg(long, env = "MESHLOAD_ALLOW_MISSING_BASE", value_parser = FalseyValueParser::new())]
    pub allow_missing_base: bool,
    /// Fails on a regression even if the two ran on different machines
    #[arg(long, env = "MESHLOAD_ACROSS_MACHINES", value_parser = FalseyValueParser::new())]
    pub across_machines: bool,
    /// Format on stdout
    #[arg(long, value_name = "FORMAT", default_value = "text", value_parser = ["text", "json", "md", "html"])]
    #[arg(env = "MESHLOAD_FORMAT")]
    pub format: String,
    /// Folder for compare.json, compare.md and compare.html
    #[arg(short, long, value_name = "DIR", value_parser = options::folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Shows the figures that decide nothing as well
    #[arg(short, long, action = ArgAction::Count, env = "MESHLOAD_VERBOSE")]
    pub verbose: u8,
}

/// Effect of an undecided comparison on the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnUnclear {
    Pass,
    Fail,
}
