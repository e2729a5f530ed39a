//! `meshload run --repeat N`: runs one plan N times and judges the median of the VALID runs.

use super::finish::{JudgedRun, outcome};
use super::telemetry::RunTelemetry;
use crate::cli::OutputArgs;
use crate::commands::Exit;
use crate::commands::report::files::{files, format};
use crate::commands::report::report_dir::ReportDir;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::gates::{Gate, ended_without_server, median, opened_no_edge};
use crate::profile::OnInvalid;
use crate::report::render;
use crate::summary::{Repeats, Summary, Verdict};
use std::path::Path;

/// The repeats of a run, on one machine or on several.
pub(in crate::commands) struct RepeatedRun<'a> {
    pub times: u16,
    pub gates: &'a [Gate],
    pub on_invalid: OnInvalid,
    pub output: &'a OutputArgs,
    pub telemetry: Option<&'a RunTelemetry>,
}

impl RepeatedRun<'_> {
    /// Plays the runs into `path`/1 to `path`/N; `play` is told the run's number, from 0.
    pub(in crate::commands) fn play(
        &self,
        path: &Path,
        play: &mut dyn FnMut(u16, &ReportDir) -> Result<JudgedRun, Exit>,
    ) -> Exit {
        let mut runs: Vec<(String, Summary)> = vec![];
        let mut exit = Exit::Passed;
        for index in 0..self.times {
            let name = (index + 1).to_string();
            let JudgedRun { summary, exit: ended, written } = match play(index, &ReportDir::at(path.join(&name))) {
                Ok(judged) => judged,
                Err(ended) => {
                    exit = exit.first_of(ended);
                    break;
                }
            };
            write_stderr(written.err());
            self.telemetry.iter().for_each(|telemetry| telemetry.run_ended(&summary));
            if !self.output.quiet {
                let (result, validity) = (summary.result_in_words(), summary.validity_in_words());
                write_stderr([format!("run {name} of {}: {result}, {validity}", self.times)]);
            }
            // An outcome that a further repeat could not change, or a signal, ends the repeats.
            let goes_on =
                matches!(ended, Exit::Passed | Exit::Failed | Exit::Invalid) && summary.run.stopped_by.is_none();
            runs.push((name, summary));
            if !goes_on {
                exit = exit.first_of(ended);
                break;
            }
        }
        if runs.is_empty() { exit } else { self.finish(exit, &runs, path) }
    }

    fn finish(&self, stopped: Exit, runs: &[(String, Summary)], path: &Path) -> Exit {
        let mut repeats = Repeats::of(runs);
        let judged = repeats.judged_of(runs);
        repeats.gates = median(self.gates, &judged);
        let undecided = repeats.gates.iter().any(|gate| !gate.is_decided());
        let invalid = (repeats.judged == Verdict::Invalid || undecided) && self.on_invalid == OnInvalid::Fail;
        let is_worthless = |summary: &&Summary| opened_no_edge(summary) || ended_without_server(summary);
        let failed = !repeats.gates.iter().all(|gate| gate.ok) || judged.iter().any(is_worthless);
        let holds = [(invalid, Exit::Invalid), (failed, Exit::Failed)];
        let mut exit =
            holds.into_iter().filter(|(holds, _)| *holds).fold(stopped, |first, (_, exit)| first.first_of(exit));
        (repeats.result, repeats.exit_code) = (outcome(exit), exit.code());
        let written = ReportDir::at(path).replace(files(&repeats, &self.output.report), &[]);
        if let Err(why) = &written {
            write_stderr([why]);
            exit = exit.first_of(Exit::Broken);
            (repeats.result, repeats.exit_code) = (outcome(exit), exit.code());
        }
        self.telemetry.iter().for_each(|telemetry| telemetry.leave_view());
        let format = format(self.output.format, self.output.color, self.output.verbose > 0);
        exit = exit.first_of(write_stdout(render(format, &repeats)));
        self.telemetry.iter().for_each(|telemetry| telemetry.wait_for_last_scrape());
        if written.is_ok() {
            write_stderr([format!("report: {}", path.display())]);
        }
        exit
    }
}
