//! Option groups that several commands share, and the profile overrides that they make.

use crate::profile::{Knob, Override, duration};
use crate::vocabulary;
use clap::builder::FalseyValueParser;
use clap::{ArgAction, Args, ValueEnum};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Size and pace of a run, as text: the profile's checks parse them and report all mistakes at once.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "The load")]
pub struct ShapeArgs {
    /// Rooms of the run
    #[arg(long, value_name = "N", env = "MESHLOAD_ROOMS")]
    pub rooms: Option<String>,
    /// Peers in a room; a range is drawn from for each room
    #[arg(long, value_name = "N|MIN..MAX", env = "MESHLOAD_ROOM_SIZE")]
    pub room_size: Option<String>,
    /// Peers that arrive each second, such as 20/s
    #[arg(long, value_name = "RATE", env = "MESHLOAD_ARRIVALS")]
    pub arrivals: Option<String>,
    /// The first part of the arrivals, kept apart from what is measured
    #[arg(long, value_name = "TIME", env = "MESHLOAD_WARMUP")]
    pub warmup: Option<String>,
    /// The steady phase, once the last room is decided; arrivals and drain come on top
    #[arg(short, long, value_name = "TIME", env = "MESHLOAD_DURATION")]
    pub duration: Option<String>,
    /// Time limit for an edge to open
    #[arg(long, value_name = "TIME", env = "MESHLOAD_TIMEOUT")]
    pub timeout: Option<String>,
    /// A gate beside the profile's, such as 'time_to_open: p(95) < 800ms'; repeatable
    #[arg(long, value_name = "METRIC: EXPR", value_delimiter = '\n', env = "MESHLOAD_GATE")]
    pub gate: Vec<String>,
    /// Effect of an INVALID run on the exit code: fail (98), or warn
    #[arg(long, value_name = "fail|warn", env = "MESHLOAD_ON_INVALID")]
    pub on_invalid: Option<String>,
    /// Effect of a SUSPECT run on the exit code: pass, or fail (98)
    #[arg(long, value_name = "pass|fail", env = "MESHLOAD_ON_SUSPECT")]
    pub on_suspect: Option<String>,
    /// A word about the run for every report and metric, beside the profile's [tags]; repeatable
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = '\n', env = "MESHLOAD_TAG")]
    pub tag: Vec<String>,
    /// Drops the profile's gates
    #[arg(long, env = "MESHLOAD_NO_GATES", value_parser = FalseyValueParser::new())]
    pub no_gates: bool,
}

/// Profile values other than size and pace that an option changes.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The target and the peers")]
pub struct ChangeArgs {
    /// The server's URL, ws(s) or http(s) [default: an embedded reference server]
    #[arg(long, value_name = "URL", env = "MESHLOAD_TARGET")]
    pub target: Option<String>,
    /// The signaling protocol that peers speak
    #[arg(long, value_name = "NAME", env = "MESHLOAD_DIALECT")]
    pub dialect: Option<String>,
    /// A header of the WebSocket handshake, or a file of them, one a line; repeatable
    #[arg(short = 'H', long, value_name = "K: V|@FILE", env = "MESHLOAD_HEADER")]
    pub header: Vec<String>,
    /// The WebSocket subprotocol to ask for
    #[arg(long, value_name = "NAME", env = "MESHLOAD_SUBPROTOCOL")]
    pub subprotocol: Option<String>,
    /// The Origin header, as a browser would send it
    #[arg(long, value_name = "ORIGIN", env = "MESHLOAD_ORIGIN")]
    pub origin: Option<String>,
    /// The WebRTC engine: lean (made for load), webrtc (its own sockets, STUN and TURN), or none (signaling only)
    #[arg(long, value_name = "NAME", env = "MESHLOAD_ENGINE")]
    pub engine: Option<String>,
    /// A STUN or TURN server, for the engine webrtc, instead of the profile's; repeatable
    #[arg(long, value_name = "URL", value_delimiter = '\n', env = "MESHLOAD_ICE_SERVER", hide_env_values = true)]
    pub ice_server: Vec<String>,
    /// Sets any value of the profile: TOML if it parses, else a text; repeatable
    #[arg(long, value_name = "KEY.PATH=VALUE", value_delimiter = '\n', env = "MESHLOAD_SET")]
    pub set: Vec<String>,
    /// Seed of all random draws, or random
    #[arg(long, value_name = "N|random", default_value = "1", value_parser = SeedChoice::read, env = "MESHLOAD_SEED")]
    pub seed: SeedChoice,
}

/// Use of this machine.
#[derive(Args, Debug)]
#[command(next_help_heading = "This machine")]
pub struct LoadArgs {
    /// Tries to connect for so long before the run starts, unmeasured
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration, env = "MESHLOAD_WAIT_FOR_TARGET")]
    pub wait_for_target: Duration,
    /// Worker threads [default: the cores granted]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), env = "MESHLOAD_WORKERS")]
    pub workers: Option<u16>,
}

/// Control run, repeats and retries.
#[derive(Args, Debug)]
#[command(next_help_heading = "Trust")]
pub struct TrustArgs {
    /// First plays the plan, shortened, with signaling passed in memory, and shows beside each figure what is ours
    #[arg(long, env = "MESHLOAD_CONTROL", value_parser = FalseyValueParser::new())]
    pub control: bool,
    /// Runs so often, into DIR/1 to DIR/N, with seeds that count up; gates read the median of the VALID runs
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000), env = "MESHLOAD_REPEAT")]
    pub repeat: u16,
    /// Runs again, up to so many times, while the run is INVALID; the last one's report stays
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u8).range(..=20), env = "MESHLOAD_RETRY_INVALID")]
    pub retry_invalid: u8,
    #[command(flatten)]
    pub calibrate: CalibrateArgs,
}

/// Calibration of this machine.
#[derive(Args, Clone, Copy, Debug)]
pub struct CalibrateArgs {
    /// Says how much of this machine the plan will take, by a calibration of 2 s that is kept; auto: on a terminal
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = CalibrateWhen::Auto, env = "MESHLOAD_CALIBRATE")]
    pub calibrate: CalibrateWhen,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CalibrateWhen {
    Auto,
    Always,
    Never,
}

/// Report files, stdout and terminal.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Folder for the report [default: reports/NAME-TIME-SEED]
    #[arg(short, long, value_name = "DIR", value_parser = folder, env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Format on stdout; json is the summary and nothing else
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = StdoutFormat::Text, env = "MESHLOAD_FORMAT")]
    pub format: StdoutFormat,
    /// Files to write beside summary.json: all, none, or some of html,md,junit,prom,csv,hlog,bench
    #[arg(long, value_name = "LIST", default_value = "all", value_parser = ReportFiles::read, env = "MESHLOAD_REPORT")]
    pub report: ReportFiles,
    /// Colour on the terminal
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorWhen::Auto, env = "MESHLOAD_COLOR")]
    pub color: ColorWhen,
    /// Shows the result and nothing before it
    #[arg(short, long, env = "MESHLOAD_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
    /// Shows no progress
    #[arg(long, env = "MESHLOAD_NO_PROGRESS", value_parser = FalseyValueParser::new())]
    pub no_progress: bool,
    /// Shows every row and detail of the result; a run tells of its first connection, too (dial, proxy, TLS, upgrade, first frames)
    #[arg(short, long, action = ArgAction::Count, env = "MESHLOAD_VERBOSE")]
    pub verbose: u8,
}

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload serve --listen 127.0.0.1:0    a free port, told on the first line of stdout
  meshload serve --fault timing          a server that fails in a way that is known

Presets: channel-isolation, timing, channel-mismatch, connection, swallow-join, lost-first-offer, stale-roster,
sdp-rewrite, candidate-drop, slow-fanout, name-taken, partition, misroute, repeat, alter-candidate, no-leave-notice, drift,
unlisted.
Rules: drop | delay TIME[..TIME|~TIME|/subscriber|/min] | duplicate [N] | reorder | corrupt frame|fingerprint|candidate|address|list |
reject | disconnect | stall TIME | rename-channel NAME | capacity N/s | misroute, then any of direction=in|out type= channel= room= peer= p= nth= age= time=
For the whole server: partition [N] | split N | idle-close TIME | limit-by-address N.
The first rule that matches a message decides its fate.")]
pub struct ServeArgs {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:9000", env = "MESHLOAD_LISTEN")]
    pub listen: SocketAddr,
    /// Forwards only, or keeps a list of rooms as well
    #[arg(long, value_enum, value_name = "KIND", default_value_t = ServerKind::Relay, env = "MESHLOAD_KIND")]
    pub kind: ServerKind,
    /// Recipients of a frame: all subscribers of its channel, or those of the same room
    #[arg(long, value_enum, value_name = "WHOM", default_value_t = RoutingArg::All, env = "MESHLOAD_ROUTING")]
    pub routing: RoutingArg,
    /// A registry sends at most one list in that time; 0s sends one after each change
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = interval, env = "MESHLOAD_LIST_INTERVAL")]
    pub list_interval: Duration,
    /// A fault to commit: a preset's name, or a rule such as 'delay 50ms type=peer-ready p=10%'; repeatable
    #[arg(long, value_name = "RULE", value_delimiter = '\n', env = "MESHLOAD_FAULT")]
    pub fault: Vec<String>,
    /// The certificate, in PEM, with which it serves wss
    #[arg(long, value_name = "FILE", env = "MESHLOAD_TLS_CERT")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM [default: in --tls-cert's file]
    #[arg(long, value_name = "FILE", requires = "tls_cert", env = "MESHLOAD_TLS_KEY")]
    pub tls_key: Option<PathBuf>,
    /// Seed of the faults' random draws
    #[arg(long, value_name = "N", default_value_t = 1, env = "MESHLOAD_SEED")]
    pub seed: u64,
    /// One line a second on stderr: connections and frames
    #[arg(short, long, action = ArgAction::Count, env = "MESHLOAD_VERBOSE")]
    pub verbose: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ServerKind {
    Relay,
    Registry,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RoutingArg {
    All,
    Room,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StdoutFormat {
    Text,
    // A `///` here would turn the whole help into its long form.
    Json,
    Md,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedChoice {
    Number(u64),
    Random,
}

impl Default for SeedChoice {
    fn default() -> Self {
        Self::Number(1)
    }
}

impl SeedChoice {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            number => number.parse().map(Self::Number).map_err(|_| "expected a whole number, or random".to_owned()),
        }
    }
}

/// A report file beside summary.json.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReportFile {
    Md,
    Junit,
    Prom,
    Csv,
    Hlog,
    Html,
    Bench,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFiles(pub BTreeSet<ReportFile>);

impl ReportFile {
    pub const ALL: [Self; 7] = [Self::Html, Self::Md, Self::Junit, Self::Prom, Self::Csv, Self::Hlog, Self::Bench];

    pub fn name(self) -> &'static str {
        match self {
            Self::Md => "md",
            Self::Junit => "junit",
            Self::Prom => "prom",
            Self::Csv => "csv",
            Self::Hlog => "hlog",
            Self::Html => "html",
            Self::Bench => "bench",
        }
    }
}

impl ReportFiles {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let one = |name: &str| {
            let found = ReportFile::ALL.into_iter().find(|report| report.name() == name);
            found.ok_or_else(|| format!("{name:?} is none of all, none, html, md, junit, prom, csv, hlog and bench"))
        };
        match text {
            "all" => Ok(Self(ReportFile::ALL.into())),
            "none" => Ok(Self(BTreeSet::new())),
            list => list.split(',').map(|name| one(name.trim())).collect::<Result<_, _>>().map(Self),
        }
    }
}

impl ShapeArgs {
    pub fn overrides(&self) -> Vec<Override> {
        let given = [
            (Knob::Rooms, &self.rooms),
            (Knob::RoomSize, &self.room_size),
            (Knob::Arrivals, &self.arrivals),
            (Knob::Warmup, &self.warmup),
            (Knob::Duration, &self.duration),
            (Knob::Timeout, &self.timeout),
            (Knob::OnInvalid, &self.on_invalid),
            (Knob::OnSuspect, &self.on_suspect),
        ];
        let mut overrides = singles(&given);
        overrides.extend(self.gate.iter().map(|gate| Override::new(Knob::Gate, gate)));
        overrides.extend(self.tag.iter().map(|tag| Override::new(Knob::Tag, tag)));
        if self.no_gates {
            overrides.push(Override::new(Knob::NoGates, ""));
        }
        overrides
    }
}

impl ChangeArgs {
    /// Overrides of all options but the headers, which may be in a file.
    pub fn overrides(&self) -> Vec<Override> {
        let given = [
            (Knob::Target, &self.target),
            (Knob::Dialect, &self.dialect),
            (Knob::Subprotocol, &self.subprotocol),
            (Knob::Origin, &self.origin),
            (Knob::Engine, &self.engine),
        ];
        let mut overrides = singles(&given);
        overrides.extend(self.ice_server.iter().map(|server| Override::new(Knob::IceServer, server)));
        overrides.extend(self.set.iter().map(|set| Override::new(Knob::Set, set)));
        overrides
    }
}

fn singles(given: &[(Knob, &Option<String>)]) -> Vec<Override> {
    let change = |(knob, value): &(Knob, &Option<String>)| value.as_ref().map(|value| Override::new(*knob, value));
    given.iter().filter_map(change).collect()
}

/// Parses `--out`; refuses k6's `--out json=file` rather than create a folder of that name.
pub(super) fn folder(text: &str) -> Result<PathBuf, String> {
    match text.split_once('=') {
        None if text.is_empty() => Err("--out needs a folder; . is the one that you are in".to_owned()),
        Some((word, _))
            if !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') =>
        {
            Err("--out is a folder; --format says what stdout gets, and --report which files are written".to_owned())
        }
        _ => Ok(PathBuf::from(text)),
    }
}

/// Parses a time, or a plain 0, which needs no unit.
pub(super) fn interval(text: &str) -> Result<Duration, String> {
    if text.trim() == "0" { Ok(Duration::ZERO) } else { duration(text) }
}

/// Parses a tolerance, `10%` or `0.1`; at most 1000%.
pub(super) fn tolerance(text: &str) -> Result<f64, String> {
    vocabulary::share(text, 10.0)
}
