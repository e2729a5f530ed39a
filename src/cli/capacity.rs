//! Arguments of `meshload capacity`.

use super::access::{AccessArgs, TargetWatchArgs};
use super::fleet::LeadArgs;
use super::options::{ChangeArgs, ColorWhen, LoadArgs, ShapeArgs, StdoutFormat, folder};
use super::telemetry::MetricsArgs;
use crate::capacity::Vary;
use crate::profile::{duration, rate, share};
use clap::builder::{FalseyValueParser, PossibleValue};
use clap::{Args, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload capacity --vary rooms --target ws://127.0.0.1:9000/ws/ --target-pid 4242
  meshload capacity mine.toml --vary room-size --to 40 --require 12
  meshload capacity --target ws://127.0.0.1:9001/ws/ --beside reports/broadcast    two servers side by side
  meshload capacity --vary rooms --set 'faults.rules=[\"capacity 300/s\"]'    a server whose limit is known
  meshload capacity mine.toml --bus tls://nats.example.org --agents 3    the load of three machines

Exits with 0 when it names a number, 99 if the lowest load fails already or --require is missed, 98 if no probe was valid.")]
pub struct CapacityArgs {
    /// A profile's path, or a built-in's name (a path wins) [default: capacity]
    pub profile: Option<String>,
    #[command(flatten)]
    pub search: SearchArgs,
    #[command(flatten)]
    pub watch: TargetWatchArgs,
    /// Run by sh between two probes; the next one waits until the target answers again
    #[arg(long, value_name = "CMD", help_heading = "The target's resources", env = "MESHLOAD_RESTART_CMD")]
    pub restart_cmd: Option<String>,
    #[command(flatten)]
    pub shape: ShapeArgs,
    #[command(flatten)]
    pub change: ChangeArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub lead: LeadArgs,
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// Another search, by its folder or capacity.json: both stand side by side in the report
    #[arg(long, value_name = "FOLDER", value_parser = folder, help_heading = "Output", env = "MESHLOAD_BESIDE")]
    pub beside: Option<PathBuf>,
    /// Folder for the report [default: reports/NAME-TIME-SEED]
    #[arg(short, long, value_name = "DIR", value_parser = folder, help_heading = "Output", env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Format on stdout; json is capacity.json and nothing else
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = StdoutFormat::Text, help_heading = "Output", env = "MESHLOAD_FORMAT")]
    pub format: StdoutFormat,
    /// Colour on the terminal
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, help_heading = "Output", env = "MESHLOAD_COLOR")]
    pub color: ColorWhen,
    /// Shows the answer and nothing before it
    #[arg(short, long, help_heading = "Output", env = "MESHLOAD_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Shows no progress within a probe
    #[arg(long, help_heading = "Output", env = "MESHLOAD_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub no_progress: bool,
}

/// Loads to try.
#[derive(Args, Debug)]
#[command(next_help_heading = "The search")]
pub struct SearchArgs {
    /// The load that grows from probe to probe; rooms and peers arrive in the same time, however many they are
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = Vary::Rooms, env = "MESHLOAD_VARY")]
    pub vary: Vary,
    /// The lowest load: 8 rooms, or 20/s of arrivals or messages [default: the profile's own]
    #[arg(long, value_name = "N", value_parser = load, env = "MESHLOAD_FROM")]
    pub from: Option<Load>,
    /// The highest load [default: a thousand times the lowest, as far as this machine can carry it]
    #[arg(long, value_name = "N", value_parser = load, env = "MESHLOAD_TO")]
    pub to: Option<Load>,
    /// No probe begins that would end after it
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = duration, env = "MESHLOAD_BUDGET")]
    pub budget: Duration,
    /// The gap between what held and what broke that is narrow enough
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share, env = "MESHLOAD_RESOLUTION")]
    pub resolution: f64,
    /// Further loads to try, once each, whatever the search finds: 50,100,150
    #[arg(long, value_name = "N,…", value_delimiter = ',', value_parser = load, env = "MESHLOAD_STEPS")]
    pub steps: Vec<Load>,
    /// Safety margin below the limit
    #[arg(long, value_name = "SHARE", default_value = "30%", value_parser = share, env = "MESHLOAD_HEADROOM")]
    pub headroom: f64,
    /// A limit below it is a failure, 99
    #[arg(long, value_name = "N", value_parser = load, env = "MESHLOAD_REQUIRE")]
    pub require: Option<Load>,
}

impl ValueEnum for Vary {
    fn value_variants<'a>() -> &'a [Self] {
        &Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()))
    }
}

/// A load as typed: rooms and peers have no unit, rates may have one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Load {
    /// Rooms or peers, or a rate per second.
    pub number: f64,
    pub is_rate: bool,
}

/// Parses a load, with or without the unit of a rate: `40`, `40/s`, `90/min`.
fn load(text: &str) -> Result<Load, String> {
    let is_rate = text.contains('/');
    let number = if is_rate { rate(text)? } else { text.trim().parse().unwrap_or(f64::NAN) };
    let known = (number.is_finite() && number > 0.0).then_some(Load { number, is_rate });
    known.ok_or_else(|| "expected a number above 0, such as 40 or, of a rate, 20/s".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_load_is_a_number_above_nothing() {
        let of = |text| load(text).map(|load| (load.number, load.is_rate));
        assert_eq!((of("40"), of(" 2.5/s "), of("90/min")), (Ok((40.0, false)), Ok((2.5, true)), Ok((1.5, true))));
        for wrong in ["0", "-1", "NaN", "inf", "40 rooms", "", "/s", "0/s", "20/sec"] {
            assert!(load(wrong).is_err(), "{wrong}");
        }
    }
}
