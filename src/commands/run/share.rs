//! `meshload run --share I/N`: plays one machine's share of a plan, and leaves its part for `meshload merge`.

use super::finish::unjudged_exit;
use super::run_job::RunJob;
use crate::cli::RunArgs;
use crate::commands::Exit;
use crate::commands::report::report_dir::{EVENTS_FILE, PART_FILE, ReportDir};
use crate::commands::terminal::write_stderr;
use crate::controller::{FinishedRun, RunSpec};
use crate::fleet::{Part, PartContext, PlannedWork};
use crate::os::host_name;
use crate::plan::{Plan, ShareOf};
use crate::profile::{Profile, to_toml};
use crate::vocabulary::format::plural;
use sha2::{Digest, Sha256};
use std::time::{SystemTime, UNIX_EPOCH};

/// One sentence if `args` name a share that can't be played.
pub(super) fn obstacle(args: &RunArgs) -> Option<String> {
    let start_at = args.fleet.start_at?;
    if args.trust.repeat > 1 || args.trust.retry_invalid > 0 || args.trust.control {
        return Some("--share: a share is played once: leave out --repeat, --retry-invalid and --control".to_owned());
    }
    let late = SystemTime::now().duration_since(start_at).ok()?;
    let seconds = late.as_secs_f64();
    Some(format!(
        "--start-at: {seconds:.1} s ago; all shares begin at one moment, so name one that is to come for each of them"
    ))
}

/// The profile of a share's size, for what it costs this machine.
pub(super) fn own_part(profile: &Profile, share: Option<ShareOf>) -> Profile {
    let mut own = profile.clone();
    own.rooms.count = own.rooms.count.div_ceil(share.map_or(1, |share| share.of));
    own
}

/// Plays the share and writes its part; the gates are the merge's to judge.
pub(super) fn run_share(
    job: &RunJob<'_>,
    plan: Plan,
    share: ShareOf,
    start_at: SystemTime,
    folder: &ReportDir,
) -> Exit {
    let planned = PlannedWork::of(&plan);
    let run_id = common_run_id(&plan, job.dialect.file_text(), start_at);
    let spec = RunSpec { run_id, share, start_at: Some(start_at), gates: vec![], ..job.run_spec(plan) };
    let traces = spec.keep.traces;
    let done = match job.play(spec) {
        Ok(done) => done,
        Err(exit) => return exit,
    };
    let FinishedRun { summary, stop, played, probe, panics, events } = done;
    // Whatever the target did is the merge's to judge.
    let exit = unjudged_exit(false, &summary, stop, panics);
    let context = PartContext {
        share,
        planned,
        host: host_name(),
        gates: job.gates.clone(),
        validity: job.profile.validity.clone(),
        profile: to_toml(&job.profile).to_owned(),
        dialect_text: job.dialect.file_text().map(str::to_owned),
        traces,
        probe,
        stop,
        panics,
    };
    let part = Part { context, played }.to_bytes();
    let files = [(PART_FILE, part)].into_iter().chain(events.map(|events| (EVENTS_FILE, events)));
    if let Err(why) = folder.write(files) {
        write_stderr([why]);
        return exit.first_of(Exit::Broken);
    }
    let edges = &summary.counts.edges;
    let opened = format!("{} of {} opened", edges.opened, plural(edges.planned, "edge"));
    let path = folder.path().join(PART_FILE);
    write_stderr([
        format!("share {share}: {opened}; the gates are judged by `meshload merge` with the other parts"),
        format!("part: {}", path.display()),
    ]);
    exit
}

/// The id of a run whose shares know only what they were told: the same for all of them, another for another start.
fn common_run_id(plan: &Plan, dialect_text: Option<&str>, start_at: SystemTime) -> String {
    let since = start_at.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let digest = Sha256::digest(format!("{} {} {since}", plan.sha256(dialect_text), plan.seed.0));
    format!("m{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2])
}
