//! The report of a probe: one document for every format, and Mermaid.

mod mermaid;

pub use mermaid::mermaid;

use super::report::{FrameLine, PhaseLine, ProbeReport};
use crate::diagnosis::Cause;
use crate::report::document::{Block, Card, Document, Ladder, StyledText, Table, TestCase, Tone};
use crate::report::{self, Format, Reported, capitalised, pretty_json};
use crate::summary::{TargetRoute, wall_time::in_words};
use crate::vocabulary::format::{known, milliseconds, plural};

impl Reported for ProbeReport {
    const FILES: &'static [(&'static str, Format)] = &[
        ("probe.txt", Format::Text(report::TextOptions { color: false, verbose: false, columns: None })),
        ("probe.json", Format::Json),
        ("probe.html", Format::Html),
    ];

    fn document(&self) -> Document {
        let way: Vec<String> = self.way.iter().flat_map(TargetRoute::in_words).collect();
        let repeated = self.repeat.iter().flat_map(|repeat| {
            let opened =
                format!("{} of {} opened every channel", repeat.opened, plural(repeat.tries.into(), "handshake"));
            std::iter::once(opened).chain(repeat.in_common.clone())
        });
        let folded = if self.shows_all { vec![] } else { vec![ladder(self, true)] };
        let works = if self.diagnosis.cause == Cause::None { WORKS } else { "" };
        let blocks = vec![
            Block::Section("Phases", vec![phases(self)]),
            Block::Section("Repeated", vec![Block::list(repeated)]),
            Block::Section(
                "The handshake",
                vec![
                    ladder(self, self.shows_all),
                    Block::Details("With the messages to and from the server".into(), folded),
                ],
            ),
            Block::Section("Findings", vec![report::findings(&self.findings)]),
            Block::Section("Frames", vec![frames(self)]),
            Block::Section("Remedies tried", vec![remedies(self)]),
            Block::Section("What this does not tell", vec![Block::Paragraph(works.into())]),
        ];
        Document {
            command: "probe",
            name: format!("{} handshake", self.dialect),
            headline: self.headline(),
            started_at: self.started_at.clone(),
            facts: vec![
                ("target", StyledText::input(&self.target)),
                ("reached", StyledText::input(way.join(", "))),
                ("started", StyledText::from(in_words(&self.started_at))),
                ("dialect", StyledText::from(&self.dialect)),
            ],
            cards: vec![card(self)],
            blocks,
            checks: self.phases.iter().map(check).collect(),
            ..Document::default()
        }
    }

    fn json(&self) -> String {
        pretty_json(self)
    }
}

/// A foreign file must not make the page endless.
const LANES_MAX: u16 = 64;
const WORKS: &str = "Signaling works from here. Not tested: NAT, TURN, browsers: --engine webrtc --ice-server turn:…";

fn card(report: &ProbeReport) -> Card {
    let diagnosis = &report.diagnosis;
    let opened = format!("{} of {} channels opened", report.opened, report.planned);
    let (says, points) = if diagnosis.cause == Cause::None {
        (opened, found(report).collect())
    } else {
        let confidence = format!("{:?}", diagnosis.confidence).to_lowercase();
        let remedy = (!diagnosis.remedy.is_empty()).then(|| format!("What to do: {}", diagnosis.remedy));
        let points =
            std::iter::once(diagnosis.cause.meaning().to_owned()).chain(diagnosis.evidence.clone()).chain(remedy);
        let points = points.map(StyledText::from).chain(found(report));
        (format!("{opened} (confidence: {confidence})"), points.collect())
    };
    let tone = if report.is_open() { Tone::Good } else { Tone::Bad };
    Card { tone, label: "", verdict: capitalised(&report.headline()), says, points }
}

/// The server's own errors, and the findings that say more than the cause does.
fn found(report: &ProbeReport) -> impl Iterator<Item = StyledText> {
    let said = report.errors.iter().map(|error| StyledText::from(format!("The server said an error: {error}")));
    let more = report.findings.iter().filter(|finding| finding.id != report.diagnosis.cause.name());
    said.chain(more.map(|finding| StyledText::from(format!("finding: {}", finding.in_words()))))
}

fn phases(report: &ProbeReport) -> Block {
    Table::of("Edges that passed the phase; the time of the slowest", &report.phases)
        .words("phase", |phase| StyledText::term(phase.phase.name()))
        .words("edges", |phase| {
            let edges = format!("{} of {}", phase.reached, phase.edges);
            StyledText::verdict(phase.reached == phase.edges, &edges, &edges)
        })
        .figures("took", |phase| known(phase.took_us, milliseconds))
        .into()
}

fn frames(report: &ProbeReport) -> Block {
    let arrow = |frame: &FrameLine| if frame.direction == "sent" { "→" } else { "←" };
    Table::of("Every frame of the handshake above; an SDP is cut, secrets are masked", &report.frames)
        .figures("at", |frame| milliseconds(frame.at_us))
        .words("peer", |frame| format!("peer {}", frame.peer))
        .words("", |frame| format!("{} {}", arrow(frame), frame.kind))
        .words("frame", |frame| &frame.text)
        .words("rule", |frame| frame.rule.clone().unwrap_or_default())
        .into()
}

fn remedies(report: &ProbeReport) -> Block {
    Table::of("Each is a handshake of its own", &report.remedies)
        .words("", |tried| StyledText::verdict(tried.worked, "works", "fails"))
        .words("remedy", |tried| &tried.remedy)
        .words("what happened", |tried| &tried.detail)
        .into()
}

/// The handshake that is shown; with `all` also messages to and from the server.
fn ladder(report: &ProbeReport, all: bool) -> Block {
    Block::Ladder(Ladder {
        title: if all { "Every message" } else { "Messages between the peers" }.to_owned(),
        is_unfolded: true,
        says: String::new(),
        lanes: (0..report.peers.min(LANES_MAX)).map(|seat| format!("peer {seat}")).collect(),
        steps: report.shown_steps(all).cloned().collect(),
    })
}

fn check(phase: &PhaseLine) -> TestCase {
    let (name, message) = (phase.phase.name(), format!("{} of {} edges passed it", phase.reached, phase.edges));
    if phase.reached == phase.edges { TestCase::passed(name) } else { TestCase::failed(name, "phase", message) }
}
