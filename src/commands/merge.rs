//! `meshload merge`: the parts of a run on several machines become the report of one.

use super::Exit;
use super::inputs::named_file::bounded;
use super::report::report_dir::{PART_FILE, ReportDir};
use super::run::finish::{EndedRun, FinishContext};
use super::terminal::write_stderr;
use crate::cli::MergeArgs;
use crate::controller::StopSignals;
use crate::fleet::{self, BYTES_MAX, MergedRun, Part};
use crate::vocabulary::Seed;
use std::time::Instant;

pub fn merge(args: &MergeArgs) -> Exit {
    let (parts, problems) = read(args);
    if !problems.is_empty() {
        write_stderr(problems);
        return Exit::Usage;
    }
    let merged = match fleet::merge(parts, Instant::now()) {
        Ok(merged) => merged,
        Err(error) => {
            write_stderr([error]);
            return Exit::Usage;
        }
    };
    let MergedRun { summary, validity, profile, stop, panics, missing_share } = merged;
    write_stderr(&summary.missing);
    let usual = || ReportDir::usual(&summary.run.name, Seed(summary.run.seed));
    let folder = ReportDir::at(args.output.out.clone().unwrap_or_else(usual));
    let context = FinishContext {
        validity: &validity,
        profile: &profile,
        control: None,
        output: &args.output,
        signals: &StopSignals::none(),
        tolerates_loss: missing_share > 0.0 && missing_share <= args.tolerate_loss,
        folder: &folder,
    };
    context.finish(EndedRun { summary, stop, panics, events: None })
}

/// Reads all parts; every problem is told with its path.
fn read(args: &MergeArgs) -> (Vec<Part>, Vec<String>) {
    let (mut parts, mut problems) = (vec![], vec![]);
    for path in &args.parts {
        let path = if path.is_dir() { path.join(PART_FILE) } else { path.clone() };
        let part = bounded(&path, BYTES_MAX as u64).map_err(|error| error.to_string());
        match part.and_then(|bytes| Part::read(&bytes).map_err(|unusable| unusable.to_string())) {
            Ok(part) => parts.push(part),
            Err(why) => problems.push(format!("{}: {why}", path.display())),
        }
    }
    (parts, problems)
}
