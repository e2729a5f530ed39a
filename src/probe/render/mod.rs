//! The report of a probe: one document for every format, and Mermaid.

mod mermaid;

pub use mermaid::mermaid;

use super::report::{PhaseLine, ProbeReport};
use crate::diagnosis::{Arrival, Cause, LadderStep, Party};
use crate::report::document::{
    Block, Card, Column, Document, Ladder, LadderRow, StyledText, Table, TestCase, TestOutcome, Tone,
};
use crate::report::{Format, Reported, pretty_json};
use crate::summary::TargetRoute;
use crate::vocabulary::format::{micros, plural};

impl Reported for ProbeReport {
    const FILES: &'static [(&'static str, Format)] = &[
        ("probe.txt", Format::Text(crate::report::TextOptions { color: false, verbose: false, columns: None })),
        ("probe.json", Format::Json),
        ("probe.html", Format::Html),
    ];

    fn document(&self) -> Document {
        let way: Vec<String> = self.way.iter().flat_map(TargetRoute::in_words).collect();
        let way = (!way.is_empty()).then(|| ("reached", StyledText::input(way.join(", "))));
        let dialect = ("dialect", StyledText::from(&self.dialect));
        let repeated = self.repeat.iter().flat_map(|repeat| {
            let opened =
                format!("{} of {} opened every channel", repeat.opened, plural(repeat.tries.into(), "handshake"));
            let stopped = repeat.stopped.iter().map(|(phase, count)| format!("{count} stopped in {phase}"));
            std::iter::once(opened).chain(stopped)
        });
        let shows_all = !self.trace.is_empty();
        let folded = if shows_all { vec![] } else { vec![ladder(self, true)] };
        let works = if self.diagnosis.cause == Cause::None { WORKS } else { "" };
        let blocks = vec![
            Block::Section("Phases", vec![Block::Table(phases(self))]),
            Block::Section("Repeated", vec![Block::list(repeated)]),
            Block::Section(
                "The handshake",
                vec![
                    ladder(self, shows_all),
                    Block::Details("With the messages to and from the server".into(), folded),
                ],
            ),
            Block::Section("Frames", vec![Block::Table(frames(self))]),
            Block::Section("Remedies tried", vec![Block::Table(remedies(self))]),
            Block::Section("What this does not tell", vec![Block::Paragraph(works.into())]),
        ];
        Document {
            command: "probe",
            name: format!("{} handshake", self.dialect),
            headline: self.headline(),
            facts: std::iter::once(dialect).chain(way).collect(),
            cards: vec![card(self)],
            blocks: blocks.into_iter().filter(|block| !block.is_empty()).collect(),
            checks: self.phases.iter().map(check).collect(),
            ..Document::default()
        }
    }

    fn json(&self) -> String {
        pretty_json(self)
    }
}

const WORKS: &str = "Signaling works from here. Not tested: NAT, TURN, browsers: --engine webrtc --ice-server turn:…";

fn card(report: &ProbeReport) -> Card {
    let diagnosis = &report.diagnosis;
    let opened = format!("{} of {} channels opened", report.opened, report.planned);
    let (says, points) = if diagnosis.cause == Cause::None {
        (opened, vec![])
    } else {
        let confidence = format!("{:?}", diagnosis.confidence).to_lowercase();
        let remedy = (!diagnosis.remedy.is_empty()).then(|| format!("What to do: {}", diagnosis.remedy));
        let points =
            std::iter::once(diagnosis.cause.meaning().to_owned()).chain(diagnosis.evidence.clone()).chain(remedy);
        (format!("{opened} (confidence: {confidence})"), points.map(StyledText::from).collect())
    };
    let tone = if report.is_open() { Tone::Good } else { Tone::Bad };
    Card { tone, label: "", verdict: report.headline(), says, points }
}

fn phases(report: &ProbeReport) -> Table {
    let columns = [Column::Words("phase"), Column::Words("edges"), Column::Figures("took")];
    let rows = report.phases.iter().map(|phase| {
        let edges = format!("{} of {}", phase.reached, phase.edges);
        let took = phase.took_us.map_or("–".to_owned(), |us| format!("{:.1} ms", us as f64 / 1e3));
        vec![
            StyledText::term(phase.phase.name()),
            StyledText::verdict(phase.reached == phase.edges, &edges, &edges),
            took.into(),
        ]
    });
    Table::new("Edges that passed the phase; the time of the slowest", columns, rows)
}

fn frames(report: &ProbeReport) -> Table {
    let columns = [
        Column::Figures("ms"),
        Column::Words("peer"),
        Column::Words(""),
        Column::Words("frame"),
        Column::Words("rule"),
    ];
    let rows = report.frames.iter().map(|frame| {
        let direction = if frame.direction == "sent" { "→" } else { "←" };
        vec![
            format!("{:.1}", frame.at_us as f64 / 1e3).into(),
            format!("peer {}", frame.peer).into(),
            format!("{direction} {}", frame.kind).into(),
            StyledText::from(&frame.text),
            frame.rule.clone().unwrap_or_default().into(),
        ]
    });
    Table::new("Every frame of the handshake above; an SDP is cut, secrets are masked", columns, rows)
}

fn remedies(report: &ProbeReport) -> Table {
    let rows = report.remedies.iter().map(|remedy| {
        vec![
            StyledText::verdict(remedy.worked, "works", "fails"),
            StyledText::from(&remedy.remedy),
            StyledText::from(&remedy.detail),
        ]
    });
    Table::new("Each is a handshake of its own", ["", "remedy", "what happened"].map(Column::Words), rows)
}

/// The handshake that is shown; with `all` also messages to and from the server.
fn ladder(report: &ProbeReport, all: bool) -> Block {
    let rows = report.shown_steps(all).map(|step| match step {
        LadderStep::Note { at, peer, text, bad } => LadderRow::note(micros(*at), *bad, peer.0.into(), text),
        LadderStep::Arrow { at, from, to, kind, arrival } => {
            let (heard, outcome) = match arrival {
                Arrival::Heard(heard) => (Some(micros(*heard)), "heard"),
                Arrival::Elsewhere(_) => (None, "elsewhere"),
                Arrival::Never => (None, "never"),
                Arrival::Unknown => (None, "said"),
            };
            LadderRow::message(micros(*at), [*from, *to].map(lane), report.kind(*kind), heard, outcome)
        }
    });
    Block::Ladder(Ladder {
        title: if all { "Every message" } else { "Messages between the peers" }.to_owned(),
        is_unfolded: true,
        says: String::new(),
        lanes: (0..report.size).map(|seat| format!("peer {seat}")).collect(),
        rows: rows.collect(),
    })
}

fn lane(party: Party) -> Option<usize> {
    match party {
        Party::Peer(seat) => Some(seat.0.into()),
        Party::Server => None,
    }
}

fn check(phase: &PhaseLine) -> TestCase {
    let message = format!("{} of {} edges passed it", phase.reached, phase.edges);
    let is_passed = phase.reached == phase.edges;
    let outcome = if is_passed { TestOutcome::Passed } else { TestOutcome::Failed { kind: "phase", message } };
    TestCase { name: phase.phase.name().to_owned(), outcome }
}
