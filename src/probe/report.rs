//! What a probe found, as data: the JSON is this, the other formats are made of it.

use super::spec::ProbeSpec;
use crate::diagnosis::{
    Cause, Conclusion, LadderStep, MeshProgress, Observations, Party, Timeline, diagnose, ladder, trace_steps,
};
use crate::summary::run::TargetRoute;
use crate::summary::trace::TraceStep;
use crate::vocabulary::message::FrameKind;
use crate::vocabulary::phase::Phase;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize)]
pub struct ProbeReport {
    pub dialect: String,
    /// What was special about the way to the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<TargetRoute>,
    /// Of the handshake that is shown: the first that failed, else the largest.
    pub phases: Vec<PhaseLine>,
    pub opened: u32,
    pub planned: u32,
    pub rooms: Vec<RoomSizeResult>,
    pub diagnosis: Conclusion,
    pub remedies: Vec<Remedy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeat: Option<Repeated>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<TraceStep>,
    /// Nobody ever had a connection.
    #[serde(skip)]
    pub unreachable: bool,
    #[serde(skip)]
    pub size: u16,
    /// All steps, in words.
    #[serde(skip)]
    told: Vec<TraceStep>,
    #[serde(skip)]
    pub steps: Vec<LadderStep>,
    #[serde(skip)]
    pub kinds: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PhaseLine {
    pub phase: Phase,
    pub reached: u32,
    pub edges: u32,
    /// Of the slowest edge.
    pub took_us: Option<u64>,
}

/// How one size of room went.
#[derive(Clone, Debug, Serialize)]
pub struct RoomSizeResult {
    pub peers: u16,
    pub opened: u32,
    pub planned: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    pub remedy: String,
    pub worked: bool,
    pub detail: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Repeated {
    pub tries: u32,
    /// Handshakes in which every channel opened.
    pub opened: u32,
    /// Where the others stopped.
    pub stopped: BTreeMap<String, u32>,
}

impl ProbeReport {
    pub fn new(order: &ProbeSpec, findings: Observations, remedies: Vec<Remedy>, repeat: Option<Repeated>) -> Self {
        let diagnosis = diagnose(&findings);
        let timelines = &findings.timelines;
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
        let kinds: Vec<String> = order.dialect.kinds().iter().map(ToString::to_string).collect();
        Self {
            dialect: order.dialect.name().to_owned(),
            way: Some(order.way.clone()).filter(|way| *way != TargetRoute::default()),
            phases: shown.map_or(vec![], |timeline| timeline.progress().into_iter().map(phase).collect()),
            opened: edges(Timeline::opened),
            planned: edges(Timeline::planned),
            rooms: timelines.iter().map(room).collect(),
            unreachable: timelines.is_empty() || !timelines.iter().any(Timeline::any_connected),
            diagnosis,
            remedies,
            repeat,
            trace: vec![],
            size: shown.map_or(0, Timeline::size),
            steps: shown.map_or(vec![], ladder),
            told: shown.map_or(vec![], |timeline| trace_steps(timeline, &kinds)),
            kinds,
        }
    }

    /// Every planned channel opened, repeats included.
    pub fn is_open(&self) -> bool {
        self.planned > 0
            && self.opened == self.planned
            && self.repeat.as_ref().is_none_or(|repeat| repeat.opened == repeat.tries)
    }

    /// With the shown handshake's every step.
    pub fn with_trace(mut self) -> Self {
        self.trace = std::mem::take(&mut self.told);
        self
    }

    pub fn kind(&self, kind: FrameKind) -> &str {
        self.kinds.get(usize::from(kind.0)).map_or("unknown", String::as_str)
    }

    /// The steps that tell the story; `all` of them with the small talk of subscriptions, pings and lists.
    pub fn shown_steps(&self, all: bool) -> impl Iterator<Item = &LadderStep> {
        self.steps.iter().filter(move |step| {
            let with_server = |party: &Party| *party == Party::Server;
            all || !matches!(step, LadderStep::Arrow { from, to, .. } if with_server(from) || with_server(to))
        })
    }

    /// The verdict's first line.
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

pub fn name(party: Party) -> String {
    match party {
        Party::Peer(seat) => format!("peer {}", seat.0),
        Party::Server => "server".to_owned(),
    }
}
