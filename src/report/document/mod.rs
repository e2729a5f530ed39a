//! The model of every report: a document of blocks, built once for each kind of result and rendered by one back end a
//! format.

mod axis;
mod chart;
mod colour;
mod ladder;
mod styled_text;
mod table;

pub use axis::{
    Axis, amounts, fractions, log_time, nines, percentiles, rows, seconds, short_count, spans, tenths, times,
};
pub use chart::{Bar, Chart, Corner, Mark, MarkShape};
pub use colour::ChartColour;
pub use ladder::Ladder;
pub use styled_text::{Style, StyledText};
pub use table::{Column, Table, TableOf};

/// A report without a format. Its texts may be hostile: each back end escapes them.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The command that made the report, such as `compare`; empty for a run.
    pub command: &'static str,
    pub name: String,
    /// The question that the run answers, in its profile's words; may be empty.
    pub asks: String,
    /// The verdict and its subject, such as `PASSED smoke`: the first words of every format.
    pub headline: String,
    /// RFC 3339, UTC.
    pub started_at: String,
    pub duration_us: u64,
    /// The conditions under which the figures hold, such as the target and the seed.
    pub facts: Vec<(&'static str, StyledText)>,
    /// The verdicts; the first one belongs to `headline`.
    pub cards: Vec<Card>,
    pub blocks: Vec<Block>,
    /// The test cases for CI.
    pub checks: Vec<TestCase>,
}

/// A part of a document. A terminal shows neither charts nor what is folded into details.
#[derive(Clone, Debug)]
pub enum Block {
    /// A part with a heading; left out if it shows nothing.
    Section(&'static str, Vec<Block>),
    /// The figures that a reader looks for first.
    Figures(Vec<Figure>),
    Paragraph(StyledText),
    List(Vec<StyledText>),
    Facts(Vec<(StyledText, StyledText)>),
    Table(Table),
    Charts(Vec<Chart>),
    /// Blocks that are read together, side by side where there is room.
    Beside(Vec<Block>),
    Ladder(Ladder),
    /// Text with its line ends.
    Verbatim(String),
    /// Blocks on demand, under their summary.
    Details(String, Vec<Block>),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    #[default]
    Good,
    Doubtful,
    Bad,
}

/// A verdict with its reasons.
#[derive(Clone, Debug, Default)]
pub struct Card {
    pub tone: Tone,
    /// The question that it answers, such as `validity`; empty for the document's own verdict.
    pub label: &'static str,
    pub verdict: String,
    pub says: String,
    /// Whole sentences, most important first.
    pub points: Vec<StyledText>,
}

/// A headline figure: one value or several named ones.
#[derive(Clone, Debug)]
pub struct Figure {
    pub name: &'static str,
    pub values: Vec<(&'static str, String)>,
    pub note: String,
}

/// A test case; its name has no measured values, so that it stays the same from run to run.
#[derive(Clone, Debug)]
pub struct TestCase {
    pub name: String,
    pub outcome: TestOutcome,
}

#[derive(Clone, Debug)]
pub enum TestOutcome {
    Passed,
    Failed { kind: &'static str, message: String },
    Skipped(String),
}

impl Document {
    /// The facts whose value is known.
    pub fn known_facts(&self) -> impl Iterator<Item = (&'static str, &StyledText)> {
        self.facts.iter().filter(|(_, value)| !value.text.is_empty()).map(|(name, value)| (*name, value))
    }
}

impl TestCase {
    pub fn passed(name: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: TestOutcome::Passed }
    }

    pub fn failed(name: impl Into<String>, kind: &'static str, message: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: TestOutcome::Failed { kind, message: message.into() } }
    }

    pub fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: TestOutcome::Skipped(why.into()) }
    }
}

impl Tone {
    /// A sign that tells the tone without colour.
    pub fn mark(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Doubtful => "?",
            Self::Bad => "✗",
        }
    }
}

impl<T> From<TableOf<T>> for Block {
    fn from(rows: TableOf<T>) -> Self {
        Self::Table(rows.table)
    }
}

impl Block {
    /// Names and values; a value that is not known is left out.
    pub fn facts<N: Into<StyledText>, V: Into<StyledText>>(facts: impl IntoIterator<Item = (N, V)>) -> Self {
        let facts = facts.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self::Facts(facts.filter(|(_, value): &(StyledText, StyledText)| !value.text.is_empty()).collect())
    }

    pub fn list<T: Into<StyledText>>(lines: impl IntoIterator<Item = T>) -> Self {
        Self::List(lines.into_iter().map(Into::into).collect())
    }

    /// True if no back end shows anything of it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Section(_, blocks) | Self::Beside(blocks) | Self::Details(_, blocks) => {
                blocks.iter().all(Self::is_empty)
            }
            Self::Figures(figures) => figures.is_empty(),
            Self::Paragraph(span) => span.text.is_empty(),
            Self::List(lines) => lines.is_empty(),
            Self::Facts(facts) => facts.is_empty(),
            Self::Table(table) => table.rows.is_empty(),
            Self::Charts(charts) => charts.is_empty(),
            Self::Ladder(ladder) => ladder.steps.is_empty(),
            Self::Verbatim(text) => text.is_empty(),
        }
    }

    /// The blocks in it.
    pub fn inner(&self) -> &[Self] {
        match self {
            Self::Section(_, blocks) | Self::Beside(blocks) | Self::Details(_, blocks) => blocks,
            _ => &[],
        }
    }

    /// The spans of its own, without those of the blocks in it.
    pub fn spans(&self) -> Vec<&StyledText> {
        match self {
            Self::Paragraph(span) => vec![span],
            Self::List(lines) => lines.iter().collect(),
            Self::Facts(facts) => facts.iter().flat_map(|(name, value)| [name, value]).collect(),
            Self::Table(table) => table.rows.iter().flatten().collect(),
            _ => vec![],
        }
    }
}
