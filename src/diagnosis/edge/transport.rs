//! Failures between the peers: altered descriptions, lost or altered candidates, and no way from one to the other.

use super::super::cause::{Cause, Confidence, Insight};
use super::super::timeline::Timeline;
use super::super::words::Words;
use super::this_machine;
use crate::vocabulary::{Failure, Seat, SignalPart};

/// A description arrived otherwise than it was said, on one of these ways.
pub(in crate::diagnosis) fn altered_description(
    timeline: &Timeline,
    directions: impl IntoIterator<Item = (Seat, Seat)>,
) -> Option<Insight> {
    let altered = |(own, other)| Some((own, other, timeline.altered(own, other)?));
    let (own, other, part) = directions.into_iter().find_map(altered)?;
    let what = if part == SignalPart::Offer { "offer" } else { "answer" };
    let (own, other) = (timeline.number(own), timeline.number(other));
    let evidence = format!("The {what} that peer {other} heard is not the one that peer {own} said.");
    Some(Insight::high(Cause::SdpRewrite, evidence))
}

/// A description arrived that its sender never said, beside the one that it said: somebody else has spoken.
pub(super) fn foreign_description(timeline: &Timeline, directions: [(Seat, Seat); 2]) -> Option<Insight> {
    let (own, other) = directions.into_iter().find(|(own, other)| timeline.has_foreign(*own, *other))?;
    let (own, other) = (timeline.number(own), timeline.number(other));
    let evidence = format!(
        "Peer {other} heard a description of peer {own} that peer {own} never said, beside the one that it said: another \
         client goes by its id, or the server makes words up."
    );
    Some(Insight::unknown(evidence))
}

/// Candidates arrived otherwise than they were said, on one of these ways.
pub(in crate::diagnosis) fn altered_candidates(
    timeline: &Timeline,
    is_meant: impl Fn(Seat, Seat) -> bool,
) -> Option<Insight> {
    let changes = timeline.altered_candidates(is_meant)?;
    let mut insight = Insight::high(Cause::AlteredCandidates, changes.in_words());
    if timeline.opened() == timeline.planned() {
        insight = insight.and("The channels opened all the same: these peers forgive it.");
    }
    if changes.are_only_missing() {
        insight = insight.and("A dialect whose rule for candidates does not read these fields looks the same.");
        insight.confidence = Confidence::Low;
    }
    Some(insight)
}

/// Candidates were said and none arrived, although descriptions did.
pub(in crate::diagnosis) fn lost_candidates(
    timeline: &Timeline,
    words: &Words,
    directions: impl IntoIterator<Item = (Seat, Seat)>,
) -> Option<Insight> {
    let heard = |own, other, part| timeline.heard_by(own, other, part);
    let described = |own, other| heard(own, other, SignalPart::Offer) + heard(own, other, SignalPart::Answer) > 0;
    let directions: Vec<(Seat, Seat)> = directions.into_iter().collect();
    let counts = directions
        .iter()
        .copied()
        .filter(|(own, other)| described(*own, *other))
        .map(|(own, other)| {
            (timeline.count(own, other, SignalPart::Candidate), heard(own, other, SignalPart::Candidate))
        })
        .fold((0, 0), |sum, counts| (sum.0 + counts.0, sum.1 + counts.1));
    let (said, heard) = counts;
    let evidence = format!("{said} candidates were said, and none arrived; descriptions did.");
    let is_candidate = |kind| words.name(kind) == words.signal(SignalPart::Candidate);
    let is_told = directions.iter().any(|(own, other)| timeline.hears_after(*own, *other, is_candidate));
    (said > 0 && heard == 0).then(|| match is_told {
        true => Insight::high(Cause::CandidateDrop, evidence).and("What was said after them arrived."),
        false => Insight::likely(&[Cause::CandidateDrop], evidence)
            .and("Nothing was said after them that arrived: a limit on what a client may say looks the same."),
    })
}

pub(super) fn ice(timeline: &Timeline, words: &Words, directions: [(Seat, Seat); 2], failure: &Failure) -> Insight {
    altered_candidates(timeline, |own, other| directions.contains(&(own, other)))
        .or_else(|| lost_candidates(timeline, words, directions))
        .unwrap_or_else(|| {
            let exchanged = "Descriptions and candidates were exchanged";
            between_peers(timeline, directions[0], Cause::IceFailed, (exchanged, failure))
        })
}

/// A step between the peers that failed after `before`, which worked; unknown if this machine was too late for
/// it to tell.
pub(super) fn between_peers(
    timeline: &Timeline,
    edge: (Seat, Seat),
    cause: Cause,
    (before, failure): (&str, &Failure),
) -> Insight {
    let evidence = format!("{before}; {failure}.");
    match this_machine::judge(timeline, edge, failure) {
        Some(insight) => insight.and(evidence),
        None => Insight::high(cause, evidence),
    }
}
