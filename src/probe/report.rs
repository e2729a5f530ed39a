//! The result of a probe, as data: serialised as it is for JSON, rendered for the other formats.

use super::findings;
use super::spec::ProbeSpec;
use crate::diagnosis::{Cause, Conclusion, MeshProgress, Observations, Timeline, Words, diagnose, trace_steps};
use crate::dialect::shown_frame;
use crate::summary::{RunFinding, TargetRoute, TraceStep};
use crate::vocabulary::{Event, EventKind, FrameNoteKind, PeerEvent, Phase};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Most texts of a server's errors in a report.
const ERRORS_MAX: usize = 5;

/// The result of a probe.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProbeReport {
    /// The target's URL without its secrets; empty for the embedded server.
    #[serde(default)]
    pub target: String,
    /// RFC 3339, UTC; empty if it is not known.
    #[serde(default)]
    pub started_at: String,
    pub dialect: String,
    /// Proxy, redirection and disabled certificate check on the route to the target; `None` if the route was direct.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<TargetRoute>,
    /// Phases of the handshake that is shown: the first that failed, else the largest.
    pub phases: Vec<PhaseLine>,
    pub opened: u32,
    pub planned: u32,
    pub rooms: Vec<RoomSizeResult>,
    pub diagnosis: Conclusion,
    /// Conclusions of a run's rules from the same handshakes, worst first.
    pub findings: Vec<RunFinding>,
    pub remedies: Vec<Remedy>,
    /// Errors that the server said without refusing a peer by them, each text once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeated>,
    /// Peers of the handshake that is shown.
    #[serde(default)]
    pub peers: u16,
    /// All steps of the handshake that is shown.
    #[serde(default)]
    pub trace: Vec<TraceStep>,
    /// The messages to and from the server are shown, too.
    #[serde(default)]
    pub shows_all: bool,
    /// Every frame of the handshake that is shown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<FrameLine>,
    /// No peer ever had a connection.
    #[serde(skip)]
    pub unreachable: bool,
    /// All frames of the handshake that is shown, for `with_details`.
    #[serde(skip)]
    all_frames: Vec<FrameLine>,
}

/// One phase of the handshake that is shown.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct PhaseLine {
    pub phase: Phase,
    /// Edges that passed the phase, of `edges`.
    pub reached: u32,
    pub edges: u32,
    /// Time of the slowest edge, in µs.
    pub took_us: Option<u64>,
}

/// One signaling frame; its SDP is cut, its secrets are masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FrameLine {
    pub at_us: u64,
    pub peer: u32,
    /// `sent` or `received`.
    pub direction: String,
    pub kind: String,
    pub text: String,
    /// The place of the rule that took it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
}

/// The channels of one handshake.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct RoomSizeResult {
    pub peers: u16,
    pub opened: u32,
    pub planned: u32,
}

/// A remedy that was tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Remedy {
    pub remedy: String,
    pub worked: bool,
    pub detail: String,
}

/// The result of repeated handshakes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repeated {
    pub tries: u32,
    /// Handshakes in which every channel opened.
    pub opened: u32,
    /// The phases in which the others stopped, with their counts.
    pub stopped: BTreeMap<String, u32>,
    /// Traits that the failed ones have in common, in sentences; empty if none failed.
    pub in_common: Vec<String>,
}

impl ProbeReport {
    pub fn new(spec: &ProbeSpec, observed: Observations, remedies: Vec<Remedy>, repeat: Option<Repeated>) -> Self {
        let mut diagnosis = diagnose(&observed);
        // A fault without a cause may be one that comes and goes: a handshake that opened once proves no remedy.
        if let Some(advice) = advice(&remedies).filter(|_| diagnosis.cause != Cause::Unknown) {
            diagnosis.remedy = advice;
        }
        let timelines = &observed.timelines;
        let shown = timelines.iter().find(|timeline| timeline.opened() < timeline.planned()).or(timelines.last());
        let edges = |of: fn(&Timeline) -> u32| timelines.iter().map(of).sum();
        let phase = |progress: MeshProgress| PhaseLine {
            phase: progress.phase,
            reached: progress.reached,
            edges: progress.edges,
            took_us: progress.took.map(|took| took.as_micros() as u64),
        };
        let room = |timeline: &Timeline| RoomSizeResult {
            peers: timeline.size(),
            opened: timeline.opened(),
            planned: timeline.planned(),
        };
        Self {
            target: String::new(),
            started_at: String::new(),
            dialect: spec.dialect.name().to_owned(),
            way: Some(spec.way.clone()).filter(|way| *way != TargetRoute::default()),
            phases: shown.map_or(vec![], |timeline| timeline.progress().into_iter().map(phase).collect()),
            opened: edges(Timeline::opened),
            planned: edges(Timeline::planned),
            rooms: timelines.iter().map(room).collect(),
            unreachable: timelines.is_empty() || !timelines.iter().any(Timeline::any_connected),
            diagnosis,
            findings: findings::conclude(timelines, spec),
            remedies,
            errors: server_errors(timelines),
            repeat,
            peers: shown.map_or(0, Timeline::size),
            trace: shown.map_or(vec![], |timeline| trace_steps(timeline, observed.words.names())),
            shows_all: false,
            frames: vec![],
            all_frames: shown.map_or(vec![], |timeline| frames(timeline, &observed.words)),
        }
    }

    /// The report with its target's URL, without secrets, and its start.
    pub fn dated(self, target: Option<String>, started_at: String) -> Self {
        Self { target: target.unwrap_or_default(), started_at, ..self }
    }

    /// Tells if every planned channel opened, repeats included.
    pub fn is_open(&self) -> bool {
        self.planned > 0
            && self.opened == self.planned
            && self.repeat.as_ref().is_none_or(|repeat| repeat.opened == repeat.tries)
    }

    /// Shows the messages to and from the server, and the text of the frames.
    pub fn with_details(mut self, all: bool, frames: bool) -> Self {
        self.shows_all = all;
        if frames {
            self.frames = std::mem::take(&mut self.all_frames);
        }
        self
    }

    /// The steps between peers; with `all` also those with the server: subscriptions, pings, lists.
    pub fn shown_steps(&self, all: bool) -> impl Iterator<Item = &TraceStep> {
        let is_server = |name: &str| name == TraceStep::SERVER;
        self.trace
            .iter()
            .filter(move |step| all || !is_server(&step.from) && !step.to.as_deref().is_some_and(is_server))
    }

    /// The first line of the report.
    pub fn headline(&self) -> String {
        match self.diagnosis.cause {
            Cause::None => "signaling works".to_owned(),
            cause => {
                let phase = self.diagnosis.phase.map_or(String::new(), |phase| format!(", in phase {}", phase.name()));
                format!("{cause}{phase}")
            }
        }
    }
}

/// The advice once remedies were tried: those that worked; `None` if none did or none was tried.
fn advice(remedies: &[Remedy]) -> Option<String> {
    let worked: Vec<&str> = remedies.iter().filter(|tried| tried.worked).map(|tried| &*tried.remedy).collect();
    let more = if worked.len() > 1 { "Each of these was tried, and works" } else { "This was tried, and works" };
    (!worked.is_empty()).then(|| format!("{more}: {}.", worked.join("; ")))
}

/// The texts of the errors that the server said in these handshakes, in order of time.
fn server_errors(timelines: &[Timeline]) -> Vec<String> {
    let mut texts: Vec<String> = vec![];
    for event in timelines.iter().flat_map(Timeline::events) {
        if let EventKind::Peer(PeerEvent::Note { note }) = &event.kind
            && note.kind == FrameNoteKind::ServerError
            && !texts.contains(&note.example)
            && texts.len() < ERRORS_MAX
        {
            texts.push(note.example.clone());
        }
    }
    texts
}

/// The frames of a handshake, both ways, those of the join included.
fn frames(timeline: &Timeline, words: &Words) -> Vec<FrameLine> {
    let Some(start) = timeline.start() else { return vec![] };
    let frame = |event: &Event| {
        let (direction, kind, text, rule) = match &event.kind {
            EventKind::Peer(PeerEvent::Written { kind, text, .. }) => ("sent", kind, text, None),
            EventKind::Peer(PeerEvent::Read { kind, text, rule, .. }) => ("received", kind, text, rule.as_ref()),
            _ => return None,
        };
        Some(FrameLine {
            at_us: event.at.saturating_duration_since(start).as_micros() as u64,
            peer: timeline.number(event.place.seat),
            direction: direction.to_owned(),
            kind: words.name(*kind).to_owned(),
            text: shown_frame(text),
            rule: rule.map(ToString::to_string),
        })
    };
    timeline.events().iter().filter_map(frame).collect()
}
