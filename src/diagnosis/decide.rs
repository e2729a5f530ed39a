//! The conclusion of a probe: its worst edge and its experiments, judged as the failed edges of a run are.

use super::Conclusion;
use super::cause::{Cause, Insight};
use super::edge::EdgeEvidence;
use super::edge::delivery_index::{DeliveryIndex, SeenWorking};
use super::edge::transport;
use super::experiments::observations::Observations;
use super::experiments::{self, repeated_words};
use super::timeline::{Loss, Timeline};
use crate::vocabulary::{Failure, Seat};

/// The conclusion of the first row that holds (docs/spec/protocol.md, "The causes"); `Cause::None` if every edge opened and
/// no row does.
pub fn diagnose(observations: &Observations) -> Conclusion {
    let failed_at = observations.timelines.iter().position(|timeline| timeline.opened() < timeline.planned());
    let failed = failed_at.map(|at| &observations.timelines[at]);
    let worst = failed.and_then(Timeline::worst_edge);
    let mut insight = match failed_at {
        Some(at) => of_failed(observations, at, worst.as_ref()),
        None => of_opened(observations),
    };
    if let (Some(two), Some(timeline)) = (observations.timelines.first(), failed)
        && timeline.size() > two.size()
    {
        insight = insight.and(format!("A room of {} works; in one of {} it fails.", two.size(), timeline.size()));
    }
    let cause = insight.cause();
    Conclusion {
        cause,
        phase: worst.map(|(_, _, failure)| failure.phase),
        confidence: insight.confidence,
        evidence: insight.evidence,
        remedy: cause.remedy().to_owned(),
    }
}

/// The conclusion about the room at `failed_at`.
fn of_failed(observations: &Observations, failed_at: usize, worst: Option<&(Seat, Seat, Failure)>) -> Insight {
    let Some((one, two, failure)) = worst else {
        return Insight::unknown("A channel did not open within the time of the probe.");
    };
    let words = &observations.words;
    let rooms = observations.timelines.iter().chain(&observations.repeat);
    let indices: Vec<DeliveryIndex<'_>> = rooms.map(|timeline| DeliveryIndex::of(timeline, words)).collect();
    let seen = SeenWorking::of(&indices, observations.trials.as_ref());
    let evidence = EdgeEvidence {
        index: &indices[failed_at],
        seen: &seen,
        trials: observations.trials.as_ref(),
        repeat: observations.repeat.as_ref(),
        confirmed: observations.confirmed.as_ref(),
        observed: observations.observed.as_ref(),
        elsewhere: observations.elsewhere.as_deref(),
    };
    let insight = evidence.judge((*one, *two), failure);
    let number = |seat: &Seat| evidence.index.timeline.number(*seat);
    if insight.cause() != Cause::Unknown {
        return insight;
    }
    let insight = match insight.causes[..] {
        [_] => insight,
        _ => {
            let fitting = insight.causes.iter().map(|cause| cause.name()).collect::<Vec<_>>().join(" and ");
            insight.and(format!("What was seen fits {fitting} alike."))
        }
    };
    let came_out_well = |trials| experiments::judge(trials).is_none();
    let missing = match (&observations.trials, &observations.repeat) {
        (Some(trials), _) => came_out_well(trials).then(|| {
            "Every experiment between the probe's own connections came out well: it may fail only sometimes; --times \
             tells how often."
                .to_owned()
        }),
        (None, Some(timeline)) => Some(repeated_words::without_result(timeline, words)),
        (None, None) => Some("Missing: experiments; none could be made.".to_owned()),
    };
    let mut insight = insight.and(format!(
        "The channel between peer {} and peer {} did not open: {failure}.",
        number(one),
        number(two)
    ));
    insight.evidence.extend(missing);
    insight
}

/// Defects that are seen although every channel opened.
fn of_opened(observations: &Observations) -> Insight {
    let timelines = || observations.timelines.iter();
    let sum = |of: fn(&Timeline) -> u32| timelines().map(of).sum::<u32>();
    observations
        .trials
        .as_ref()
        .and_then(experiments::judge)
        .or_else(|| timelines().find_map(|timeline| transport::altered_description(timeline, timeline.directions())))
        .or_else(|| timelines().find_map(|timeline| transport::altered_candidates(timeline, |_, _| true)))
        .or_else(|| {
            timelines()
                .find_map(|timeline| transport::lost_candidates(timeline, &observations.words, timeline.directions()))
        })
        .or_else(|| observations.roster.as_ref().and_then(experiments::roster))
        .or_else(|| observations.fanout.as_ref().and_then(experiments::fanout))
        .unwrap_or_else(|| {
            let (opened, planned) = (sum(Timeline::opened), sum(Timeline::planned));
            let lost = timelines().find_map(|timeline| Some((timeline, timeline.losses().first().copied()?)));
            if let Some((timeline, Loss { kind, from, to, .. })) = lost {
                let (from, to, name) = (timeline.number(from), timeline.number(to), observations.words.name(kind));
                let lost = format!("`{name}` of peer {from} had not reached peer {to}, which was there before.");
                return Insight::likely(&[Cause::None], format!("{opened} of {planned} channels opened.")).and(lost);
            }
            Insight::high(Cause::None, format!("{opened} of {planned} channels opened, and all that was said arrived."))
        })
}
