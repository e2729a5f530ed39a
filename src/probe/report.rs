//! What a probe found, as data: the JSON is this, the other formats are made of it.

use super::order::Order;
use crate::diagnosis::{Cause, Diagnosis, Findings, Party, Progress, Step, Story, diagnose, ladder, told};
use crate::summary::run::Way;
use crate::summary::trace::TraceStep;
use crate::vocabulary::message::Kind;
use crate::vocabulary::phase::Phase;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub dialect: String,
    /// What was special about the way to the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<Way>,
    /// Of the handshake that is shown: the first that failed, else the largest.
    pub phases: Vec<PhaseLine>,
    pub opened: u32,
    pub planned: u32,
    pub rooms: Vec<Room>,
    pub diagnosis: Diagnosis,
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
    pub steps: Vec<Step>,
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
pub struct Room {
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

impl Report {
    pub fn new(order: &Order, findings: Findings, remedies: Vec<Remedy>, repeat: Option<Repeated>) -> Self {
        let diagnosis = diagnose(&findings);
        let stories = &findings.stories;
        let shown = stories.iter().find(|story| story.opened() < story.planned()).or(stories.last());
        let edges = |of: fn(&Story) -> u32| stories.iter().map(of).sum();
        let phase = |progress: Progress| PhaseLine {
            phase: progress.phase,
            reached: progress.reached,
            edges: progress.edges,
            took_us: progress.took.map(|took| took.as_micros() as u64),
        };
        let room = |story: &Story| Room { peers: story.size(), opened: story.opened(), planned: story.planned() };
        let kinds: Vec<String> = order.dialect.kinds().iter().map(ToString::to_string).collect();
        Self {
            dialect: order.dialect.name().to_owned(),
            way: Some(order.way.clone()).filter(|way| *way != Way::default()),
            phases: shown.map_or(vec![], |story| story.progress().into_iter().map(phase).collect()),
            opened: edges(Story::opened),
            planned: edges(Story::planned),
            rooms: stories.iter().map(room).collect(),
            unreachable: stories.is_empty() || !stories.iter().any(Story::anybody_connected),
            diagnosis,
            remedies,
            repeat,
            trace: vec![],
            size: shown.map_or(0, Story::size),
            steps: shown.map_or(vec![], ladder),
            told: shown.map_or(vec![], |story| told(story, &kinds)),
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

    pub fn kind(&self, kind: Kind) -> &str {
        self.kinds.get(usize::from(kind.0)).map_or("unknown", String::as_str)
    }

    /// The steps that tell the story; `all` of them with the small talk of subscriptions, pings and lists.
    pub fn shown_steps(&self, all: bool) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(move |step| {
            let with_server = |party: &Party| *party == Party::Server;
            all || !matches!(step, Step::Arrow { from, to, .. } if with_server(from) || with_server(to))
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
