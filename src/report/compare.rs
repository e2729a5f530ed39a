//! The report of a comparison of two sides: the verdict first, then the changes.

use crate::gates::baseline::{Change, Comparison, ComparisonVerdict, Difference, Finding, Side};
use crate::report::document::{
    Block, Card, ChartColour, Column, Document, Style, StyledText, Table, TestCase, TestOutcome, Tone,
};
use crate::report::run::{minute, percentile_chart};
use crate::report::{Format, Reported, pretty_json};
use crate::summary::Unit;
use crate::vocabulary::format;

const POINTS_MAX: usize = 8;
const ROWS_MAX: usize = 500;

impl Reported for Comparison {
    const FILES: &'static [(&'static str, Format)] =
        &[("compare.json", Format::Json), ("compare.md", Format::Markdown), ("compare.html", Format::Html)];

    fn document(&self) -> Document {
        let (tone, verdict, why) = verdict(self);
        let failing = self.changes.iter().filter(|change| change.fails()).take(POINTS_MAX);
        let points = failing.map(|change| {
            let (base, new) = (amount(change, change.base), amount(change, change.new));
            format!("{}: {base} → {new}, {}", name(change), difference(change)).into()
        });
        let (judged, shown): (Vec<&Change>, Vec<&Change>) = self.changes.iter().partition(|change| change.judged);
        let curves = self.curves.iter().filter_map(|curves| {
            let lines = [
                (ChartColour::Due, "base", curves.base.clone()),
                (ChartColour::Began, "new (dashed)", curves.new.clone()),
            ];
            percentile_chart(&curves.metric, "from due, by share of the samples", &lines, &[])
        });
        let blocks = vec![
            Block::Section("In what the plans differ", vec![Block::Table(differences(&self.plan))]),
            Block::Section("In what the machines differ", vec![Block::Table(differences(&self.machine))]),
            Block::Section(
                "What changed",
                vec![
                    Block::Table(changes("Judged: these decide", &judged)),
                    Block::Details("Shown, not judged".into(), vec![Block::Table(changes("For information", &shown))]),
                ],
            ),
            Block::Section("Both curves", vec![Block::Charts(curves.collect())]),
        ];
        Document {
            command: "compare",
            name: self.new.name.clone(),
            headline: verdict.to_owned(),
            started_at: self.new.started_at.clone(),
            facts: vec![("base", side(&self.base).into()), ("new", side(&self.new).into())],
            cards: vec![Card { tone, label: "", verdict: verdict.to_owned(), says: why, points: points.collect() }],
            blocks: blocks.into_iter().filter(|block| !block.is_empty()).collect(),
            checks: judged.iter().map(|change| check(change)).collect(),
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
    let within = format!("worse by more than {}", percent(comparison.tolerance));
    match comparison.verdict {
        ComparisonVerdict::Passed => (Tone::Good, "Passed", format!("No figure is {within}.")),
        ComparisonVerdict::Undecided => (Tone::Doubtful, "Not decided", undecided(comparison, &within)),
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
            (Tone::Doubtful, "Not comparable", "The plans differ; --force compares all the same.".into())
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
    format!("No figure is shown to be {within}{grown} {more}")
}

/// A tolerance, without digits that say nothing: `10 %`.
fn percent(fraction: f64) -> String {
    format!("{} %", format!("{:.2}", fraction * 100.0).trim_end_matches('0').trim_end_matches('.'))
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
    let parts = [side.name.clone(), runs, minute(&side.started_at), git];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

fn differences(differences: &[Difference]) -> Table {
    let rows = differences
        .iter()
        .take(ROWS_MAX)
        .map(|difference| [&difference.what, &difference.base, &difference.new].map(StyledText::from).into());
    Table::new("Only what differs is listed", ["what", "base", "new"].map(Column::Words), rows)
}

fn changes(caption: &'static str, changes: &[&Change]) -> Table {
    let mut columns = vec![Column::Words("metric"), Column::Words("finding")];
    columns.extend(["base", "new", "change", "95 % between", "allowed"].map(Column::Figures));
    let rows = changes.iter().take(ROWS_MAX).map(|change| {
        let figures = [
            amount(change, change.base),
            amount(change, change.new),
            difference(change),
            bounds(change),
            signed(change, change.allowed),
        ];
        [StyledText::from(name(change)), finding(change)].into_iter().chain(figures.map(StyledText::from)).collect()
    });
    Table::new(caption, columns, rows)
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
    let outcome = match change.finding {
        _ if change.fails() => {
            let (base, new) = (amount(change, change.base), amount(change, change.new));
            let message = format!("{base} → {new}, {} (95 % between {})", difference(change), bounds(change));
            TestOutcome::Failed { kind: "regression", message }
        }
        Finding::Unclear | Finding::TooFew => TestOutcome::Skipped(finding(change).text),
        _ => TestOutcome::Passed,
    };
    TestCase { name: name(change), outcome }
}

/// `time_to_open p95`
fn name(change: &Change) -> String {
    format!("{} {}", change.metric, change.aggregation)
}

fn amount(change: &Change, amount: Option<f64>) -> String {
    let Some(amount) = amount else { return "–".into() };
    match change.unit {
        Unit::Us => format::duration(amount.max(0.0) as u64),
        Unit::Ratio => format::percent(amount),
        Unit::Bytes => format::bytes(amount.max(0.0) as u64),
        Unit::Count => format::number(amount),
    }
}

/// `+12.3 %`, `4.20×` from four times on, or percentage points for a rate.
fn difference(change: &Change) -> String {
    change.change.map_or("–".into(), |fraction| signed(change, fraction))
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
