//! The report of several runs of one plan: the gates of the median run, and the spread of the figures.

use crate::report::document::{Block, Card, Column, Document, StyledText, Table, TestCase, TestOutcome, Tone};
use crate::report::machine::{bench, prom};
use crate::report::run::{capitalised, description, facts, gate_check, gate_table};
use crate::report::{Format, Reported, pretty_json};
use crate::summary::{Outcome, PercentileRange, Repeats, Verdict, distribution::samples_needed, metric::TIMERS};
use crate::vocabulary::format::{duration, plural};

impl Reported for Repeats {
    const FILES: &'static [(&'static str, Format)] = &[
        ("repeats.json", Format::Json),
        ("report.html", Format::Html),
        ("report.md", Format::Markdown),
        ("junit.xml", Format::Junit),
        ("metrics.prom", Format::Prom),
        ("bench.json", Format::Bench),
    ];

    fn document(&self) -> Document {
        let judged = self.runs.iter().filter(|run| run.verdict == self.judged).count();
        let runs = plural(self.runs.len() as u64, "run");
        let doubt = (self.judged != Verdict::Valid)
            .then(|| "no run was VALID: these figures may be ours, not the target's".into());
        let card = Card {
            tone: match (self.result, self.judged) {
                (Outcome::Passed, Verdict::Valid) => Tone::Good,
                (Outcome::Passed, _) => Tone::Doubtful,
                _ => Tone::Bad,
            },
            label: "",
            verdict: capitalised(self.result.name()),
            says: format!("{runs}, of which {judged} {} judged", self.judged.name()),
            points: doubt.into_iter().collect(),
        };
        let gates = gate_table(&self.gates);
        let gates = if gates.rows.is_empty() { Block::Paragraph("None were set.".into()) } else { Block::Table(gates) };
        Document {
            command: "",
            name: self.name.clone(),
            asks: description(&self.run),
            headline: format!("{} {}", self.result.name().to_uppercase(), self.name),
            started_at: self.run.started_at.clone(),
            duration_us: self.run.duration_us,
            facts: facts(&self.run),
            cards: vec![card],
            blocks: vec![
                Block::Section("Runs", vec![Block::Table(runs_table(self))]),
                Block::Section("Gates, of the median run", vec![gates]),
                Block::Section("Median (min to max) of the runs, due", vec![Block::Table(spreads(self))]),
            ],
            checks: checks(self),
        }
    }

    fn json(&self) -> String {
        pretty_json(self)
    }

    fn figures(&self, format: Format) -> String {
        match format {
            Format::Prom => prom::repeats(self),
            Format::Bench => bench::repeats(self),
            _ => self.json(),
        }
    }
}

/// One test case for each gate, one for validity, and one more if the runs failed although the gates hold.
fn checks(repeats: &Repeats) -> Vec<TestCase> {
    let mut checks: Vec<TestCase> = repeats.gates.iter().map(|gate| gate_check(gate, repeats.result, "")).collect();
    let failed = |kind, message: &str| TestOutcome::Failed { kind, message: message.to_owned() };
    let validity = match repeats.judged {
        Verdict::Invalid => failed("validity", "every run is INVALID"),
        Verdict::Valid | Verdict::Suspect => TestOutcome::Passed,
    };
    checks.push(TestCase { name: "validity".to_owned(), outcome: validity });
    if repeats.result == Outcome::Failed && repeats.gates.iter().all(|gate| gate.ok) {
        let outcome = failed("verdict", "in a judged run no edge opened, or peers had no server at the end");
        checks.push(TestCase { name: "every judged run opened edges and kept its server".to_owned(), outcome });
    }
    checks
}

fn runs_table(repeats: &Repeats) -> Table {
    let columns = ["run", "seed", "validity", "result"].map(Column::Words);
    let rows = repeats.runs.iter().map(|run| {
        let (validity, result) = (StyledText::term(run.verdict.name()), StyledText::term(run.result.name()));
        vec![StyledText::from(&run.folder), run.seed.to_string().into(), validity, result]
    });
    Table::new("Each run has a report in its folder", columns, rows)
}

fn spreads(repeats: &Repeats) -> Table {
    let mut columns = vec![Column::Words("timer")];
    columns.extend(["p50", "p95", "p99"].map(Column::Figures));
    let shown = TIMERS.iter().filter_map(|name| Some((name, repeats.timers.get(*name)?)));
    let rows = shown.map(|(name, spread)| {
        let figures = spread.percentiles().map(|(at, range)| {
            let shown = in_words(range);
            StyledText::from(if spread.samples < samples_needed(at) { format!("[{shown}]") } else { shown })
        });
        std::iter::once(StyledText::term(*name)).chain(figures).collect()
    });
    Table::new("Of the runs that were judged. In brackets: fewer samples than that percentile needs", columns, rows)
}

fn in_words(range: PercentileRange) -> String {
    format!("{} ({} to {})", duration(range.median_us), duration(range.min_us), duration(range.max_us))
}
