//! `meshload probe`: one handshake under the magnifying glass, and the exit code of its verdict.

use super::Exit;
use super::inputs::access::access;
use super::inputs::{self, faults};
use super::report::report_dir::ReportDir;
use super::run::run_job::turn_away;
use super::terminal::{coloured, complain, seed, write};
use crate::cli::{ChangeArgs, ProbeArgs, ProbeFormat, ShapeArgs};
use crate::controller::{self, EmbeddedServer, Endpoints, StartError};
use crate::dialect::Dialect;
use crate::engine::Gathering;
use crate::probe::{
    LiveEnvironment, ProbeReport, ProbeSetup, ProbeSpec, RepeatSpec, html, json, mermaid, probe as examine, text,
};
use crate::profile::{Profile, Secret};
use crate::server;
use crate::signaling::TargetPolicy;
use crate::summary::run::TargetRoute;
use crate::vocabulary::seed::Seed;
use std::io::IsTerminal;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The profile whose handshake and engine hold where no option says otherwise.
const BASE: &str = "smoke";

pub fn probe(args: &ProbeArgs) -> Exit {
    let shape = ShapeArgs { timeout: Some(args.timeout.clone()), ..ShapeArgs::default() };
    let profile = match inputs::profile(BASE, &shape, &change(args)) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let faults = match faults::read(profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str()))) {
        Ok(faults) => faults,
        Err(exit) => return exit,
    };
    let dialect = match inputs::dialect(&profile) {
        Ok(dialect) => dialect,
        Err(exit) => return exit,
    };
    let access = match access(&args.access, &profile.target, args.peers.into()) {
        Ok(access) => access,
        Err(exit) => return exit,
    };
    let seed = seed(args.change.seed, true);
    let way = access.shown(profile.target.url.as_ref().map(Secret::reveal));
    let order = ProbeSpec { way, ..order(args, &profile, dialect, seed) };
    let embedded = match &profile.target.url {
        Some(_) => None,
        None => match EmbeddedServer::start(server::Config { faults, seed, ..server::Config::default() }) {
            Ok(embedded) => Some(embedded),
            Err(error) => return broken(&error),
        },
    };
    let url = match (&profile.target.url, &embedded) {
        (Some(url), _) => url.reveal().to_owned(),
        (None, Some(embedded)) => embedded.url(),
        (None, None) => return Exit::Broken,
    };
    let folder = args.out.as_ref().map(ReportDir::at);
    let token = access.clone();
    let gathering = match gathering(&profile, &access.route.reach) {
        Ok(gathering) => gathering,
        Err(start_error) => return turn_away(&start_error),
    };
    let endpoints = Endpoints::new(profile.target.clone(), url, &order.run_id, access);
    let knocked = endpoints.clone();
    let setup = ProbeSetup {
        endpoint: Box::new(move |id, index, room, conversation| {
            endpoints.of(id, index, room, conversation).map_err(|error| error.to_string())
        }),
        token: Box::new(move |index| token.token(index).to_owned()),
        engine: profile.engine.kind,
        gathering,
        seed,
        unix_ms: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64),
    };
    let mut live = match LiveEnvironment::new(setup) {
        Ok(live) => live,
        Err(error) => return broken(&error),
    };
    if let Some(refused) = live.refused() {
        let host = refused.host();
        complain([format!("{refused}. Probe only what is yours; if it is, add: --allow-target {host}")]);
        return Exit::Refused;
    }
    if let Err(error) = wait(&knocked, &order.dialect, args.wait_for_target) {
        return broken(&error);
    }
    complain(folder.as_ref().and_then(ReportDir::obstacle));
    let report = examine(&mut live, &order, &mut |line| complain((!args.quiet).then_some(line)));
    let report = if args.trace { report.with_trace() } else { report };
    let shown = write(render(args, &report));
    let kept = folder.map_or(Exit::Passed, |folder| keep(&folder, &report, args.trace));
    exit(&report).first_of(shown).first_of(kept)
}

/// Until the target is there, or the time for that is up.
fn wait(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(controller::wait_for_target(endpoints, dialect, at_most));
    runtime.shutdown_background();
    Ok(())
}

/// The result as files, in every format.
fn keep(folder: &ReportDir, report: &ProbeReport, trace: bool) -> Exit {
    let files = [
        ("probe.txt", text(report, false, trace)),
        ("probe.json", json(report)),
        ("probe.mmd", mermaid(report, trace)),
        ("probe.html", html(report)),
    ];
    match folder.write(files.map(|(name, content)| (name, content.into_bytes()))) {
        Ok(()) => {
            complain([format!("report: {}", folder.path().display())]);
            Exit::Passed
        }
        Err(why) => {
            complain([why]);
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

/// The options' changes, with the trigger that the dashboard's known failure is about where none is chosen.
fn change(args: &ProbeArgs) -> ChangeArgs {
    let mut change = args.change.clone();
    let dashboard = change.dialect.as_deref().is_none_or(|dialect| dialect == "dashboard");
    let trigger = args.trigger.as_deref().or(dashboard.then_some("peer-ready"));
    // In front, so that `--set` has the last word.
    change.set.splice(0..0, trigger.map(|trigger| format!("handshake.trigger={trigger}")));
    change
}

fn order(args: &ProbeArgs, profile: &Profile, dialect: Dialect, seed: Seed) -> ProbeSpec {
    let handshake = &profile.handshake;
    ProbeSpec {
        // Two probes on one target must not share a name.
        run_id: format!("p{:06x}", rand::random::<u32>() >> 8),
        trickle: handshake.trickle && dialect.trickles(),
        dialect,
        // One more, so that what works for two and not for three shows.
        sizes: vec![args.peers, args.peers + 1],
        trigger: handshake.trigger,
        initiator: handshake.initiator,
        settle: handshake.settle,
        approval: handshake.approval,
        timeout: handshake.timeout,
        seed,
        repeat: args.times.map(RepeatSpec::Times).or(args.until_failure.map(RepeatSpec::UntilFailure)),
        try_remedies: args.try_remedies,
        way: TargetRoute::default(),
    }
}

fn render(args: &ProbeArgs, report: &ProbeReport) -> String {
    match args.format {
        ProbeFormat::Text => text(report, coloured(args.color, std::io::stdout().is_terminal()), args.trace),
        ProbeFormat::Json => json(report),
        ProbeFormat::Mermaid => mermaid(report, args.trace),
        ProbeFormat::Html => html(report),
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

fn broken(error: &std::io::Error) -> Exit {
    complain([format!("the probe could not start: {error}")]);
    Exit::Broken
}
