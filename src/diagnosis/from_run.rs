//! Diagnoses the failed handshakes of a run without experiments: names every cause that fits.

mod delivery_index;
mod discovery;
mod insight;
mod negotiation;
mod shares;
#[cfg(test)]
mod tests;

pub use insight::Insight;
pub use shares::{CauseShare, in_percent, name, overall, verdicts};

use super::cause::Cause;
use super::decide::of_failure;
use super::timeline::Timeline;
use super::words::Words;
use super::words::join_request::JoinRequest;
use crate::vocabulary::{Failure, Phase, Seat, SignalPart};
use delivery_index::{DeliveryIndex, SeenWorking};

/// A traced room in which edges failed.
#[derive(Clone, Debug)]
pub struct FailedRoom {
    pub timeline: Timeline,
    /// The failed edges, lower seat first, with the failures as they were counted.
    pub failed: Vec<(Seat, Seat, Failure)>,
}

/// An insight for each failed edge of each room, in their order. An edge is judged by the events of its two peers,
/// and by what works in the other rooms.
pub fn insights(cases: &[FailedRoom], words: &Words) -> Vec<Vec<Insight>> {
    let index: Vec<DeliveryIndex<'_>> = cases.iter().map(|case| DeliveryIndex::of(&case.timeline, words)).collect();
    let seen = SeenWorking::of(&index);
    let of_case = |(case, index): (&FailedRoom, &DeliveryIndex<'_>)| {
        let edges = case.failed.iter();
        edges.map(|(low, high, failure)| insight(index, &seen, (*low, *high), failure)).collect()
    };
    cases.iter().zip(&index).map(of_case).collect()
}

/// The insight that a failure gives without a trace; `None` if it takes one.
pub fn from_failure_alone(failure: &Failure) -> Option<Insight> {
    let cause = match of_failure(failure)? {
        // A limit of this machine is no cause at the target.
        Cause::Unknown => Cause::None,
        cause => cause,
    };
    Some(Insight::new(&[cause], format!("It ended so: {failure}.")))
}

fn insight(index: &DeliveryIndex<'_>, seen: &SeenWorking, edge: (Seat, Seat), failure: &Failure) -> Insight {
    if let Some(insight) = from_failure_alone(failure) {
        return insight;
    }
    let directions = [edge, (edge.1, edge.0)];
    let timeline = index.timeline;
    let altered = directions.into_iter().find_map(|(own, other)| Some((own, other, timeline.altered(own, other)?)));
    if let Some((own, other, part)) = altered {
        let what = if part == SignalPart::Offer { "offer" } else { "answer" };
        let (own, other) = (timeline.number(own), timeline.number(other));
        let evidence = format!("The {what} that peer {other} heard is not the one that peer {own} said.");
        return Insight::new(&[Cause::SdpRewrite], evidence);
    }
    match failure.phase {
        Phase::Discovery => discovery::insight(index, seen, edge),
        Phase::Negotiation => negotiation::insight(index, seen, edge),
        Phase::Ice => ice(index, directions, failure),
        Phase::Dtls => Insight::new(&[Cause::DtlsFailed], format!("ICE was up; {failure}.")),
        Phase::Channel => Insight::new(&[Cause::ChannelNotOpened], format!("DTLS was up; {failure}.")),
        Phase::Join => join(index, directions, failure),
        Phase::Connect | Phase::Room => no_further(failure),
    }
}

fn join(index: &DeliveryIndex<'_>, directions: [(Seat, Seat); 2], failure: &Failure) -> Insight {
    let Some(request) = directions.into_iter().find_map(|(own, _)| index.request(own)) else {
        return no_further(failure);
    };
    let cause = match request {
        JoinRequest::Unheard { .. } => Cause::Unknown,
        JoinRequest::Unanswered { .. } | JoinRequest::AnswerLost { .. } => Cause::NoAnswer,
    };
    Insight::new(&[cause], request.evidence(index.timeline))
}

fn no_further(failure: &Failure) -> Insight {
    Insight::unknown(format!("It came no further than phase {}.", failure.phase.name()))
}

fn ice(index: &DeliveryIndex<'_>, directions: [(Seat, Seat); 2], failure: &Failure) -> Insight {
    if let Some(changes) = index.timeline.altered_candidates(|own, other| directions.contains(&(own, other))) {
        return Insight::new(&[Cause::AlteredCandidates], changes.in_words());
    }
    let sum = |of: fn(&Timeline, Seat, Seat, SignalPart) -> usize| -> usize {
        directions.iter().map(|(own, other)| of(index.timeline, *own, *other, SignalPart::Candidate)).sum()
    };
    let (said, heard) = (sum(Timeline::count), sum(Timeline::heard_by));
    if said > 0 && heard == 0 {
        let evidence = format!("{said} candidates were said, and none arrived; descriptions did.");
        return Insight::new(&[Cause::CandidateDrop], evidence);
    }
    Insight::new(&[Cause::IceFailed], format!("Descriptions and candidates were exchanged; {failure}."))
}
