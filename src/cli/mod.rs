//! The command line as types: every command, with its help.

mod access;
mod capacity;
mod compare;
mod evidence;
mod exit_status;
mod fleet;
mod options;
mod probe;
mod record;
mod reflexes;
mod telemetry;

pub use access::{AccessArgs, TargetWatchArgs};
pub use capacity::{CapacityArgs, Load, SearchArgs};
pub use compare::{CompareArgs, OnUnclear};
pub use evidence::EvidenceArgs;
pub use exit_status::EXIT_CODES;
pub use fleet::{AgentArgs, BusTlsArgs, FleetArgs, LeadArgs, ManifestArgs, ManifestKind, MergeArgs};
pub use options::{
    CalibrateArgs, CalibrateWhen, ChangeArgs, ColorWhen, LoadArgs, OutputArgs, ReportFile, ReportFiles, RoutingArg,
    SeedChoice, ServeArgs, ServerKind, ShapeArgs, StdoutFormat, TrustArgs,
};
pub use probe::{ProbeArgs, ProbeFormat};
pub use record::RecordArgs;
pub use telemetry::{MetricsArgs, TelemetryArgs};

use clap::builder::Styles;
use clap::builder::styling::AnsiColor;
use clap::error::{ContextKind, ContextValue};
use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueEnum};
use std::io::{self, Write};
use std::path::PathBuf;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold());

/// A mesh load-testing harness for WebRTC signaling servers: real handshakes, honest figures, named causes.
#[derive(Debug, Parser)]
#[command(name = "meshload", version, styles = STYLES, max_term_width = 110, after_help = EXAMPLES)]
#[command(propagate_version = true, infer_long_args = false, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  meshload run                                      ten rooms of four against the embedded server
  meshload run ci --target ws://127.0.0.1:9000/ws/  the built-in profile `ci` against your server
  meshload capacity --vary rooms                    how many rooms the embedded server can take
  meshload profiles show ci > mine.toml             a profile to start your own from
  meshload check mine.toml                          every mistake in it, and what it would cost

Every option can also be set in the environment, as MESHLOAD_<OPTION>; the command line wins.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a load: every peer of the plan arrives, meets its room and opens its channels
    Run(Box<RunArgs>),
    /// Plays a share of a run that a controller leads over NATS
    Agent(Box<AgentArgs>),
    /// Writes the file with which Kubernetes, Slurm or plain shells start a run on several machines
    Manifest(ManifestArgs),
    /// Merges the parts that several machines left of one run into its report
    Merge(MergeArgs),
    /// Looks closely at one handshake: which step fails, why, and with what evidence
    Probe(ProbeArgs),
    /// Finds the largest load at which the profile's gates still hold
    Capacity(Box<CapacityArgs>),
    /// Serves as the reference signaling server
    Serve(ServeArgs),
    /// Stands between browsers and their signaling server, and records what they say
    Record(RecordArgs),
    /// Tells every mistake of a profile, or what its plan costs
    Check(CheckArgs),
    /// Lists the built-in profiles, or shows one to start from
    Profiles(ListArgs),
    /// Lists the signaling dialects, shows one, or tells every mistake in a file of one
    Dialects(DialectsArgs),
    /// Renders a summary again, in any format
    Report(ReportArgs),
    /// Compares two runs, or folders of repeats, with confidence, as a gate
    Compare(CompareArgs),
    /// Explains a metric, phase, reason, verdict or exit code; without a word, lists them
    Explain(ExplainArgs),
    /// Writes the JSON Schema of a file to stdout
    Schema(SchemaArgs),
    /// Writes the completions of a shell to stdout
    Completions(CompletionsArgs),
    /// Writes the manual to stdout, or a page a command into a folder
    Man(ManArgs),
}

#[derive(Args, Debug)]
#[command(after_help = exit_status::run_help())]
pub struct RunArgs {
    /// A profile's path, or a built-in's name (a path wins) [default: smoke]
    pub profile: Option<String>,
    #[command(flatten)]
    pub shape: ShapeArgs,
    #[command(flatten)]
    pub change: ChangeArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    #[command(flatten)]
    pub watch: TargetWatchArgs,
    #[command(flatten)]
    pub load: LoadArgs,
    #[command(flatten)]
    pub trust: TrustArgs,
    #[command(flatten)]
    pub fleet: FleetArgs,
    #[command(flatten)]
    pub telemetry: TelemetryArgs,
    #[command(flatten)]
    pub keep: EvidenceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Exits with 2 if the profile has mistakes, or if this machine can't carry its plan.")]
pub struct CheckArgs {
    /// A profile's path, or a built-in's name (a path wins)
    pub profile: String,
    #[command(flatten)]
    pub shape: ShapeArgs,
    #[command(flatten)]
    pub change: ChangeArgs,
    #[command(flatten)]
    pub access: AccessArgs,
    /// Format of the costs on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = StdoutFormat::Text, env = "MESHLOAD_FORMAT")]
    pub format: StdoutFormat,
    #[command(flatten)]
    pub calibrate: CalibrateArgs,
}

#[derive(Args, Debug)]
pub struct ManArgs {
    /// Folder for meshload.1, meshload-run.1 and so on
    #[arg(short, long, value_name = "DIR", value_parser = options::folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// The file: a profile or a dialect that you write, or a result
    #[arg(value_enum)]
    pub name: SchemaName,
}

/// A file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaName {
    Profile,
    Dialect,
    Summary,
    Capacity,
    Compare,
    Probe,
    Events,
}

impl SchemaName {
    pub const ALL: &[Self] =
        &[Self::Profile, Self::Dialect, Self::Summary, Self::Capacity, Self::Compare, Self::Probe, Self::Events];

    pub fn name(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Dialect => "dialect",
            Self::Summary => "summary",
            Self::Capacity => "capacity",
            Self::Compare => "compare",
            Self::Probe => "probe",
            Self::Events => "events",
        }
    }
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ListArgs {
    #[command(subcommand)]
    pub action: Option<ListAction>,
}

#[derive(Debug, Subcommand)]
pub enum ListAction {
    /// Prints the one of that name
    Show { name: String },
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  meshload dialects show relay > mine.toml
  meshload dialects check mine.toml
  meshload dialects check mine.toml --play
  meshload dialects check mine.toml --target ws://127.0.0.1:8080
  meshload run --dialect ./mine.toml --target ws://127.0.0.1:8080")]
pub struct DialectsArgs {
    #[command(subcommand)]
    pub action: Option<DialectsAction>,
}

#[derive(Debug, Subcommand)]
pub enum DialectsAction {
    /// Prints the one of that name
    Show { name: String },
    /// Tells every mistake in a dialect file; exits with 2 if there is one
    Check(Box<DialectCheckArgs>),
    /// Learns one from recordings of two or three peers in one room, and tells what it understood
    Learn(LearnArgs),
}

#[derive(Args, Debug)]
pub struct DialectCheckArgs {
    pub file: String,
    /// Joins a room there with one client as well; exits with 99 if that fails
    #[arg(long, value_name = "URL", env = "MESHLOAD_TARGET")]
    pub target: Option<String>,
    /// Plays rooms of two and three peers through a relay in memory as well; exits with 99 if an edge is not negotiated
    #[arg(long)]
    pub play: bool,
    #[command(flatten)]
    pub access: AccessArgs,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload record --to ws://127.0.0.1:8080/ -o talk.har
  meshload dialects learn talk.har -o mine.toml
  meshload dialects learn alice.har bob.har      as two tabs' developer tools save them (Network, Export HAR)

What it understood goes to stderr, with the frames that it rests on. What could not be told is a line `# TODO` in the file.")]
pub struct LearnArgs {
    /// HAR files: of `meshload record`, or one of each tab's developer tools
    #[arg(required = true)]
    pub recordings: Vec<PathBuf>,
    /// The dialect file to write [default: stdout]
    #[arg(short, long, value_name = "FILE", env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// The room's name in the recording, if it is not found
    #[arg(long, value_name = "NAME", env = "MESHLOAD_ROOM")]
    pub room: Option<String>,
}

#[derive(Args, Debug)]
pub struct ReportArgs {
    /// A report's folder, its summary.json, or the capacity.json of a search
    pub summary: PathBuf,
    /// Format on stdout
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = StdoutFormat::Text, env = "MESHLOAD_FORMAT")]
    pub format: StdoutFormat,
    /// Files to write: all, none, or some of html,md,junit,prom,csv,hlog,bench; of a search html,md
    #[arg(long, value_name = "LIST", default_value = "none", value_parser = ReportFiles::read, env = "MESHLOAD_REPORT")]
    pub report: ReportFiles,
    /// Folder for those files [default: the summary's]
    #[arg(short, long, value_name = "DIR", value_parser = options::folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Colour on stdout
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, env = "MESHLOAD_COLOR")]
    pub color: ColorWhen,
    /// Shows every row and every detail
    #[arg(short, long, action = ArgAction::Count, env = "MESHLOAD_VERBOSE")]
    pub verbose: u8,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  meshload explain time_to_open\n  meshload explain SUSPECT\n  meshload explain 98")]
pub struct ExplainArgs {
    /// A word from a report, or an exit code
    pub word: Option<String>,
}

#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell to complete in
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// Parses the process's arguments and environment. A mistake in them ends the process with 2, `--help` with 0.
pub fn parse() -> Cli {
    use clap::FromArgMatches;
    let matches = command().try_get_matches().unwrap_or_else(|error| {
        let args: Vec<String> = std::env::args().skip(1).collect();
        if let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg)
            && let Some(instead) = reflexes::instead(&args, wrong)
        {
            // A closed stderr is no reason to exit otherwise.
            let _ = writeln!(io::stderr(), "{}: no such argument; {instead}", wrong.escape_debug());
            std::process::exit(error.exit_code());
        }
        error.exit()
    });
    Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}

/// Parses the arguments after the program's name, without ending the process.
///
/// # Errors
/// clap's message, for people.
pub fn parse_from(args: &[String]) -> Result<Cli, String> {
    let program = std::iter::once("meshload");
    Cli::try_parse_from(program.chain(args.iter().map(String::as_str))).map_err(|error| error.to_string())
}

/// Renders the completion script of a shell.
pub fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut command(), "meshload", &mut script);
    script
}

/// Renders the manual as roff, a page a command with its file's name, the program's first.
///
/// # Errors
/// The writer's own; none in memory.
pub fn manual() -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut program = command();
    program.build();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    let commands = commands.map(|command| (format!("meshload-{}.1", command.get_name()), command.clone()));
    let page = |(name, command): (String, clap::Command)| {
        let mut page = vec![];
        clap_mangen::Man::new(command).render(&mut page)?;
        page.extend(exit_status::section().into_bytes());
        Ok((name, page))
    };
    std::iter::once(("meshload.1".to_owned(), program.clone())).chain(commands).map(page).collect()
}

/// The command, without values of the environment in its help: they may be secrets.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|command| command.mut_args(|arg| arg.hide_env(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declaration_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_long_option_is_also_a_variable_of_the_environment() {
        for command in command().get_subcommands() {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long().filter(|long| !["help", "version"].contains(long)) else { continue };
                let expected = format!("MESHLOAD_{}", long.replace('-', "_").to_uppercase());
                let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned());
                assert_eq!(variable.as_deref(), Some(expected.as_str()), "{} --{long}", command.get_name());
            }
        }
    }
}
