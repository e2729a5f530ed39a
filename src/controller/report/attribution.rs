//! Causes of failures and the kept traces, from a run's traced handshakes, written into its `Summary`.

use crate::diagnosis::findings::Explanation;
use crate::diagnosis::from_run::{self, CauseShare, FailedRoom};
use crate::diagnosis::{Cause, Insight, Timeline, Words, trace_steps};
use crate::metrics::{KeptTrace, TraceSample};
use crate::plan::Plan;
use crate::summary::{CauseRow, FailureRow, Summary, Trace, TraceDiagnosis};
use crate::vocabulary::{Failure, Reason, Seat};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::time::Instant;

/// The most steps of one trace; more than a handshake has.
const STEPS_MAX: usize = 400;

/// The rooms of the plan that are traced; no warm-up room, whose failures no report shows.
pub(crate) fn sample(plan: &Plan, traces: usize) -> TraceSample {
    let rooms = plan.rooms.iter().filter(|room| !room.warmup);
    TraceSample::of(rooms.map(|room| (room.index, room.size())), traces)
}

/// Reads kept traces in the words of a dialect.
pub(crate) struct Attribution<'a> {
    pub words: &'a Words,
    /// The start of the run; it only dates the events of traces.
    pub start: Instant,
    /// Failures that are left out.
    pub explanation: Option<Explanation>,
}

impl Attribution<'_> {
    /// Writes the causes of failures, and at most `wanted` traces of edges that failed or were slow, into `summary`.
    pub(crate) fn explain(&self, summary: &mut Summary, traces: &[KeptTrace], wanted: usize, probe: &str) {
        // A trace that was cut proves nothing by the events that it lacks.
        let whole: Vec<&KeptTrace> = traces.iter().filter(|traced| !traced.is_cut).collect();
        let cases: Vec<FailedRoom> = whole
            .iter()
            .map(|traced| FailedRoom { timeline: self.timeline(traced, None), failed: self.unexplained(traced) })
            .collect();
        let insights = from_run::insights(&cases, self.words, summary.counts.signaling.received > 0);
        let found = from_run::verdicts(&cases, &insights);
        self.write_causes(summary, &found);
        summary.diagnosis = diagnosis(&found, probe);
        summary.traces =
            chosen(&whole, &cases, &insights, wanted).into_iter().map(|choice| self.trace(&choice)).collect();
    }

    /// The failed edges of a traced room that no finding explains.
    fn unexplained(&self, traced: &KeptTrace) -> Vec<(Seat, Seat, Failure)> {
        let is_explained = |failure: &Failure| self.explaining(failure.phase.name(), failure.reason.name()).is_some();
        traced.failed.iter().filter(|(_, _, failure)| !is_explained(failure)).cloned().collect()
    }

    /// The finding that explains a failure.
    fn explaining(&self, phase: &str, reason: &str) -> Option<&'static str> {
        self.explanation.filter(|explanation| explanation.covers(phase, reason)).map(|explanation| explanation.finding)
    }

    fn write_causes(&self, summary: &mut Summary, found: &BTreeMap<Failure, Vec<CauseShare>>) {
        let is_same = |row: &FailureRow, failure: &Failure| {
            (failure.phase.name(), failure.reason.name(), &*failure.detail)
                == (row.phase.as_str(), row.reason.as_str(), row.detail.as_str())
        };
        for row in &mut summary.failures {
            let by_handshakes =
                || found.iter().find(|(failure, _)| is_same(row, failure)).and_then(|(_, of)| from_run::in_percent(of));
            row.cause = self.explaining(&row.phase, &row.reason).map(str::to_owned).or_else(by_handshakes);
        }
    }

    /// The timeline of a traced room, or of two of its peers.
    fn timeline(&self, traced: &KeptTrace, pair: Option<(Seat, Seat)>) -> Timeline {
        let mut timeline = Timeline::new(traced.seats, self.words.announcements()).numbered_from(traced.first.0);
        let is_of_pair = |seat: Seat| pair.is_none_or(|(low, high)| seat == low || seat == high);
        let events = traced.events(self.start);
        let events = events.filter(|event| is_of_pair(event.place.seat) && event.kind.other().is_none_or(is_of_pair));
        events.for_each(|event| timeline.record(&event));
        timeline
    }

    fn trace(&self, choice: &TracedEdge<'_>) -> Trace {
        let TracedEdge { traced, edge, end } = choice;
        let timeline = self.timeline(traced, Some(*edge));
        let mut steps = trace_steps(&timeline, self.words.names());
        steps.truncate(STEPS_MAX);
        let mut trace = Trace {
            room: traced.label.clone(),
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
    // A target that is there and takes no connection may be another server, or have another path: a probe looks.
    let is_closed_door = |(failure, verdicts): (&Failure, &Vec<CauseShare>)| {
        let is_there = !matches!(failure.reason, Reason::Refused | Reason::Dns);
        is_there && verdicts.iter().any(|verdict| verdict.causes == [Cause::Unreachable])
    };
    let is_open = named().any(CauseShare::is_open) || found.iter().any(is_closed_door);
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
    traced: &'a KeptTrace,
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
fn chosen<'a>(
    whole: &[&'a KeptTrace],
    cases: &'a [FailedRoom],
    insights: &'a [Vec<Insight>],
    wanted: usize,
) -> Vec<TracedEdge<'a>> {
    let mut seen = BTreeMap::<String, usize>::new();
    let mut failed = vec![];
    for ((traced, case), insights) in whole.iter().zip(cases).zip(insights) {
        for ((low, high, failure), insight) in case.failed.iter().zip(insights) {
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
