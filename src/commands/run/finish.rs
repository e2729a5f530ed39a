//! The end of a run: judges it, writes and prints the report, and chooses the exit code.

use super::telemetry::RunTelemetry;
use crate::cli::OutputArgs;
use crate::commands::Exit;
use crate::commands::report::files::{files, format};
use crate::commands::report::report_dir::{EVENTS_FILE, ReportDir};
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::controller::{FinishedRun, Stop, StopSignals};
use crate::gates::passed;
use crate::profile::{OnInvalid, OnSuspect, ValiditySettings};
use crate::report::render;
use crate::summary::{Control, Outcome, Summary, Verdict};

/// Inputs to the end of a run besides its measurements.
pub(in crate::commands) struct FinishContext<'a> {
    pub validity: &'a ValiditySettings,
    /// The profile as run.
    pub profile: &'a str,
    /// Result of the control run, with `--control`.
    pub control: Option<&'a Control>,
    pub output: &'a OutputArgs,
    pub signals: &'a StopSignals,
    /// The metrics that were shown while it went on.
    pub telemetry: Option<&'a RunTelemetry>,
    /// So much of the plan may be missing.
    pub tolerates_loss: bool,
    pub folder: &'a ReportDir,
}

/// A run that is over, on this machine or on several.
pub(in crate::commands) struct EndedRun {
    pub summary: Summary,
    pub stop: Option<Stop>,
    pub panics: u64,
    /// The content of `events.jsonl.gz`.
    pub events: Option<Vec<u8>>,
}

impl From<FinishedRun> for EndedRun {
    fn from(FinishedRun { summary, stop, panics, events, .. }: FinishedRun) -> Self {
        Self { summary, stop, panics, events }
    }
}

/// A judged run; its report is on disk if `written` is `Ok`.
pub(in crate::commands) struct JudgedRun {
    pub summary: Summary,
    pub exit: Exit,
    pub written: Result<(), String>,
}

impl FinishContext<'_> {
    /// Judges the run, writes and prints its report, and returns the exit.
    pub(in crate::commands) fn finish(&self, ended: EndedRun) -> Exit {
        let JudgedRun { mut summary, mut exit, mut written } = self.judge(ended);
        let output = self.output;
        self.telemetry.iter().for_each(|telemetry| telemetry.leave_view());
        let shown = write_stdout(render(format(output.format, output.color, output.verbose > 0), &summary));
        let last = exit.first_of(shown).first_of(signal_exit(self.signals));
        if last != exit {
            (exit, written) = self.write_files(&mut summary, last);
        }
        if let Some(telemetry) = self.telemetry {
            telemetry.run_ended(&summary);
            telemetry.wait_for_last_scrape();
        }
        match written {
            Ok(()) => write_stderr([format!("report: {}", self.folder.path().display())]),
            Err(why) => write_stderr([why]),
        }
        exit
    }

    /// Judges the run and writes its report.
    pub(in crate::commands) fn judge(&self, ended: EndedRun) -> JudgedRun {
        let EndedRun { mut summary, stop, panics, events } = ended;
        summary.run.profile = Some(self.profile.to_owned());
        summary.control = self.control.cloned();
        let event_log = events.map_or(Ok(()), |events| self.folder.write([(EVENTS_FILE, events)]));
        let own = if is_conserved(&summary) && event_log.is_ok() { Exit::Passed } else { Exit::Broken };
        let exit = exit(self.validity, self.tolerates_loss, &summary, stop, panics).first_of(own);
        let (exit, written) = self.write_files(&mut summary, exit);
        JudgedRun { summary, exit, written: written.and(event_log) }
    }

    /// Writes the files, and writes them again if a full disk or a signal changed the exit meanwhile.
    fn write_files(&self, summary: &mut Summary, mut exit: Exit) -> (Exit, Result<(), String>) {
        loop {
            set_outcome(summary, exit);
            let mut files = files(summary, &self.output.report);
            files.push(("profile.toml", self.profile.as_bytes().to_vec()));
            let kept: &[&str] = if summary.events.is_some() { &[EVENTS_FILE] } else { &[] };
            let written = self.folder.replace(files, kept);
            let own = if written.is_ok() { Exit::Passed } else { Exit::Broken };
            let now = exit.first_of(own).first_of(signal_exit(self.signals));
            if now == exit {
                return (exit, written);
            }
            exit = now;
        }
    }
}

/// Checks that the counts of edges and messages add up; reports on stderr if not.
fn is_conserved(summary: &Summary) -> bool {
    let all = [Some(&summary.counts), summary.counts_warmup.as_ref()].into_iter().flatten();
    let why: Vec<String> = all.filter_map(|counts| counts.conserved().err()).collect();
    write_stderr(why.iter().map(|why| format!("the books don't add up, which is our own fault: {why}")));
    why.is_empty()
}

/// Picks the first applicable exit in the order of docs/spec/interface.md, "Exit codes".
fn exit(validity: &ValiditySettings, tolerates_loss: bool, summary: &Summary, stop: Option<Stop>, panics: u64) -> Exit {
    let invalid = summary.validity.verdict == Verdict::Invalid && validity.on_invalid == OnInvalid::Fail;
    let doubted = summary.validity.verdict == Verdict::Suspect && validity.on_suspect == OnSuspect::Fail;
    let judged = [(invalid || doubted, Exit::Invalid), (!passed(summary), Exit::Failed)];
    first_that_holds(judged, unjudged_exit(tolerates_loss, summary, stop, panics))
}

/// The exit of a run as far as neither its gates nor its validity decide it.
pub(super) fn unjudged_exit(tolerates_loss: bool, summary: &Summary, stop: Option<Stop>, panics: u64) -> Exit {
    let stopped = match stop {
        Some(Stop::Signal(signal)) => Exit::from(signal),
        Some(Stop::Brake | Stop::Gate) => Exit::Failed,
        None => Exit::Passed,
    };
    let broken = [
        (panics > 0, Exit::Broken),
        (summary.never_connected(), Exit::Unreachable),
        (!summary.run.complete && !tolerates_loss, Exit::Incomplete),
    ];
    first_that_holds(broken, stopped)
}

fn first_that_holds(exits: impl IntoIterator<Item = (bool, Exit)>, otherwise: Exit) -> Exit {
    exits.into_iter().filter(|(holds, _)| *holds).fold(otherwise, |first, (_, exit)| first.first_of(exit))
}

/// Exit of the signal received so far, or `Passed`.
fn signal_exit(signals: &StopSignals) -> Exit {
    signals.received().map_or(Exit::Passed, Exit::from)
}

/// Sets the outcome of a run that is one of many and leaves no report of its own.
pub(in crate::commands) fn judge_alone(
    validity: &ValiditySettings,
    summary: &mut Summary,
    stop: Option<Stop>,
    panics: u64,
) {
    let exit = exit(validity, false, summary, stop, panics);
    set_outcome(summary, exit);
}

fn set_outcome(summary: &mut Summary, exit: Exit) {
    summary.exit_code = exit.code();
    summary.result = outcome(exit);
    let ended_early = matches!(summary.result, Outcome::Incomplete | Outcome::Interrupted);
    // Samples that a run had no time for say nothing about its target.
    for gate in summary.gates.iter_mut().filter(|gate| gate.lacks_samples()) {
        gate.decided = Some(!ended_early);
    }
}

/// `Outcome` that a summary shows for `exit`.
pub(super) fn outcome(exit: Exit) -> Outcome {
    match exit {
        Exit::Passed => Outcome::Passed,
        Exit::Broken | Exit::Usage | Exit::Refused => Outcome::Error,
        Exit::Unreachable => Outcome::Unreachable,
        Exit::Incomplete => Outcome::Incomplete,
        Exit::Invalid => Outcome::Invalid,
        Exit::Failed => Outcome::Failed,
        Exit::Hangup | Exit::Interrupted | Exit::Terminated => Outcome::Interrupted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::controller::{StopSignal, StopSignals};
    use crate::gates::{Gate, judge};
    use crate::profile::{self, Profile, ProfileSource};
    use crate::summary::{Counts, Edges, GateResult, SCHEMA};
    use clap::Parser;
    use std::fs;

    fn profile(validity: &str) -> Profile {
        let text = format!("[validity]\n{validity}");
        profile::read(ProfileSource { name: "p.toml", text: &text }, &[], &|_| None).unwrap()
    }

    /// A run that opened its only edge, with `verdict` as its validity.
    fn opened(verdict: Verdict) -> Summary {
        let edges = Edges { planned: 1, opened: 1, ..Edges::default() };
        let mut summary = Summary { counts: Counts { edges, ..Counts::default() }, ..Summary::default() };
        summary.run.complete = true;
        summary.validity.verdict = verdict;
        summary
    }

    #[test]
    fn invalid_fails_unless_it_is_to_warn_and_suspect_passes_unless_it_is_to_fail() {
        let check = |verdict: Verdict, validity: &str, expected: Exit| {
            assert_eq!(
                exit(&profile(validity).validity, false, &opened(verdict), None, 0),
                expected,
                "{verdict:?} {validity}"
            );
        };
        check(Verdict::Valid, "", Exit::Passed);
        check(Verdict::Invalid, "", Exit::Invalid);
        check(Verdict::Invalid, "on_invalid = \"warn\"", Exit::Passed);
        check(Verdict::Suspect, "", Exit::Passed);
        check(Verdict::Suspect, "on_suspect = \"fail\"", Exit::Invalid);
        check(Verdict::Valid, "on_suspect = \"fail\"", Exit::Passed);
    }

    #[test]
    fn a_gate_that_a_run_cut_short_had_too_few_samples_for_is_not_judged() {
        let gate = |line: &str| Gate::parse_line(line).unwrap();
        let few = Gate { min_samples: 2, ..gate("edges_failed: rate < 1%") };
        let mut summary = opened(Verdict::Valid);
        summary.rates.edges_failed = Some(0.0);
        summary.gates = judge(&[few, gate("message_rtt: max < 1s"), gate("edges.opened: count == 1")], &summary);
        for (exit, decided) in [
            (Exit::Incomplete, [false, false, true]),
            (Exit::Failed, [true, true, true]),
            (Exit::Interrupted, [false, false, true]),
            (Exit::Hangup, [false, false, true]),
        ] {
            set_outcome(&mut summary, exit);
            let found: Vec<bool> = summary.gates.iter().map(GateResult::is_decided).collect();
            assert_eq!(found, decided, "{exit:?}");
        }
    }

    #[test]
    fn a_panic_outranks_a_signal_and_a_signal_a_doubt() {
        let doubted = opened(Verdict::Invalid);
        let stop = Some(Stop::Signal(StopSignal::Terminate));
        assert_eq!(exit(&profile("").validity, false, &doubted, stop, 0), Exit::Terminated);
        assert_eq!(exit(&profile("").validity, false, &doubted, stop, 1), Exit::Broken);
        assert_eq!(exit(&profile("").validity, false, &opened(Verdict::Valid), Some(Stop::Brake), 0), Exit::Failed);
    }

    #[test]
    fn a_run_in_which_a_peer_panicked_ends_1_with_its_report() {
        let base = tempfile::tempdir().unwrap();
        let folder = ReportDir::at(base.path().join("report"));
        let Command::Run(args) = Cli::parse_from(["meshload", "run"]).command else { panic!("it is a run") };
        let profile = profile("");
        let context = FinishContext {
            validity: &profile.validity,
            profile: "",
            control: None,
            output: &args.output,
            signals: &StopSignals::none(),
            telemetry: None,
            tolerates_loss: false,
            folder: &folder,
        };
        let summary = Summary { schema: SCHEMA, ..opened(Verdict::Valid) };
        assert_eq!(context.finish(EndedRun { summary, stop: None, panics: 1, events: None }), Exit::Broken);
        let kept = Summary::read(&fs::read_to_string(folder.path().join("summary.json")).unwrap());
        assert_eq!(kept.map(|kept| (kept.exit_code, kept.result)), Ok((1, Outcome::Error)));
    }

    #[test]
    fn books_that_do_not_add_up_are_our_own_fault() {
        assert!(is_conserved(&opened(Verdict::Valid)));
        let mut lost = opened(Verdict::Valid);
        lost.counts.edges.planned = 2;
        assert!(!is_conserved(&lost));
        let warmup = Summary { counts_warmup: Some(lost.counts), ..opened(Verdict::Valid) };
        assert!(!is_conserved(&warmup));
    }
}
