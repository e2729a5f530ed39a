//! The head of a run's report: outcome, validity, headline figures and gates.

use super::failures;
use super::figures::SPREAD;
use crate::gates::{ended_without_server, opened_no_edge};
use crate::report::document::{Block, Card, Figure, StyledText, Table, TestCase, Tone};
use crate::summary::{Doubt, FailureRow, GateResult, Outcome, RunFinding, Summary, TargetProcess, Unit, Verdict};
use crate::vocabulary::format::{count, number, percent, plural};

const POINTS_MAX: usize = 5;
const DOUBTS_MAX: usize = 20;
/// Findings in the verdict card; the section "Findings" has all.
const FINDINGS_SHOWN: usize = 3;
/// The title of the section of findings.
pub(super) const FINDINGS: &str = "Findings";
/// The amplification from which the target delivers noticeably more than it needs to.
const WASTEFUL_FROM: f64 = 1.5;
const PRESENCE: &str = "presence alone: the dialect has no word of an offer, so no edge was meant";
const NO_EDGE: &str = "no edge opened, so nothing was measured that a pass could rest on";

/// The outcome and the validity.
pub(super) fn cards(summary: &Summary) -> Vec<Card> {
    let (tone, says) = outcome(summary);
    // Gates that had nothing to read would only hide why.
    let gates = if summary.measured_nothing() { &[][..] } else { &summary.gates };
    let stopped = summary.run.stopped_by.iter().map(|by| StyledText::from(format!("stopped by {by}")));
    let outcome = Card {
        tone,
        label: "",
        verdict: capitalised(summary.result.name()),
        says,
        points: reasons(summary).into_iter().chain(broken(gates)).chain(stopped).collect(),
    };
    vec![outcome, validity(summary)]
}

/// The gates that failed, each with what it read.
pub(in crate::report) fn broken(gates: &[GateResult]) -> impl Iterator<Item = StyledText> {
    gates.iter().filter(|gate| !gate.ok).take(POINTS_MAX).map(|gate| StyledText::from(in_words(gate)))
}

/// The most frequent failure of a run in which no peer ever connected.
fn unreached(summary: &Summary) -> Option<&FailureRow> {
    summary.failures.first().filter(|_| summary.result == Outcome::Unreachable)
}

/// `UNREACHABLE smoke: refused (ECONNREFUSED)`: the reason in the title itself, where there is nothing else to read.
pub(super) fn headline(summary: &Summary, headline: &str) -> String {
    let why = unreached(summary).map(|row| format!(": {}", row.reason_in_words()));
    format!("{headline}{}", why.unwrap_or_default())
}

/// The verdict's reasons: why no peer connected, a server that peers had lost at the end, the commonest cause, the worst findings.
fn reasons(summary: &Summary) -> Vec<StyledText> {
    let peers = &summary.counts.peers;
    let lost = (peers.lost > 0)
        .then(|| format!("at the end {} of {} had no server", count(peers.lost), plural(peers.stayed, "peer")));
    let findings =
        summary.findings.iter().take(FINDINGS_SHOWN).map(|finding| format!("finding: {}", finding.in_words()));
    let more = summary.findings.len().saturating_sub(FINDINGS_SHOWN) as u64;
    let more = (more > 0).then(|| format!("and {} more", plural(more, "finding")));
    let cause = failures::first_cause(summary).into_iter().flatten();
    let findings = findings.chain(more).map(|finding| StyledText::to(FINDINGS, finding));
    let unreached = unreached(summary).map(|row| {
        format!(
            "{} failed in phase {}: {}",
            plural(row.peers.max(row.count), "attempt"),
            row.phase,
            row.reason_in_words()
        )
    });
    unreached.into_iter().chain(lost).map(StyledText::from).chain(cause).chain(findings).collect()
}

/// All findings, each with its evidence.
pub fn findings(findings: &[RunFinding]) -> Block {
    let facts = findings.iter().flat_map(|finding| {
        let evidence = finding.evidence.iter().map(|evidence| ("evidence", evidence.clone()));
        std::iter::once(("finding", finding.in_words())).chain(evidence)
    });
    Block::Details("All findings, with their evidence".into(), vec![Block::facts(facts)])
}

/// `2 of 6 gates failed`
pub(in crate::report) fn held(gates: &[GateResult]) -> String {
    let all = plural(gates.len() as u64, "gate");
    let count = |is: fn(&GateResult) -> bool| gates.iter().filter(|gate| is(gate)).count();
    let (open, few) = (count(|gate| !gate.is_decided()), count(|gate| !gate.is_decided() && gate.lacks_samples()));
    match count(|gate| !gate.ok) - few {
        _ if gates.is_empty() => "no gates were set".to_owned(),
        0 if few > 0 => format!("{few} of {all} not judged, for want of samples"),
        0 if open > 0 => format!("{open} of {all} left open by this machine"),
        0 => format!("{all} held"),
        failed => format!("{failed} of {all} failed"),
    }
}

fn outcome(summary: &Summary) -> (Tone, String) {
    let (gates, all_held) = (held(&summary.gates), summary.gates.iter().all(|gate| gate.ok));
    match summary.result {
        Outcome::Passed => {
            let tone = if summary.validity.verdict == Verdict::Invalid { Tone::Doubtful } else { Tone::Good };
            let found = summary.findings_counted(None);
            (tone, if found == 0 { gates } else { format!("{gates}, with {}", plural(found, "finding")) })
        }
        Outcome::Failed if all_held && opened_no_edge(summary) => (Tone::Bad, NO_EDGE.to_owned()),
        Outcome::Failed if all_held && summary.run.stopped_by.is_none() => {
            (Tone::Bad, "peers had no server at the end".to_owned())
        }
        Outcome::Failed if all_held => (Tone::Bad, "the run was stopped".to_owned()),
        Outcome::Failed => (Tone::Bad, gates),
        Outcome::Invalid => (Tone::Bad, "the figures are not the target's, so no gate is judged".to_owned()),
        Outcome::Incomplete => (Tone::Doubtful, format!("part of the run's data is missing; {gates}")),
        Outcome::Interrupted => (Tone::Doubtful, format!("until then, {gates}")),
        Outcome::Unreachable => (Tone::Bad, "no peer ever connected to the target".to_owned()),
        Outcome::Error => (Tone::Bad, "meshload could not do its work".to_owned()),
    }
}

fn validity(summary: &Summary) -> Card {
    let (tone, says) = match summary.validity.verdict {
        _ if summary.measured_nothing() => (Tone::Doubtful, "no peer ever connected, so there is no figure to trust"),
        Verdict::Valid if !summary.validity.hints.is_empty() => {
            (Tone::Good, "the answers are the target's all the same: this machine was strained, and none depends on it")
        }
        Verdict::Valid => (Tone::Good, "these answers are the target's, not the generator's"),
        Verdict::Suspect => (Tone::Doubtful, "the answers stand, and the generator has coloured some figures"),
        Verdict::Invalid => (Tone::Bad, "the generator, not the target, was the limit"),
    };
    let noticed = if summary.measured_nothing() { &[][..] } else { &summary.validity.hints };
    let hints = noticed.iter().take(DOUBTS_MAX);
    let hints = hints.map(|hint| format!("noticed: {} {} (usual up to {})", hint.what, hint.observed, hint.limit));
    let target = summary.target_process.iter().flat_map(TargetProcess::in_words);
    let blind = summary.health.arrival_clocks.blind_in_words();
    let points = doubts(summary)
        .into_iter()
        .chain(grounds(summary))
        .chain(hints)
        .chain(blind)
        .chain(target)
        .map(StyledText::from)
        .collect();
    Card { tone, label: "validity", verdict: summary.validity_in_words().to_owned(), says: says.to_owned(), points }
}

/// The reason for which the answers of a strained machine stand.
fn grounds(summary: &Summary) -> Option<String> {
    let is_invalid = summary.validity.verdict == Verdict::Invalid;
    let is_strained = !summary.validity.hints.is_empty() && !is_invalid && !summary.measured_nothing();
    let gates = "each gate has the same answer without this generator's share";
    let gates = (!summary.gates.is_empty()).then(|| gates.to_owned());
    let grounds: Vec<String> = gates.into_iter().chain(summary.offered.in_words()).collect();
    (is_strained && !grounds.is_empty()).then(|| format!("why they stand: {}", grounds.join("; ")))
}

fn doubts(summary: &Summary) -> Vec<String> {
    summary.validity.reasons.iter().take(DOUBTS_MAX).map(Doubt::in_words).collect()
}

/// The headline figures: time to open, and the outcomes of edges and rooms.
pub(super) fn figures(summary: &Summary) -> Vec<Figure> {
    let (edges, rooms) = (&summary.counts.edges, &summary.counts.rooms);
    let planned = edges.planned.saturating_add(edges.rejoins);
    let figure = |name, value: String, note: String| Figure { name, values: vec![("", value)], note };
    let opened = format!("{} of {}", count(edges.opened), plural(planned, "edge"));
    let opened_note = match planned {
        _ if opened_no_edge(summary) => format!("{opened}; {NO_EDGE}"),
        0 => PRESENCE.to_owned(),
        _ => opened,
    };
    let share = if planned == 0 { "–".to_owned() } else { percent(edges.opened as f64 / planned as f64) };
    let mut figures = vec![];
    if let Some(timer) = summary.timers.get("time_to_open") {
        let timed_out = match edges.timed_out {
            0 => "timeouts included".to_owned(),
            timed_out => format!("in it {} that timed out, at the timeout's value", plural(timed_out, "edge")),
        };
        let values: Vec<_> = SPREAD.map(|(name, figure)| (name, figure(&timer.due))).into();
        let few =
            if values.iter().any(|(_, shown)| shown.starts_with('[')) { "; in brackets: too few samples" } else { "" };
        let note = format!("{} from due until open on both sides; {timed_out}{few}", plural(timer.due.count, "edge"));
        figures.push(Figure { name: "time_to_open", values, note });
    }
    let others = [(edges.one_sided, "one-sided"), (edges.dropped, "not started (generator late)")];
    let others = others.into_iter().filter(|(number, _)| *number > 0);
    let others = others.map(|(number, what)| format!("{} {what}", count(number))).collect::<Vec<_>>().join(", ");
    figures.extend([
        figure("edges open", share, opened_note),
        figure("edges failed", count(edges.failed), others),
        figure(
            "rooms complete",
            format!("{} of {}", count(rooms.complete), count(rooms.planned)),
            "every edge of the room open".to_owned(),
        ),
    ]);
    if let Some(times) = summary.amplification {
        figures.push(figure("amplification", format!("{}×", number(times)), amplification(times)));
    }
    figures
}

/// A verdict on the amplification.
fn amplification(times: f64) -> String {
    if times < 1.05 {
        return "ideal: nearly every frame that a peer read concerned it".to_owned();
    }
    let verdict = if times < WASTEFUL_FROM { "good" } else { "wasteful" };
    format!("{verdict}: {} of the frames read did not concern their reader", idle_share(times))
}

/// The share of the frames read that did not concern their reader; `times` is the amplification, above 1.
fn idle_share(times: f64) -> String {
    percent(1.0 - 1.0 / times)
}

/// Advice on a wasteful amplification.
pub(super) fn amplification_advice(summary: &Summary) -> Option<String> {
    summary.amplification.filter(|times| *times >= WASTEFUL_FROM).map(|times| {
        let less = idle_share(times);
        format!(
            "What to do: deliver an offer, an answer or a candidate to the peer that it names, and everything else to \
             the room alone; that saves the server {less} of the frames that it delivers"
        )
    })
}

/// A row for each gate, with its demand and the observed value; failed gates first.
pub(in crate::report) fn gate_table(gates: &[GateResult]) -> Block {
    if gates.is_empty() {
        return Block::Paragraph("None were set: add some under [gates] in the profile, or with --gate".into());
    }
    let mut ordered: Vec<&GateResult> = gates.iter().collect();
    ordered.sort_by_key(|gate| gate.ok);
    Table::of("What the run had to meet; failed gates first", ordered)
        .words("holds", |gate| match gate.is_decided() {
            true => StyledText::verdict(gate.ok, "ok", "FAIL"),
            false => "? open".into(),
        })
        .words("gate", |gate| StyledText::term(gate.metric_in_words()))
        .words("demanded", |gate| &gate.expr)
        .figures("observed", |gate| gate.observed_in_words())
        .figures("samples", |gate| count(gate.samples))
        .words("why", |gate| why(gate))
        .words("from", |gate| StyledText::input(gate.line.clone().unwrap_or_default()))
        .into()
}

fn why(gate: &GateResult) -> String {
    match gate.why.as_deref() {
        Some("generator") => format!("undecided (generator): net {}", gate.net_in_words()),
        Some("load_not_offered") => "undecided (generator): the load was not offered".to_owned(),
        why => why.unwrap_or_default().replace('_', " "),
    }
}

/// `time_to_open p(95) < 800ms, observed 1.20 s (too few samples)`
fn in_words(gate: &GateResult) -> String {
    match why(gate) {
        why if why.is_empty() || gate.observed.is_none() => gate.in_words(),
        why => format!("{} ({why})", gate.in_words()),
    }
}

/// One test case for each gate, and one for validity.
pub(super) fn checks(summary: &Summary) -> Vec<TestCase> {
    let causes = failures::causes_in_one_line(summary);
    let gates = summary.gates.iter().map(|gate| gate_check(gate, summary.result, &causes));
    // Only if there are causes: a healthy run has its gates and validity and nothing else.
    let judged = is_judged(summary.result);
    let nothing_opened = (judged && opened_no_edge(summary))
        .then(|| TestCase::failed("an edge opened", "verdict", format!("{NO_EDGE}{causes}")));
    let without_server = (judged && ended_without_server(summary)).then(|| {
        let reasons: Vec<String> = reasons(summary).into_iter().map(|reason| reason.text).collect();
        TestCase::failed("the peers have the server at the end", "verdict", reasons.join(" | "))
    });
    // Only INVALID fails the case; SUSPECT is a warning.
    let validity = match summary.validity.verdict {
        Verdict::Invalid => {
            TestCase::failed("validity", "validity", format!("the run is INVALID: {}", doubts(summary).join("; ")))
        }
        _ if summary.measured_nothing() => {
            TestCase::skipped("validity", "no peer ever connected, so nothing was measured")
        }
        Verdict::Valid | Verdict::Suspect => TestCase::passed("validity"),
    };
    gates.chain(nothing_opened).chain(without_server).chain([validity]).collect()
}

/// The test case of a gate; `causes` of failed edges are named where the gate is about edges that did not open.
pub(in crate::report) fn gate_check(gate: &GateResult, result: Outcome, causes: &str) -> TestCase {
    let line = gate.line.as_deref().map(|line| format!(", {line}")).unwrap_or_default();
    let causes = if matches!(gate.unit, Unit::Ratio | Unit::Count) { causes } else { "" };
    let name = format!("{}: {}", gate.metric_in_words(), gate.expr);
    if !is_judged(result) {
        TestCase::skipped(name, format!("not judged: the run is {}", result.name()))
    } else if !gate.is_decided() {
        TestCase::skipped(name, in_words(gate))
    } else if gate.ok {
        TestCase::passed(name)
    } else {
        let message = format!("{} of {}{line}{causes}", in_words(gate), plural(gate.samples, "sample"));
        TestCase::failed(name, "gate", message)
    }
}

fn is_judged(result: Outcome) -> bool {
    matches!(result, Outcome::Passed | Outcome::Failed)
}

/// The word with its first letter in upper case.
pub fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
