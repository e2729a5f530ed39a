//! The planning report of a capacity search: the answer, the knee, every probe, the forecast.

mod charts;
mod side_by_side;
mod tables;

use crate::capacity::{CapacityResult, LimitedBy};
use crate::report::document::{Block, Card, Document, StyledText, TestCase, Tone};
use crate::report::{Format, Reported, run};
use crate::summary::{RunFinding, wall_time::in_words};

impl Reported for CapacityResult {
    const FILES: &'static [(&'static str, Format)] =
        &[("capacity.json", Format::Json), ("report.md", Format::Markdown), ("report.html", Format::Html)];

    fn document(&self) -> Document {
        let doubts = tables::doubts(self);
        let found: Vec<RunFinding> = self.findings().into_iter().map(|(_, finding)| finding.clone()).collect();
        let tone = match (self.limit, self.limited_by) {
            (None, _) => Tone::Bad,
            (Some(_), LimitedBy::Target) if doubts.is_empty() => Tone::Good,
            (Some(_), _) => Tone::Doubtful,
        };
        let points = doubts.into_iter().map(StyledText::from).collect();
        let (scope, again) = (&self.scope, &self.reproduction);
        let commands = [("the search", Some(&again.search)), ("one run at the limit", again.run.as_ref())];
        let commands = commands.into_iter().chain([("one run above it", again.broken_run.as_ref())]);
        let commands = commands.filter_map(|(name, command)| Some((name, StyledText::input(command?))));
        let blocks = vec![
            Block::Section("The knee", vec![Block::Charts(charts::knee(self).into_iter().collect())]),
            Block::Section("What stands behind it", vec![Block::facts(tables::facts(self))]),
            Block::Section("Side by side", vec![side_by_side::table(self)]),
            Block::Section("Costs by load", vec![Block::Charts(charts::costs(self))]),
            Block::Section("Probes", vec![tables::probes(self)]),
            Block::Section("Findings", vec![run::findings(&found)]),
            Block::Section(
                "Costs and forecast",
                vec![
                    Block::Details("What each load cost".into(), vec![tables::costs(self)]),
                    Block::Details("What if".into(), vec![tables::forecast(self)]),
                ],
            ),
            Block::Section("Again", vec![Block::facts(commands)]),
        ];
        Document {
            command: "capacity",
            name: scope.profile.clone(),
            headline: self.sentence.clone(),
            started_at: scope.started_at.clone(),
            duration_us: scope.duration_us,
            facts: vec![
                ("target", StyledText::input(&scope.target)),
                ("started", StyledText::from(in_words(&scope.started_at))),
                ("dialect", StyledText::from(&scope.dialect)),
                ("engine", StyledText::from(&scope.engine)),
                ("meshload", StyledText::from(&scope.meshload.version)),
                run::tags_fact(&scope.tags),
            ],
            cards: vec![Card { tone, verdict: run::capitalised(&self.sentence), points, ..Card::default() }],
            blocks,
            checks: vec![check(self)],
            ..Document::default()
        }
    }

    fn json(&self) -> String {
        self.to_json()
    }
}

/// A search without a load that held fails, and so does one that misses what was required.
fn check(findings: &CapacityResult) -> TestCase {
    let is_met = match (findings.limit, findings.require) {
        (None, _) => false,
        (Some(limit), require) => require.is_none_or(|require| limit >= require),
    };
    let name = findings.require.map_or("holds a load".to_owned(), |require| format!("holds {}", tables::load(require)));
    if is_met { TestCase::passed(name) } else { TestCase::failed(name, "capacity", &findings.sentence) }
}
