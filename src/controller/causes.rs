//! After a run: what the traced handshakes tell, written into its Summary.

use super::context::RunContext;
use crate::diagnosis::hindsight::{self, Case, Insight, Verdict, Words};
use crate::diagnosis::{Cause, Story, told};
use crate::metrics::{Recorder, TraceSample, Traced};
use crate::plan::Plan;
use crate::summary::Summary;
use crate::summary::trace::{CauseRow, Diagnosis, Trace};
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::Seat;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// More steps than any handshake has; a trace is to be read.
const STEPS_MAX: usize = 400;

/// The rooms of the plan that are traced: warm-up is not, since it is in no report's failures.
pub(super) fn sample(plan: &Plan, traces: usize) -> TraceSample {
    let rooms = plan.rooms.iter().filter(|room| !room.warmup);
    TraceSample::of(rooms.map(|room| (room.index, room.size())), traces)
}

/// Fills in why edges failed, and keeps the traces of at most `wanted` that failed or were slow.
pub(super) fn explain(summary: &mut Summary, books: &Recorder, common: &RunContext, wanted: usize, probe: &str) {
    let kinds = common.dialect.kinds();
    let words = Words::of(&kinds);
    let traced = books.traced();
    // Where facts are missing, silence proves nothing.
    let whole: Vec<&Traced<'_>> = traced.iter().filter(|traced| !traced.is_cut).collect();
    let cases: Vec<Case> = whole
        .iter()
        .map(|traced| Case { story: story(traced, &words, None), failed: traced.failed.to_vec() })
        .collect();
    let insights = hindsight::hindsight(&cases, &words);
    let found = hindsight::verdicts(&cases, &insights);
    name_causes(summary, &found);
    summary.diagnosis = diagnosis(&found, probe);
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    summary.traces =
        chosen(&whole, &insights, wanted).into_iter().map(|choice| trace(&choice, &words, &kinds)).collect();
}

/// The facts of a traced room, or of two of its peers.
fn story(traced: &Traced<'_>, words: &Words, pair: Option<(Seat, Seat)>) -> Story {
    let mut story = Story::new(traced.seats, words.all()).numbered_from(traced.first.0);
    let is_of_pair = |seat: Seat| pair.is_none_or(|(low, high)| seat == low || seat == high);
    let facts = traced.facts.iter();
    let facts = facts.filter(|fact| is_of_pair(fact.place.seat) && fact.what.other().is_none_or(is_of_pair));
    facts.for_each(|fact| story.tell(fact));
    story
}

fn name_causes(summary: &mut Summary, found: &BTreeMap<Failure, Vec<Verdict>>) {
    for row in &mut summary.failures {
        let is_it = |failure: &Failure| {
            (failure.phase.name(), failure.reason.name(), &*failure.detail)
                == (row.phase.as_str(), row.reason.as_str(), row.detail.as_str())
        };
        row.cause = found.iter().find(|(failure, _)| is_it(failure)).and_then(|(_, of)| hindsight::in_percent(of));
    }
}

fn diagnosis(found: &BTreeMap<Failure, Vec<Verdict>>, probe: &str) -> Option<Diagnosis> {
    let all = hindsight::overall(found);
    let named = || all.iter().filter(|verdict| verdict.causes != [Cause::None]);
    let row = |verdict: &Verdict| CauseRow {
        causes: verdict.causes.iter().map(|cause| cause.name().to_owned()).collect(),
        edges: verdict.edges,
        evidence: verdict.evidence.clone(),
        remedy: remedy(verdict),
    };
    let is_open = named().any(Verdict::is_open);
    named().next().is_some().then(|| Diagnosis {
        traced: all.iter().map(|verdict| verdict.edges).sum(),
        causes: named().map(row).collect(),
        probe: is_open.then(|| probe.to_owned()),
    })
}

fn remedy(verdict: &Verdict) -> String {
    match verdict.is_open() {
        true => "A run only watches; meshload probe makes experiments that tell.".to_owned(),
        false => verdict.causes.first().map_or(String::new(), |cause| cause.remedy().to_owned()),
    }
}

/// An edge whose trace is kept.
struct Choice<'a> {
    traced: &'a Traced<'a>,
    edge: (Seat, Seat),
    end: End<'a>,
}

#[derive(Clone, Copy)]
enum End<'a> {
    Failed(&'a Failure, &'a Insight),
    Opened(u64),
}

/// Of the failed ones the first of each cause, then the second of each …; then the slowest.
fn chosen<'a>(whole: &[&'a Traced<'a>], insights: &'a [Vec<Insight>], wanted: usize) -> Vec<Choice<'a>> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut failed = vec![];
    for (traced, insights) in whole.iter().zip(insights) {
        for ((low, high, failure), insight) in traced.failed.iter().zip(insights) {
            let nth = seen.entry(hindsight::name(&insight.causes)).or_default();
            *nth += 1;
            failed.push((*nth, Choice { traced, edge: (*low, *high), end: End::Failed(failure, insight) }));
        }
    }
    failed.sort_by_key(|(nth, _)| *nth);
    let mut slow: Vec<_> = whole
        .iter()
        .flat_map(|traced| traced.opened.iter().map(|(due_us, low, high)| (*due_us, *traced, (*low, *high))))
        .collect();
    slow.sort_by_key(|(due_us, traced, edge)| (Reverse(*due_us), traced.room, *edge));
    let slow = slow.into_iter().map(|(due_us, traced, edge)| Choice { traced, edge, end: End::Opened(due_us) });
    failed.into_iter().map(|(_, choice)| choice).chain(slow).take(wanted).collect()
}

fn trace(choice: &Choice<'_>, words: &Words, kinds: &[String]) -> Trace {
    let Choice { traced, edge, end } = choice;
    let story = story(traced, words, Some(*edge));
    let mut steps = told(&story, kinds);
    steps.truncate(STEPS_MAX);
    let mut trace = Trace {
        room: traced.label.to_owned(),
        peers: [story.number(edge.0), story.number(edge.1)],
        steps,
        ..Trace::default()
    };
    match end {
        End::Opened(due_us) => trace.due_us = Some(*due_us),
        End::Failed(failure, insight) => {
            trace.failure = Some(failure.to_string());
            trace.cause = Some(hindsight::name(&insight.causes));
            trace.evidence = Some(insight.evidence.clone());
        }
    }
    trace
}
