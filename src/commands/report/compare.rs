//! `meshload compare BASE NEW`: reads both sides, prints the changes, and fails on a regression.

use super::files::text;
use super::runs;
use crate::cli::{ColorWhen, CompareArgs, OnUnclear};
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::gates::baseline::{self, Comparison, ComparisonVerdict, ToleranceRule};
use crate::report::{Format, files, render};
use crate::summary::{Summary, Verdict as Validity};
use crate::vocabulary::format::plural;
use crate::vocabulary::shell_quoting;
use std::path::{Path, PathBuf};

/// Options of a comparison; `base` and `new` are files, folders, folders of repeats, or patterns.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    pub base: String,
    pub new: String,
    /// BASE is a folder of reports, of which so many of the latest VALID runs of NEW's plan are compared with.
    pub history: Option<usize>,
    pub rule: ToleranceRule,
    /// Decides what an undecided comparison exits with; absent, it fails if a figure grew beyond what is allowed.
    pub on_unclear: Option<OnUnclear>,
    /// Replaces BASE by NEW after the comparison, unless NEW is worse or from another machine (`rule.force` overrules
    /// both), or INVALID.
    pub update_baseline: bool,
    /// Accepts a missing BASE: there is none before the first pull request.
    pub allow_missing_base: bool,
    pub format: CompareFormat,
    /// Folder for `compare.json`, `compare.md` and `compare.html`.
    pub out: Option<PathBuf>,
    /// Shows the figures that decide nothing as well.
    pub verbose: bool,
}

/// Format on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CompareFormat {
    #[default]
    Text,
    Json,
    Md,
    Html,
}

impl From<&CompareArgs> for CompareOptions {
    fn from(args: &CompareArgs) -> Self {
        let rule = ToleranceRule {
            tolerance: args.tolerance,
            floor: args.floor,
            floor_rate: args.floor_rate,
            force: args.force,
            across_machines: args.across_machines,
            ..ToleranceRule::default()
        };
        let format = match args.format.as_str() {
            "json" => CompareFormat::Json,
            "md" => CompareFormat::Md,
            "html" => CompareFormat::Html,
            _ => CompareFormat::Text,
        };
        let (base, new) = match (&args.history, &args.new) {
            (Some(history), _) => (history, &args.base),
            // Only the one or the other is given.
            (None, new) => (&args.base, new.as_ref().unwrap_or(&args.base)),
        };
        Self {
            base: base.clone(),
            new: new.clone(),
            history: args.history.as_ref().map(|_| args.last.into()),
            rule,
            on_unclear: args.on_unclear,
            update_baseline: args.update_baseline,
            allow_missing_base: args.allow_missing_base,
            format,
            out: args.out.clone(),
            verbose: args.verbose > 0,
        }
    }
}

/// Exits with 0 if nothing is worse, 1 on unwritable output, 2 if a side is missing or the runs are unlike, 98 if a
/// side is INVALID, 99 on a regression, or on an undecided comparison by `on_unclear`.
pub fn compare(options: &CompareOptions) -> Exit {
    let (mut base, new) = match (read_side(&options.base), read_side(&options.new)) {
        (Ok(base), Ok(new)) => (base, new),
        (base, new) => {
            write_stderr([base.err(), new.err()].into_iter().flatten().flatten());
            return Exit::Usage;
        }
    };
    if let Some(last) = options.history {
        let all = base.runs.len() as u64;
        base.runs = baseline::history(base.runs, &new.runs, last, &options.rule);
        if base.runs.is_empty() {
            let found = plural(all, "run");
            write_stderr([format!(
                "{found} at {}, and none is an earlier VALID one of NEW's plan and machine",
                options.base
            )]);
        }
    }
    if new.runs.is_empty() || (base.runs.is_empty() && !options.allow_missing_base) {
        let missing = [("BASE", &options.base, &base), ("NEW", &options.new, &new)];
        let missing = missing.into_iter().filter(|(.., side)| side.runs.is_empty());
        write_stderr(missing.map(|(side, place, _)| format!("{side}: no summary at {place}")));
        if !new.runs.is_empty() {
            write_stderr(["before the first baseline, say --allow-missing-base"]);
        }
        return Exit::Usage;
    }
    if base.runs.is_empty() {
        write_stderr([format!("no baseline at {} yet: nothing to compare with", options.base)]);
        let keeps = if valid(&new.runs).is_empty() { Exit::Invalid } else { Exit::Passed };
        return keeps.first_of(update(options, &base, &new, true));
    }
    let compare = if options.history.is_some() { baseline::compare_history } else { baseline::compare };
    let comparison = compare(&base.runs, &new.runs, &options.rule);
    let written = options.out.as_deref().map_or(Exit::Passed, |folder| write_files(folder, &comparison));
    let shown = write_stdout(render(format(options), &comparison));
    let exit = exit_of(&comparison, options.on_unclear);
    if comparison.verdict == ComparisonVerdict::Unlike {
        let sides = [&options.base, &options.new].map(|side| shell_quoting::word(side));
        write_stderr([format!(
            "to compare two plans, such as two dialects on one server: meshload compare {} --force",
            sides.join(" ")
        )]);
    }
    let is_judged = comparison.verdict != ComparisonVerdict::OtherMachine;
    let fit = options.rule.force || (exit == Exit::Passed && is_judged);
    let updated = match comparison.verdict {
        ComparisonVerdict::Invalid | ComparisonVerdict::Unlike => Exit::Passed,
        _ => update(options, &base, &new, fit),
    };
    exit.first_of(written).first_of(shown).first_of(updated)
}

fn exit_of(comparison: &Comparison, on_unclear: Option<OnUnclear>) -> Exit {
    match comparison.verdict {
        ComparisonVerdict::Passed | ComparisonVerdict::OtherMachine => Exit::Passed,
        ComparisonVerdict::Undecided => match on_unclear {
            Some(OnUnclear::Pass) => Exit::Passed,
            None if !comparison.exceeds() => Exit::Passed,
            Some(OnUnclear::Fail) | None => Exit::Failed,
        },
        ComparisonVerdict::Regressed => Exit::Failed,
        ComparisonVerdict::Invalid => Exit::Invalid,
        ComparisonVerdict::Unlike => Exit::Usage,
    }
}

struct ComparedSide {
    paths: Vec<PathBuf>,
    runs: Vec<Summary>,
}

/// Reads one side of the comparison.
///
/// # Errors
/// One sentence for each file that is no summary.
fn read_side(place: &str) -> Result<ComparedSide, Vec<String>> {
    let paths = runs::find(place).map_err(|error| vec![error])?;
    let (mut runs, mut problems) = (vec![], vec![]);
    for path in &paths {
        match runs::read(path) {
            Ok(run) => runs.push(run),
            Err(problem) => problems.push(problem),
        }
    }
    if problems.is_empty() { Ok(ComparedSide { paths, runs }) } else { Err(problems) }
}

fn valid(runs: &[Summary]) -> Vec<&Summary> {
    runs.iter().filter(|run| run.validity.verdict != Validity::Invalid).collect()
}

fn format(options: &CompareOptions) -> Format {
    match options.format {
        CompareFormat::Text => text(ColorWhen::Never, options.verbose),
        CompareFormat::Json => Format::Json,
        CompareFormat::Md => Format::Markdown,
        CompareFormat::Html => Format::Html,
    }
}

fn write_files(folder: &Path, comparison: &Comparison) -> Exit {
    for (name, content) in files(comparison) {
        if let Err(error) = runs::write_whole(&folder.join(name), content) {
            write_stderr([format!("{}: {error}", folder.join(name).display())]);
            return Exit::Broken;
        }
    }
    Exit::Passed
}

/// Replaces BASE by the VALID and SUSPECT runs of NEW with `--update-baseline`; `fit` is false if NEW is worse or from
/// another machine.
fn update(options: &CompareOptions, base: &ComparedSide, new: &ComparedSide, fit: bool) -> Exit {
    let runs = valid(&new.runs);
    if !options.update_baseline || runs.is_empty() {
        return Exit::Passed;
    }
    if !fit {
        write_stderr([format!("{} is kept; --force replaces it all the same", options.base)]);
        return Exit::Passed;
    }
    let place = Path::new(&options.base);
    if !place.exists() && options.base.contains(['*', '?', '[']) {
        write_stderr(["--update-baseline needs a file or a folder as BASE, not a pattern"]);
        return Exit::Usage;
    }
    match runs::replace(place, &base.paths, &runs) {
        Ok(written) => {
            write_stderr([format!("baseline updated: {} ({})", options.base, plural(written.len() as u64, "run"))]);
            Exit::Passed
        }
        Err(error) => {
            write_stderr([format!("{}: {error}", options.base)]);
            Exit::Broken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::summary::{Distribution, Histogram, SCHEMA, Timer};
    use clap::Parser;
    use std::fs;

    fn run(us: u64) -> Summary {
        let mut histogram = Histogram::default();
        (0..500).for_each(|sample| histogram.record_us(us + sample));
        let due = Distribution::of(&histogram);
        let timers = [("time_to_open".to_owned(), Timer { due: due.clone(), began: due, net: None })];
        let mut run = Summary { schema: SCHEMA, timers: timers.into(), ..Summary::default() };
        run.counts.peers.joined = 500;
        run
    }

    fn check(
        base: Option<&Summary>,
        new: &Summary,
        change: impl FnOnce(&mut CompareOptions),
        exit: Exit,
    ) -> Option<Summary> {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        if let Some(base) = base {
            runs::write_whole(Path::new(&place("base.json")), base.to_json()).unwrap();
        }
        runs::write_whole(Path::new(&place("new/summary.json")), new.to_json()).unwrap();
        let mut options = CompareOptions {
            base: place("base.json"),
            new: place("new"),
            history: None,
            rule: ToleranceRule::default(),
            on_unclear: None,
            update_baseline: false,
            allow_missing_base: false,
            format: CompareFormat::Text,
            out: Some(folder.path().join("out")),
            verbose: false,
        };
        change(&mut options);
        assert_eq!(compare(&options), exit);
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        assert!(left.into_iter().all(|name| !name.starts_with('.')), "a temporary file is left");
        runs::read(Path::new(&place("base.json"))).ok()
    }

    #[test]
    fn a_regression_fails_and_keeps_the_baseline() {
        let (base, new) = (run(20_000), run(90_000));
        let update = |options: &mut CompareOptions| options.update_baseline = true;
        assert_eq!(check(Some(&base), &new, update, Exit::Failed), Some(base.clone()));
        assert_eq!(check(Some(&base), &run(20_100), update, Exit::Passed), Some(run(20_100)));
        let forced = |options: &mut CompareOptions| {
            options.update_baseline = true;
            options.rule.force = true;
        };
        assert_eq!(check(Some(&base), &new, forced, Exit::Failed), Some(new));
    }

    #[test]
    fn what_is_not_decided_fails_if_it_grew_beyond_the_tolerance_or_as_asked() {
        let lost = |share: f64| {
            let mut run = run(20_000);
            run.counts.edges.planned = 60;
            run.counts.peers.planned = 60;
            run.rates.edges_failed = Some(share);
            run
        };
        let asked = |on_unclear| move |options: &mut CompareOptions| options.on_unclear = on_unclear;
        check(Some(&lost(0.0)), &lost(0.05), asked(None), Exit::Failed);
        check(Some(&lost(0.0)), &lost(0.05), asked(Some(OnUnclear::Pass)), Exit::Passed);
        check(Some(&lost(0.0)), &lost(0.0), asked(None), Exit::Passed);
        check(Some(&lost(0.0)), &lost(0.0), asked(Some(OnUnclear::Fail)), Exit::Failed);
    }

    #[test]
    fn a_missing_base_is_an_error_unless_it_is_the_first() {
        check(None, &run(20_000), |_| {}, Exit::Usage);
        check(None, &run(20_000), |options| options.allow_missing_base = true, Exit::Passed);
        let first = |options: &mut CompareOptions| {
            options.allow_missing_base = true;
            options.update_baseline = true;
        };
        assert_eq!(check(None, &run(20_000), first, Exit::Passed), Some(run(20_000)));
    }

    #[test]
    fn an_invalid_side_is_98_and_never_becomes_the_baseline() {
        let mut new = run(20_000);
        new.validity.verdict = Validity::Invalid;
        let update = |options: &mut CompareOptions| {
            options.update_baseline = true;
            options.allow_missing_base = true;
        };
        assert_eq!(check(Some(&run(20_000)), &new, update, Exit::Invalid), Some(run(20_000)));
        assert_eq!(check(None, &new, update, Exit::Invalid), None);
    }

    #[test]
    fn unlike_plans_are_a_usage_error_unless_forced() {
        let mut new = run(20_000);
        new.run.plan_sha256 = "other".into();
        check(Some(&run(20_000)), &new, |_| {}, Exit::Usage);
        check(Some(&run(20_000)), &new, |options| options.rule.force = true, Exit::Passed);
    }

    #[test]
    fn a_creep_over_a_history_of_reports_fails_and_equal_runs_pass() {
        let folder = tempfile::tempdir().unwrap();
        let check = |growth: f64, exit: Exit| {
            let reports = folder.path().join(format!("{growth}"));
            for index in 0..=10 {
                let mut run = run((40_000.0 * (1.0 + growth).powi(index)) as u64);
                run.run.started_at = format!("2026-01-{:02}T00:00:00.000Z", index + 1);
                (run.run.id, run.run.complete) = (format!("m{index}"), true);
                runs::write_whole(&reports.join(format!("{index}/summary.json")), run.to_json()).unwrap();
            }
            let reports = reports.to_str().unwrap();
            let new = format!("{reports}/10");
            let args = ["meshload", "compare", "--history", reports, new.as_str(), "--on-unclear", "pass"];
            let Command::Compare(args) = Cli::parse_from(args).command else { panic!("it is a comparison") };
            assert_eq!(compare(&CompareOptions::from(&args)), exit, "{growth}");
        };
        check(0.02, Exit::Failed);
        check(0.0, Exit::Passed);
    }

    #[test]
    fn every_format_is_left_in_the_folder_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("deep/er");
        check(Some(&run(20_000)), &run(20_000), |options| options.out = Some(out.clone()), Exit::Passed);
        assert!(["compare.json", "compare.md", "compare.html"].iter().all(|name| out.join(name).is_file()));
    }
}
