//! The report of a comparison of two sides: the verdict first, then the changes.

use crate::gates::baseline::{Change, Comparison, ComparisonVerdict, Difference, Drift, Finding, Side};
use crate::report::document::{Block, Card, ChartColour, Document, Style, StyledText, Table, TestCase, Tone};
use crate::report::run::percentile_chart;
use crate::report::{Format, Reported, pretty_json};
use crate::summary::{Unit, wall_time::in_words};
use crate::vocabulary::format;

const POINTS_MAX: usize = 8;
const ROWS_MAX: usize = 500;

impl Reported for Comparison {
    const FILES: &'static [(&'static str, Format)] =
        &[("compare.json", Format::Json), ("compare.md", Format::Markdown), ("compare.html", Format::Html)];

    fn document(&self) -> Document {
        let (tone, verdict, why) = verdict(self);
        let failing = self.changes.iter().filter(|change| change.fails()).take(POINTS_MAX);
        let points = failing.map(|change| format!("{}: {}", name(change), in_one_line(change)).into());
        let creeping = self.drift.iter().filter(|drift| drift.creeps).map(|drift| creep(drift).into());
        let points = points.chain(creeping);
        let (judged, shown): (Vec<&Change>, Vec<&Change>) = self.changes.iter().partition(|change| change.judged);
        let curves = self.curves.iter().filter_map(|curves| {
            let lines = [
                (ChartColour::Due, "base", curves.base.clone()),
                (ChartColour::Began, "new (dashed)", curves.new.clone()),
            ];
            percentile_chart(&curves.metric, "from due, by share of the samples", &lines, &[])
        });
        let blocks = vec![
            Block::Section(
                "What changed",
                vec![
                    changes("Judged: these decide", &judged),
                    Block::Details("Shown, not judged".into(), vec![changes("For information", &shown)]),
                ],
            ),
            Block::Section("From run to run", vec![courses(&self.drift)]),
            Block::Section("In what the plans differ", vec![differences(&self.plan)]),
            Block::Section("In what the machines differ", vec![differences(&self.machine)]),
            Block::Section("Both curves", vec![Block::Charts(curves.collect())]),
        ];
        Document {
            command: "compare",
            name: self.new.name.clone(),
            headline: verdict.to_owned(),
            started_at: self.new.started_at.clone(),
            facts: vec![("base", side(&self.base).into()), ("new", side(&self.new).into())],
            cards: vec![Card { tone, label: "", verdict: verdict.to_owned(), says: why, points: points.collect() }],
            blocks,
            checks: judged.iter().map(|change| check(change)).chain(self.drift.iter().map(drift_check)).collect(),
            ..Document::default()
        }
    }

    fn json(&self) -> String {
        pretty_json(self)
    }
}

/// The verdict in a word, and its meaning in a sentence that names a NEW that failed by itself.
fn verdict(comparison: &Comparison) -> (Tone, &'static str, String) {
    let (tone, word, why) = of_verdict(comparison);
    let runs = comparison.new.runs;
    let Some(failure) = comparison.new.failure.as_ref().filter(|_| runs > 0) else { return (tone, word, why) };
    let how_many = if runs > 1 { format!(" in {} runs", comparison.new.failed) } else { String::new() };
    (tone, word, format!("{why} NEW did not pass by itself{how_many}: {failure}."))
}

fn of_verdict(comparison: &Comparison) -> (Tone, &'static str, String) {
    let worse = comparison.changes.iter().filter(|change| change.fails()).count();
    let within = format!("worse by more than {}", format::short_percent(comparison.tolerance));
    match comparison.verdict {
        ComparisonVerdict::Passed => (Tone::Good, "Passed", format!("No figure is {within}.{}", better(comparison))),
        ComparisonVerdict::Undecided => (Tone::Doubtful, "Not decided", undecided(comparison, &within)),
        ComparisonVerdict::Regressed if worse == 0 => {
            (Tone::Bad, "Regressed", "A figure creeps from run to run.".into())
        }
        ComparisonVerdict::Regressed if worse == 1 => (Tone::Bad, "Regressed", format!("One figure is {within}.")),
        ComparisonVerdict::Regressed => (Tone::Bad, "Regressed", format!("{worse} figures are {within}.")),
        ComparisonVerdict::Invalid => {
            let side = match (comparison.base.runs, comparison.new.runs) {
                (0, 0) => "Either side",
                (0, _) => "Base",
                _ => "New",
            };
            (Tone::Bad, "Invalid", format!("{side} has no run whose figures are the target's."))
        }
        ComparisonVerdict::Unlike => {
            let what: Vec<&str> = comparison.plan.iter().take(POINTS_MAX).map(|difference| &*difference.what).collect();
            let why = format!("The plans differ in {}; --force compares all the same.", what.join(", "));
            (Tone::Doubtful, "Not comparable", why)
        }
        ComparisonVerdict::OtherMachine => {
            (Tone::Doubtful, "Not judged", "The machines differ; --across-machines judges all the same.".into())
        }
    }
}

/// The undecided figures, and what would decide them.
fn undecided(comparison: &Comparison, within: &str) -> String {
    let open = || comparison.changes.iter().filter(|change| change.is_undecided());
    let count = open().count() as u64;
    let grown = match open().find(|change| change.exceeds) {
        Some(grown) => format!(", but {} changed by {}, which may be chance.", name(grown), difference(grown)),
        None if count > 0 => format!(", and {} can't be told.", format::plural(count, "figure")),
        None => ".".to_owned(),
    };
    let more = match comparison.lacks_repeats() {
        true => "Times take three runs a side: run --repeat 3.",
        false => "More repeats would tell, or a larger --tolerance.",
    };
    format!("No figure is shown to be {within}{grown}{} {more}", better(comparison))
}

/// The figures that are shown to be better; empty if there are none.
fn better(comparison: &Comparison) -> String {
    let better = || comparison.changes.iter().filter(|change| change.judged && change.finding == Finding::Better);
    let Some(first) = better().next() else { return String::new() };
    let more = match better().count() - 1 {
        0 => String::new(),
        more => format!(", and so are {more} more"),
    };
    format!(" {} is shown to be better ({}){more}.", name(first), in_one_line(first))
}

/// `smoke, 3 runs (1 INVALID left out), 2026-…`
fn side(side: &Side) -> String {
    let notes = [
        (side.invalid, "INVALID left out"),
        (side.suspect, "SUSPECT"),
        (side.partial, "not complete"),
        (side.failed, "not passed"),
    ];
    let notes: Vec<String> =
        notes.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    let git = if side.git.is_empty() { String::new() } else { format!("meshload {}", side.git) };
    let runs = format!("{}{notes}", format::plural(side.runs, "run"));
    let parts = [side.name.clone(), runs, in_words(&side.started_at), git];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn differences(differences: &[Difference]) -> Block {
    Table::of("Only what differs is listed", differences.iter().take(ROWS_MAX))
        .words("what", |difference| &difference.what)
        .words("base", |difference| &difference.base)
        .words("new", |difference| &difference.new)
        .into()
}

fn changes(caption: &'static str, changes: &[&Change]) -> Block {
    Table::of(caption, changes.iter().take(ROWS_MAX))
        .words("metric", |change| name(change))
        .words("finding", |change| finding(change))
        .figures("base", |change| amount(change, change.base))
        .figures("new", |change| amount(change, change.new))
        .figures("change", |change| difference(change))
        .figures("95 % between", |change| bounds(change))
        .figures("allowed", |change| signed(change, change.allowed))
        .into()
}

/// The blocks of a course drawn as a line, the lowest and the highest value at its ends.
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The p50 of each judged timer over the history and NEW.
fn courses(drift: &[Drift]) -> Block {
    let us = |us: Option<&u64>| format::known(us.copied(), format::duration);
    Table::of("p50 from due, the oldest run first and NEW last; the growth is that of the line that fits best", drift)
        .words("timer", |drift| StyledText::term(&drift.metric))
        .words("course", |drift| drawn(&drift.course_us))
        .figures("first", |drift| us(drift.course_us.first()))
        .figures("new", |drift| us(drift.course_us.last()))
        .figures("a run", |drift| format::change(drift.per_run))
        .figures("in all", |drift| format::change(drift.change))
        .figures("allowed", |drift| format::change(drift.allowed))
        .words("finding", |drift| if drift.creeps { StyledText::new(Style::Bad, "creeps") } else { "–".into() })
        .into()
}

/// One block a run, from the lowest to the highest; a level line in the middle.
fn drawn(course_us: &[u64]) -> String {
    let (low, high) = (course_us.iter().min().copied().unwrap_or(0), course_us.iter().max().copied().unwrap_or(0));
    let top = (BLOCKS.len() - 1) as f64;
    let height = |us: &u64| if high > low { (us - low) as f64 / (high - low) as f64 * top } else { top / 2.0 };
    course_us.iter().map(|us| BLOCKS[height(us).round() as usize]).collect()
}

/// `time_to_open p50 creeps: +2.0 % a run over 11 runs, +21.9 % in all`
fn creep(drift: &Drift) -> String {
    let (runs, per_run) = (drift.course_us.len(), format::change(drift.per_run));
    format!("{} p50 creeps: {per_run} a run over {runs} runs, {} in all", drift.metric, format::change(drift.change))
}

fn drift_check(drift: &Drift) -> TestCase {
    let name = format!("{} p50 from run to run", drift.metric);
    if drift.creeps { TestCase::failed(name, "regression", creep(drift)) } else { TestCase::passed(name) }
}

fn finding(change: &Change) -> StyledText {
    match change.finding {
        Finding::Worse => StyledText::new(Style::Bad, "worse"),
        Finding::Gone => StyledText::new(Style::Bad, "gone"),
        Finding::Better => StyledText::new(Style::Good, "better"),
        Finding::Same => "= same".into(),
        Finding::Unclear => "? unclear".into(),
        Finding::TooFew => "? too few samples".into(),
        Finding::Novel => "+ new".into(),
    }
}

fn check(change: &Change) -> TestCase {
    match change.finding {
        _ if change.fails() => {
            let message = format!("{} (95 % between {})", in_one_line(change), bounds(change));
            TestCase::failed(name(change), "regression", message)
        }
        Finding::Unclear | Finding::TooFew => TestCase::skipped(name(change), finding(change).text),
        _ => TestCase::passed(name(change)),
    }
}

/// `12.0 ms → 14.0 ms, +16.7 %`
fn in_one_line(change: &Change) -> String {
    format!("{} → {}, {}", amount(change, change.base), amount(change, change.new), difference(change))
}

/// `time_to_open p95`
fn name(change: &Change) -> String {
    format!("{} {}", change.metric, change.aggregation)
}

fn amount(change: &Change, amount: Option<f64>) -> String {
    format::known(amount, |amount| match change.unit {
        Unit::Count => format::number(amount),
        unit => unit.in_words(amount),
    })
}

/// `+12.3 %`, `4.20×` from four times on, or percentage points for a rate.
fn difference(change: &Change) -> String {
    format::known(change.change, |fraction| signed(change, fraction))
}

/// `+8.1 % … +16.9 %`; an absent bound is an open end.
fn bounds(change: &Change) -> String {
    match (change.low, change.high) {
        (None, None) => "–".into(),
        (Some(low), Some(high)) if (high - low).abs() < 1e-12 => "–".into(),
        (low, high) => {
            let bound = |bound: Option<f64>| bound.map_or("open".into(), |fraction| signed(change, fraction));
            format!("{} … {}", bound(low), bound(high))
        }
    }
}

fn signed(change: &Change, fraction: f64) -> String {
    match change.unit {
        Unit::Ratio => format!("{:+.2} pp", fraction * 100.0),
        _ if fraction >= 3.0 => format!("{}×", format::number(1.0 + fraction)),
        _ => format::change(fraction),
    }
}
