//! What the failed handshakes of a run tell by themselves: no experiments, so all causes are named that fit.

mod discovery;
mod ears;
mod insight;
mod negotiation;
mod shares;
#[cfg(test)]
mod tests;

pub use ears::Words;
pub use insight::Insight;
pub use shares::{Verdict, in_percent, name, overall, verdicts};

use super::cause::Cause;
use super::request::Request;
use super::story::Story;
use crate::vocabulary::event::Part;
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Seat;
use crate::vocabulary::phase::Phase;
use ears::{Ears, Pool};

/// A room in which edges failed.
#[derive(Clone, Debug)]
pub struct Case {
    pub story: Story,
    /// Lower seat first, with the failure as it is counted.
    pub failed: Vec<(Seat, Seat, Failure)>,
}

/// An insight for each failed edge of each case, in their order. A handshake is judged by what its own two peers
/// saw, and against what the other cases show to work.
pub fn hindsight(cases: &[Case], words: &Words) -> Vec<Vec<Insight>> {
    let ears: Vec<Ears<'_>> = cases.iter().map(|case| Ears::of(&case.story, words)).collect();
    let pool = Pool::of(&ears);
    let of_case = |(case, ears): (&Case, &Ears<'_>)| {
        let edges = case.failed.iter();
        edges.map(|(low, high, failure)| insight(ears, &pool, (*low, *high), failure)).collect()
    };
    cases.iter().zip(&ears).map(of_case).collect()
}

/// What a failure says without any trace; nothing if it takes one.
pub fn at_first_sight(failure: &Failure) -> Option<Insight> {
    let cause = match (failure.phase, failure.reason) {
        // The machine's own limit is no cause to be looked for at the target.
        (_, Reason::GeneratorLimit) => Cause::None,
        (_, Reason::Rejected) if failure.detail.contains("DUPLICATE") => Cause::NameTaken,
        (_, Reason::Rejected) => Cause::Rejected,
        (Phase::Connect, _) => Cause::Unreachable,
        (_, Reason::Closed | Reason::Protocol | Reason::Tls | Reason::Dns | Reason::Refused) => Cause::Unknown,
        _ => return None,
    };
    Some(Insight::new(&[cause], format!("It ended so: {failure}.")))
}

fn insight(ears: &Ears<'_>, pool: &Pool, edge: (Seat, Seat), failure: &Failure) -> Insight {
    if let Some(insight) = at_first_sight(failure) {
        return insight;
    }
    let directions = [edge, (edge.1, edge.0)];
    let story = ears.story;
    let altered = directions.into_iter().find_map(|(own, other)| Some((own, other, story.altered(own, other)?)));
    if let Some((own, other, part)) = altered {
        let what = if part == Part::Offer { "offer" } else { "answer" };
        let (own, other) = (story.number(own), story.number(other));
        let evidence = format!("The {what} that peer {other} heard is not the one that peer {own} said.");
        return Insight::new(&[Cause::SdpRewrite], evidence);
    }
    match failure.phase {
        Phase::Discovery => discovery::insight(ears, pool, edge),
        Phase::Negotiation => negotiation::insight(ears, pool, edge),
        Phase::Ice => ice(ears, directions, failure),
        Phase::Dtls => Insight::new(&[Cause::DtlsFailed], format!("ICE was up; {failure}.")),
        Phase::Channel => Insight::new(&[Cause::ChannelNotOpened], format!("DTLS was up; {failure}.")),
        Phase::Join => join(ears, directions, failure),
        Phase::Connect | Phase::Room => no_further(failure),
    }
}

fn join(ears: &Ears<'_>, directions: [(Seat, Seat); 2], failure: &Failure) -> Insight {
    let Some(request) = directions.into_iter().find_map(|(own, _)| ears.request(own)) else {
        return no_further(failure);
    };
    let cause = match request {
        Request::Unheard { .. } => Cause::Unknown,
        Request::Unanswered { .. } | Request::AnswerLost { .. } => Cause::NoAnswer,
    };
    Insight::new(&[cause], request.evidence(ears.story))
}

fn no_further(failure: &Failure) -> Insight {
    Insight::unknown(format!("It came no further than phase {}.", failure.phase.name()))
}

fn ice(ears: &Ears<'_>, directions: [(Seat, Seat); 2], failure: &Failure) -> Insight {
    let sum = |of: fn(&Story, Seat, Seat, Part) -> usize| -> usize {
        directions.iter().map(|(own, other)| of(ears.story, *own, *other, Part::Candidate)).sum()
    };
    let (said, heard) = (sum(Story::count), sum(Story::heard_by));
    if said > 0 && heard == 0 {
        let evidence = format!("{said} candidates were said in webrtc-ice, and none arrived; descriptions did.");
        return Insight::new(&[Cause::CandidateDrop], evidence);
    }
    Insight::new(&[Cause::IceFailed], format!("Descriptions and candidates were exchanged; {failure}."))
}
