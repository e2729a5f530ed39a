//! `meshload merge`: the parts of a run on several machines become the report of one.

use crate::cli::{MergeArgs, OutputArgs};
use crate::commands::Exit;
use crate::commands::inputs::named_file::bounded;
use crate::commands::report::report_dir::{PART_FILE, ReportDir};
use crate::commands::run::finish::{EndedRun, FinishContext, JudgedRun};
use crate::commands::run::telemetry::RunTelemetry;
use crate::commands::terminal::write_stderr;
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
    let report = MergeReport {
        output: &args.output,
        tolerate_loss: args.tolerate_loss,
        signals: &StopSignals::none(),
        telemetry: None,
        folder: args.output.out.clone().map(ReportDir::at),
    };
    merged(parts).map_or_else(|exit| exit, |merged| report.finish(merged))
}

/// Merges parts.
///
/// # Errors
/// They are not of one run; stderr has it already.
pub(in crate::commands) fn merged(parts: Vec<Part>) -> Result<MergedRun, Exit> {
    fleet::merge(parts, Instant::now()).map_err(|error| {
        write_stderr([error]);
        Exit::Usage
    })
}

/// The report of parts: where it goes, and how much may be missing.
pub(in crate::commands) struct MergeReport<'a> {
    pub output: &'a OutputArgs,
    /// The share of the edges that may be missing, from 0 to 1.
    pub tolerate_loss: f64,
    pub signals: &'a StopSignals,
    /// The metrics that were shown while it went on.
    pub telemetry: Option<&'a RunTelemetry>,
    /// `None` for the usual one.
    pub folder: Option<ReportDir>,
}

impl MergeReport<'_> {
    /// Writes and prints the report, and returns the exit.
    pub(in crate::commands) fn finish(self, merged: MergedRun) -> Exit {
        self.with_merged(merged, |context, ended| context.finish(ended))
    }

    /// Writes the report.
    pub(in crate::commands) fn judge(self, merged: MergedRun) -> JudgedRun {
        self.with_merged(merged, |context, ended| context.judge(ended))
    }

    fn with_merged<T>(self, merged: MergedRun, end: impl FnOnce(FinishContext<'_>, EndedRun) -> T) -> T {
        let MergedRun { summary, validity, profile, stop, panics, missing_share, control } = merged;
        write_stderr(&summary.missing);
        let usual = || ReportDir::at(ReportDir::usual(&summary.run.name, Seed(summary.run.seed)));
        let context = FinishContext {
            validity: &validity,
            profile: &profile,
            control: control.as_ref(),
            output: self.output,
            signals: self.signals,
            telemetry: self.telemetry,
            tolerates_loss: missing_share > 0.0 && missing_share <= self.tolerate_loss,
            folder: &self.folder.unwrap_or_else(usual),
        };
        end(context, EndedRun { summary, stop, panics, events: None })
    }
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
