//! `meshload run --repeat N`: runs one plan N times and judges the median of the VALID runs.

use super::finish::{JudgedRun, outcome};
use super::run_job::RunJob;
use crate::commands::Exit;
use crate::commands::report::files::{files, format};
use crate::commands::report::report_dir::ReportDir;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::gates::{ended_without_server, median, opened_no_edge};
use crate::profile::OnInvalid;
use crate::report::render;
use crate::summary::{Repeats, Summary, Verdict};
use crate::vocabulary::Seed;
use std::path::Path;

/// Writes the runs into `path`/1 to `path`/N, with seeds that count up from `first`.
pub(super) fn repeat(job: &RunJob<'_>, first: Seed, path: &Path) -> Exit {
    let times = job.args.trust.repeat;
    let mut runs: Vec<(String, Summary)> = vec![];
    let mut exit = Exit::Passed;
    for index in 0..times {
        let name = (index + 1).to_string();
        let folder = ReportDir::at(path.join(&name));
        let done = match job.run_with_retries(Seed(first.0.wrapping_add(index.into()))) {
            Ok(done) => done,
            Err(ended) => {
                exit = exit.first_of(ended);
                break;
            }
        };
        let JudgedRun { summary, exit: ended, written } = job.finish_context(&folder).judge(done.into());
        write_stderr(written.err());
        if !job.args.output.quiet {
            let (result, validity) = (summary.result_in_words(), summary.validity_in_words());
            write_stderr([format!("run {name} of {times}: {result}, {validity}")]);
        }
        // An outcome that a further repeat could not change, or a signal, ends the repeats.
        let goes_on = matches!(ended, Exit::Passed | Exit::Failed | Exit::Invalid) && summary.run.stopped_by.is_none();
        runs.push((name, summary));
        if !goes_on {
            exit = exit.first_of(ended);
            break;
        }
    }
    if runs.is_empty() { exit } else { finish(job, exit, &runs, path) }
}

fn finish(job: &RunJob<'_>, stopped: Exit, runs: &[(String, Summary)], path: &Path) -> Exit {
    let mut repeats = Repeats::of(runs);
    let judged = repeats.judged_of(runs);
    repeats.gates = median(&job.gates, &judged);
    let undecided = repeats.gates.iter().any(|gate| !gate.is_decided());
    let invalid =
        (repeats.judged == Verdict::Invalid || undecided) && job.profile.validity.on_invalid == OnInvalid::Fail;
    let is_worthless = |summary: &&Summary| opened_no_edge(summary) || ended_without_server(summary);
    let failed = !repeats.gates.iter().all(|gate| gate.ok) || judged.iter().any(is_worthless);
    let holds = [(invalid, Exit::Invalid), (failed, Exit::Failed)];
    let mut exit = holds.into_iter().filter(|(holds, _)| *holds).fold(stopped, |first, (_, exit)| first.first_of(exit));
    (repeats.result, repeats.exit_code) = (outcome(exit), exit.code());
    let written = ReportDir::at(path).replace(files(&repeats, &job.args.output.report), &[]);
    if let Err(why) = &written {
        write_stderr([why]);
        exit = exit.first_of(Exit::Broken);
        (repeats.result, repeats.exit_code) = (outcome(exit), exit.code());
    }
    let format = format(job.args.output.format, job.args.output.color, job.args.output.verbose > 0);
    exit = exit.first_of(write_stdout(render(format, &repeats)));
    if written.is_ok() {
        write_stderr([format!("report: {}", path.display())]);
    }
    exit
}
