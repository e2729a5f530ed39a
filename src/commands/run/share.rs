//! `meshload run --share I/N`: plays one machine's share of a plan, and leaves its part for `meshload merge`.

use super::finish::unjudged_exit;
use super::run_job::{RunJob, play};
use crate::cli::RunArgs;
use crate::commands::Exit;
use crate::commands::report::report_dir::{EVENTS_FILE, PART_FILE, ReportDir};
use crate::commands::terminal::write_stderr;
use crate::controller::{FinishedRun, PlayedShare, RunSpec, StopSignals};
use crate::fleet::{ClockOffset, Part, PartContext, PlannedWork};
use crate::os::host_name;
use crate::plan::{Plan, ShareOf};
use crate::profile::to_toml;
use crate::summary::Summary;
use crate::vocabulary::format::{hex, plural};
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

/// One sentence if `args` name a share that can't be played.
pub(super) fn obstacle(args: &RunArgs) -> Option<String> {
    let start_at = args.fleet.start_at?;
    if args.trust.repeat > 1 || args.trust.retry_invalid > 0 {
        return Some("--share: a share is played once: leave out --repeat and --retry-invalid".to_owned());
    }
    late(start_at)
}

/// One sentence if the start in common has passed.
fn late(start_at: SystemTime) -> Option<String> {
    let late = SystemTime::now().duration_since(start_at).ok()?;
    let seconds = late.as_secs_f64();
    Some(format!(
        "--start-at: {seconds:.1} s ago; all shares begin at one moment, so name one that is to come for each of them"
    ))
}

/// Plays the share and writes its part; the gates are the merge's to judge.
pub(super) fn run_share(
    job: &RunJob<'_>,
    plan: Plan,
    share: ShareOf,
    start_at: SystemTime,
    folder: &ReportDir,
) -> Exit {
    let run_id = common_run_id(&plan, job.dialect.file_text(), start_at);
    let spec = RunSpec { run_id, share, start_at: Some(start_at), ..job.run_spec(plan) };
    let played = || {
        let control = job.args.trust.control.then(|| job.run_control(&spec)).transpose()?;
        if let (Some(_), Some(why)) = (&control, late(start_at)) {
            write_stderr([why]);
            return Err(Exit::Usage);
        }
        PlayedPart::play(spec, (None, control.map(|control| control.played)), job.args.output.quiet, &job.signals)
    };
    match played() {
        Ok(played) => {
            let exit = played.write(folder);
            if let Some(telemetry) = &job.telemetry {
                telemetry.share_ended(share.index, &played.summary);
                telemetry.wait_for_last_scrape();
            }
            exit
        }
        Err(exit) => exit,
    }
}

/// A share that was played.
pub(in crate::commands) struct PlayedPart {
    part: Part,
    events: Option<Vec<u8>>,
    /// The figures of the share alone, which nobody has judged.
    pub summary: Summary,
    /// The exit that the share has by itself: the gates and the target are the merge's to judge.
    exit: Exit,
}

impl PlayedPart {
    /// Plays the share of `spec`, whose gates are those of the whole run. `clock` is this machine's beside the controller's,
    /// `control` the share's control run.
    ///
    /// # Errors
    /// The run could not be started; stderr already has the reason.
    pub(in crate::commands) fn play(
        spec: RunSpec,
        (clock, control): (Option<ClockOffset>, Option<PlayedShare>),
        quiet: bool,
        signals: &StopSignals,
    ) -> Result<Self, Exit> {
        let (share, profile) = (spec.share, &spec.plan.profile);
        let mut context = PartContext {
            share,
            planned: PlannedWork::of(&spec.plan),
            host: host_name(),
            clock,
            gates: spec.gates.clone(),
            validity: profile.validity.clone(),
            profile: to_toml(profile).to_owned(),
            dialect_text: spec.dialect.file_text().map(str::to_owned),
            traces: spec.keep.traces,
            probe: String::new(),
            stop: None,
            panics: 0,
        };
        let done = play(RunSpec { gates: vec![], ..spec }, quiet, signals)?;
        let FinishedRun { summary, stop, played, probe, panics, events } = done;
        let exit = unjudged_exit(false, &summary, stop, panics);
        (context.probe, context.stop, context.panics) = (probe, stop, panics);
        Ok(Self { part: Part { context, played, control }, events, summary, exit })
    }

    /// Names what stopped the share, if `why` knows more of it.
    pub(in crate::commands) fn stopped_by(&mut self, why: Option<String>) {
        let known = &mut self.part.played.facts.stopped_by;
        if let (Some(known), Some(why)) = (known, why) {
            *known = why;
        }
    }

    /// The bytes of part.mesh.
    pub(in crate::commands) fn bytes(&self) -> Vec<u8> {
        self.part.to_bytes()
    }

    /// Writes part.mesh, and the event log if there is one, and tells where.
    pub(in crate::commands) fn write(&self, folder: &ReportDir) -> Exit {
        let events = self.events.iter().map(|events| (EVENTS_FILE, events.clone()));
        if let Err(why) = folder.write([(PART_FILE, self.bytes())].into_iter().chain(events)) {
            write_stderr([why]);
            return self.exit.first_of(Exit::Broken);
        }
        let (share, edges) = (self.part.context.share, &self.summary.counts.edges);
        let opened = format!("{} of {} opened", edges.opened, plural(edges.planned, "edge"));
        let stopped = self.part.played.facts.stopped_by.iter().map(|why| format!("; stopped by {why}"));
        let opened: String = [opened].into_iter().chain(stopped).collect();
        write_stderr([
            format!("share {share}: {opened}; the gates are judged by the merge with the other parts"),
            format!("part: {}", folder.path().join(PART_FILE).display()),
        ]);
        self.exit
    }
}

/// The id of a run whose shares know only what they were told: the same for all of them, another for another start.
fn common_run_id(plan: &Plan, dialect_text: Option<&str>, start_at: SystemTime) -> String {
    let since = start_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let digest = Sha256::digest(format!("{} {} {since}", plan.sha256(dialect_text), plan.seed.0));
    format!("m{}", hex(&digest[..3]))
}
