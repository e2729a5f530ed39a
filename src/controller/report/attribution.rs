//! Causes of failures and the kept traces, from a run's traced handshakes, written into its `Summary`.

use crate::diagnosis::from_run::{self, CauseShare, FailedRoom};
use crate::diagnosis::{Cause, Insight, Timeline, Words, trace_steps};
use crate::dialect::Dialect;
use crate::metrics::{TraceSample, Traced};
use crate::plan::Plan;
use crate::summary::{CauseRow, Summary, Trace, TraceDiagnosis};
use crate::vocabulary::{Failure, Seat};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// The most steps of one trace; more than a handshake has.
const STEPS_MAX: usize = 400;

/// The rooms of the plan that are traced; no warm-up room, whose failures no report shows.
pub(crate) fn sample(plan: &Plan, traces: usize) -> TraceSample {
    let rooms = plan.rooms.iter().filter(|room| !room.warmup);
    TraceSample::of(rooms.map(|room| (room.index, room.size())), traces)
}

/// Writes the causes of failures, and at most `wanted` traces of edges that failed or were slow, into `summary`.
pub(crate) fn explain(summary: &mut Summary, traced: &[Traced<'_>], dialect: &Dialect, wanted: usize, probe: &str) {
    let words = Words::of(dialect);
    // A trace that was cut proves nothing by the events that it lacks.
    let whole: Vec<&Traced<'_>> = traced.iter().filter(|traced| !traced.is_cut).collect();
    let cases: Vec<FailedRoom> = whole
        .iter()
        .map(|traced| FailedRoom { timeline: timeline(traced, &words, None), failed: traced.failed.to_vec() })
        .collect();
    let insights = from_run::insights(&cases, &words);
    let found = from_run::verdicts(&cases, &insights);
    write_causes(summary, &found);
    summary.diagnosis = diagnosis(&found, probe);
    summary.traces = chosen(&whole, &insights, wanted).into_iter().map(|choice| trace(&choice, &words)).collect();
}

/// The timeline of a traced room, or of two of its peers.
fn timeline(traced: &Traced<'_>, words: &Words, pair: Option<(Seat, Seat)>) -> Timeline {
    let mut timeline = Timeline::new(traced.seats, words.announcements()).numbered_from(traced.first.0);
    let is_of_pair = |seat: Seat| pair.is_none_or(|(low, high)| seat == low || seat == high);
    let events = traced.events.iter();
    let events = events.filter(|event| is_of_pair(event.place.seat) && event.kind.other().is_none_or(is_of_pair));
    events.for_each(|event| timeline.record(event));
    timeline
}

fn write_causes(summary: &mut Summary, found: &BTreeMap<Failure, Vec<CauseShare>>) {
    for row in &mut summary.failures {
        let is_same = |failure: &Failure| {
            (failure.phase.name(), failure.reason.name(), &*failure.detail)
                == (row.phase.as_str(), row.reason.as_str(), row.detail.as_str())
        };
        row.cause = found.iter().find(|(failure, _)| is_same(failure)).and_then(|(_, of)| from_run::in_percent(of));
    }
}

fn diagnosis(found: &BTreeMap<Failure, Vec<CauseShare>>, probe: &str) -> Option<TraceDiagnosis> {
    let all = from_run::overall(found);
    let named = || all.iter().filter(|verdict| verdict.causes != [Cause::None]);
    let row = |verdict: &CauseShare| CauseRow {
        causes: verdict.causes.iter().map(|cause| cause.name().to_owned()).collect(),
        edges: verdict.edges,
        evidence: verdict.evidence.join(" "),
        remedy: remedy(verdict),
    };
    let is_open = named().any(CauseShare::is_open);
    named().next().is_some().then(|| TraceDiagnosis {
        traced: all.iter().map(|verdict| verdict.edges).sum(),
        causes: named().map(row).collect(),
        probe: is_open.then(|| probe.to_owned()),
    })
}

fn remedy(verdict: &CauseShare) -> String {
    match verdict.is_open() {
        true => "A run only watches; meshload probe makes experiments that tell.".to_owned(),
        false => verdict.causes.first().map_or(String::new(), |cause| cause.remedy().to_owned()),
    }
}

/// An edge whose trace is kept, and its end.
struct TracedEdge<'a> {
    traced: &'a Traced<'a>,
    edge: (Seat, Seat),
    end: EdgeEnd<'a>,
}

#[derive(Clone, Copy)]
enum EdgeEnd<'a> {
    Failed(&'a Failure, &'a Insight),
    /// `time_to_open` from due, in µs.
    Opened(u64),
}

/// Chooses the first failed edge of each cause, then the second of each, and so on; then the slowest that opened.
fn chosen<'a>(whole: &[&'a Traced<'a>], insights: &'a [Vec<Insight>], wanted: usize) -> Vec<TracedEdge<'a>> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut failed = vec![];
    for (traced, insights) in whole.iter().zip(insights) {
        for ((low, high, failure), insight) in traced.failed.iter().zip(insights) {
            let nth = seen.entry(from_run::name(&insight.causes)).or_default();
            *nth += 1;
            failed.push((*nth, TracedEdge { traced, edge: (*low, *high), end: EdgeEnd::Failed(failure, insight) }));
        }
    }
    failed.sort_by_key(|(nth, _)| *nth);
    let mut slow: Vec<_> = whole
        .iter()
        .flat_map(|traced| traced.opened.iter().map(|(due_us, low, high)| (*due_us, *traced, (*low, *high))))
        .collect();
    slow.sort_by_key(|(due_us, traced, edge)| (Reverse(*due_us), traced.room, *edge));
    let slow = slow.into_iter().map(|(due_us, traced, edge)| TracedEdge { traced, edge, end: EdgeEnd::Opened(due_us) });
    failed.into_iter().map(|(_, choice)| choice).chain(slow).take(wanted).collect()
}

fn trace(choice: &TracedEdge<'_>, words: &Words) -> Trace {
    let TracedEdge { traced, edge, end } = choice;
    let timeline = timeline(traced, words, Some(*edge));
    let mut steps = trace_steps(&timeline, words.names());
    steps.truncate(STEPS_MAX);
    let mut trace = Trace {
        room: traced.label.to_owned(),
        peers: [timeline.number(edge.0), timeline.number(edge.1)],
        steps,
        ..Trace::default()
    };
    match end {
        EdgeEnd::Opened(due_us) => trace.due_us = Some(*due_us),
        EdgeEnd::Failed(failure, insight) => {
            trace.failure = Some(failure.to_string());
            trace.cause = Some(from_run::name(&insight.causes));
            trace.evidence = Some(insight.evidence.join(" "));
        }
    }
    trace
}
