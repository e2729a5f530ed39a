//! Converts a timeline into the trace steps of a Summary.

use super::ladder::{Arrival, LadderStep, Party, ladder};
use super::timeline::Timeline;
use crate::summary::TraceStep;

/// All steps of the timeline; `kinds` are the dialect's message types.
pub fn trace_steps(timeline: &Timeline, kinds: &[String]) -> Vec<TraceStep> {
    ladder(timeline).iter().map(|step| trace_step(timeline, step, kinds)).collect()
}

fn trace_step(timeline: &Timeline, step: &LadderStep, kinds: &[String]) -> TraceStep {
    let at_us = step.at().as_micros() as u64;
    let name = |party: Party| match party {
        Party::Peer(seat) => format!("peer {}", timeline.number(seat)),
        Party::Server => TraceStep::SERVER.to_owned(),
    };
    match step {
        LadderStep::Note { peer, text, bad, .. } => TraceStep {
            at_us,
            from: name(Party::Peer(*peer)),
            to: None,
            what: text.clone(),
            heard_us: None,
            outcome: if *bad { "failed" } else { "ok" }.to_owned(),
        },
        LadderStep::Arrow { from, to, kind, arrival, .. } => {
            let (outcome, heard) = match arrival {
                Arrival::Heard(at) => ("heard", Some(*at)),
                Arrival::Elsewhere(at) => ("elsewhere", Some(*at)),
                Arrival::Never => ("never", None),
                Arrival::Unknown => ("said", None),
            };
            TraceStep {
                at_us,
                from: name(*from),
                to: Some(name(*to)),
                what: kinds.get(usize::from(kind.0)).map_or("unknown", String::as_str).to_owned(),
                heard_us: heard.map(|at| at.as_micros() as u64),
                outcome: outcome.to_owned(),
            }
        }
    }
}
