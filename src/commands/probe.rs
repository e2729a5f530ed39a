//! `meshload probe`: traces one handshake, prints its verdict, and exits with the matching code.

use super::Exit;
use super::inputs::access::access;
use super::inputs::auto::settled_profile;
use super::inputs::{self, faults};
use super::report::files::text;
use super::report::report_dir::{MERMAID_FILE, ReportDir};
use super::run::run_job::report_start_error;
use super::terminal::{logged, seed, write_stderr, write_stdout};
use crate::cli::{ChangeArgs, ProbeArgs, ProbeFormat, ShapeArgs};
use crate::controller::{self, EmbeddedServer, EndpointPeer, Endpoints, StartError};
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::probe::{LiveEnvironment, ProbeReport, ProbeSetup, ProbeSpec, RepeatSpec, mermaid, probe as examine};
use crate::profile::Profile;
use crate::report::{self, Format};
use crate::server;
use crate::signaling::TargetPolicy;
use crate::summary::wall_time::to_rfc3339;
use crate::vocabulary::{HandshakeSettings, Seed};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Built-in profile that supplies the handshake and engine defaults.
const BASE: &str = "smoke";

pub fn probe(args: &ProbeArgs) -> Exit {
    let shape = ShapeArgs { timeout: Some(args.timeout.clone()), ..ShapeArgs::default() };
    let profile = match settled_profile(BASE, &shape, &change(args), &args.access) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let faults = faults::read(profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str())));
    let dialect = inputs::dialect(&profile).and_then(|dialect| fit(args, dialect));
    // Both are read before either fails, so that one run reports every problem.
    let (faults, dialect) = match (faults, dialect) {
        (Ok(faults), Ok(dialect)) => (faults, dialect),
        (Err(exit), _) | (_, Err(exit)) => return exit,
    };
    let access = match access(&args.access, &profile, dialect.data_columns(), &[args.peers.into()]) {
        Ok(access) => logged(access, args.verbose && !args.quiet, &profile),
        Err(exit) => return exit,
    };
    let seed = seed(args.change.seed, true);
    let mut spec = probe_spec(args, &profile, dialect, seed);
    let embedded = match &profile.target.url {
        Some(_) => None,
        None => match EmbeddedServer::start(server::Config { faults, seed, ..server::Config::default() }) {
            Ok(embedded) => Some(embedded),
            Err(error) => return report_io_error(&error),
        },
    };
    let url = profile.target.url.as_ref().map(|url| url.reveal().to_owned());
    let Some(url) = url.or_else(|| embedded.as_ref().map(EmbeddedServer::url)) else { return Exit::Broken };
    let folder = args.out.as_ref().map(ReportDir::at);
    if let Err(exit) = writable(folder.as_ref()) {
        return exit;
    }
    let gathering = match gathering(&profile, &access.route.target_policy) {
        Ok(gathering) => gathering,
        Err(start_error) => return report_start_error(&start_error),
    };
    let redactor = controller::redactor(&profile, &access);
    let endpoints = Endpoints::new(profile.target.clone(), url, &spec.run_id, access);
    spec.way = endpoints.route_shown(&spec.dialect, &redactor);
    let (target_endpoints, any_endpoints, own) = (endpoints.clone(), endpoints.clone(), endpoints.clone());
    let setup = ProbeSetup {
        endpoint: Box::new(move |id, index, room_id, conversation| {
            let token = endpoints.token(index);
            endpoints.of(EndpointPeer { id, index, token, room_id }, conversation).map_err(|error| error.to_string())
        }),
        any_endpoint: Box::new(move |dialect| any_endpoints.any(dialect).map_err(|error| error.to_string())),
        own: Box::new(move |index| (own.token(index).to_owned(), own.data(index))),
        engine: profile.engine.kind,
        gathering,
        redactor: Arc::new(redactor),
        seed,
        unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
    };
    let mut live = match LiveEnvironment::new(setup) {
        Ok(live) => live,
        Err(error) => return report_io_error(&error),
    };
    if let Some(refused) = live.refused() {
        let host = refused.host();
        write_stderr([format!("{refused}. Probe only what is yours; if it is, add: --allow-target {host}")]);
        return Exit::Refused;
    }
    if let Err(error) = wait(&target_endpoints, &spec.dialect, args.wait_for_target) {
        return report_io_error(&error);
    }
    let started_at = to_rfc3339(SystemTime::now());
    let report = examine(&mut live, &spec, &mut |line| write_stderr((!args.quiet).then_some(line)));
    let report = report.with_details(args.trace, args.frames).dated(profile.target.url_shown.clone(), started_at);
    let shown = write_stdout(render(args, &report));
    let kept = folder.map_or(Exit::Passed, |folder| write_files(&folder, &report, args.trace));
    exit(&report).first_of(shown).first_of(kept)
}

/// Refuses a folder that can't be written, before anything is probed.
fn writable(folder: Option<&ReportDir>) -> Result<(), Exit> {
    folder.and_then(ReportDir::obstacle).map_or(Ok(()), |why| {
        write_stderr([why]);
        Err(Exit::Broken)
    })
}

/// Refuses a dialect without a handshake, and a trigger that the dialect does not have.
fn fit(args: &ProbeArgs, dialect: Dialect) -> Result<Dialect, Exit> {
    if !dialect.negotiates() {
        let name = dialect.name().escape_debug();
        write_stderr([format!(
            "the dialect {name} has no word of an offer, so there is no handshake to probe; presence alone is loaded by \
             `meshload run`"
        )]);
        return Err(Exit::Usage);
    }
    if args.trigger.is_none() || dialect.reads_trigger() {
        return Ok(dialect);
    }
    write_stderr([format!("--trigger: the dialect {} has no triggers", dialect.name().escape_debug())]);
    Err(Exit::Usage)
}

/// Waits until the target accepts a connection, for at most `at_most`.
fn wait(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(controller::wait_for_target(endpoints, dialect, at_most));
    runtime.shutdown_background();
    Ok(())
}

/// Writes the result in every format.
fn write_files(folder: &ReportDir, report: &ProbeReport, trace: bool) -> Exit {
    let mermaid = (MERMAID_FILE, mermaid(report, trace).into_bytes());
    match folder.replace(report::files(report).into_iter().chain([mermaid]).collect(), &[]) {
        Ok(()) => {
            write_stderr([format!("report: {}", folder.path().display())]);
            Exit::Passed
        }
        Err(why) => {
            write_stderr([why]);
            Exit::Broken
        }
    }
}

fn gathering(profile: &Profile, reach: &TargetPolicy) -> Result<Gathering, StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let found = runtime.block_on(controller::gathering(&profile.engine, reach));
    runtime.shutdown_background();
    found
}

/// Changes of the options, with `peer-ready` as the default trigger for the dashboard: its known failure needs it.
fn change(args: &ProbeArgs) -> ChangeArgs {
    let mut change = args.change.clone();
    let dashboard = change.dialect.as_deref().is_none_or(|dialect| dialect == "dashboard");
    let trigger = args.trigger.as_deref().or(dashboard.then_some("peer-ready"));
    // In front, so that an explicit `--set` overrides it.
    change.set.splice(0..0, trigger.map(|trigger| format!("handshake.trigger={trigger}")));
    change
}

fn probe_spec(args: &ProbeArgs, profile: &Profile, dialect: Dialect, seed: Seed) -> ProbeSpec {
    // Random, since two probes on one target must not share an id.
    let run_id = format!("p{:06x}", rand::random::<u32>() >> 8);
    let trickle = profile.scenarios[0].handshake.trickle && dialect.trickles();
    let handshake = HandshakeSettings { trickle, ..profile.scenarios[0].handshake };
    ProbeSpec {
        // A second room with one more peer shows failures that need three.
        sizes: vec![args.peers, args.peers + 1],
        repeat: args.times.map(RepeatSpec::Times).or(args.until_failure.map(RepeatSpec::UntilFailure)),
        try_remedies: args.try_remedies,
        ..ProbeSpec::new(run_id, dialect, handshake, seed)
    }
}

fn render(args: &ProbeArgs, report: &ProbeReport) -> String {
    match args.format {
        ProbeFormat::Text => report::render(text(args.color, false), report),
        ProbeFormat::Json => report::render(Format::Json, report),
        ProbeFormat::Mermaid => mermaid(report, args.trace),
        ProbeFormat::Html => report::render(Format::Html, report),
    }
}

fn exit(report: &ProbeReport) -> Exit {
    if report.unreachable {
        Exit::Unreachable
    } else if report.is_open() {
        Exit::Passed
    } else {
        Exit::Failed
    }
}

fn report_io_error(error: &std::io::Error) -> Exit {
    write_stderr([format!("the probe could not start: {error}")]);
    Exit::Broken
}
