//! The report of several runs of one plan: the gates of the median run, and the spread of the figures.

use crate::report::document::{Block, Card, Document, StyledText, Table, TestCase, Tone};
use crate::report::machine::{bench, prom};
use crate::report::run::{bracketed, broken, capitalised, gate_check, gate_table, head, held};
use crate::report::{Format, Reported, pretty_json};
use crate::summary::{Outcome, Repeats, Spread, Verdict, metric::TIMERS};
use crate::vocabulary::format::plural;

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
            says: format!("{runs}, judged by the median of the {judged} {}; {}", self.judged.name(), held(&self.gates)),
            points: doubt.into_iter().chain(broken(&self.gates)).collect(),
        };
        Document {
            cards: vec![card],
            blocks: vec![
                Block::Section("Runs", vec![runs_table(self)]),
                Block::Section("Gates, of the median run", vec![gate_table(&self.gates)]),
                Block::Section("Median (min to max) of the runs, due", vec![spreads(self)]),
            ],
            checks: checks(self),
            ..head(&self.run, &self.tags, &self.name, self.result)
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
    let gates = repeats.gates.iter().map(|gate| gate_check(gate, repeats.result, ""));
    let validity = match repeats.judged {
        Verdict::Invalid => TestCase::failed("validity", "validity", "every run is INVALID"),
        Verdict::Valid | Verdict::Suspect => TestCase::passed("validity"),
    };
    let worthless = (repeats.result == Outcome::Failed && repeats.gates.iter().all(|gate| gate.ok)).then(|| {
        let why = "in a judged run no edge opened, or peers had no server at the end";
        TestCase::failed("every judged run opened edges and kept its server", "verdict", why)
    });
    gates.chain([validity]).chain(worthless).collect()
}

fn runs_table(repeats: &Repeats) -> Block {
    Table::of("Each run has a report in its folder", &repeats.runs)
        .words("run", |run| &run.folder)
        .words("seed", |run| run.seed.to_string())
        .words("validity", |run| StyledText::term(run.verdict.name()))
        .words("result", |run| StyledText::term(run.result.name()))
        .into()
}

fn spreads(repeats: &Repeats) -> Block {
    let shown = TIMERS.iter().filter_map(|name| Some((*name, repeats.timers.get(*name)?)));
    let figure = |spread: &Spread, which: usize| {
        let (at, range) = spread.percentiles()[which];
        bracketed(range.in_words(), spread.samples, at)
    };
    Table::of("Of the runs that were judged. In brackets: fewer samples than that percentile needs", shown)
        .words("timer", |(name, _)| StyledText::term(*name))
        .figures("p50", |(_, spread)| figure(spread, 0))
        .figures("p95", |(_, spread)| figure(spread, 1))
        .figures("p99", |(_, spread)| figure(spread, 2))
        .into()
}
