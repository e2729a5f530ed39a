//! The log of a live view: what is new in a snapshot beside the one before.

use crate::report::MetricsSnapshot;
use crate::summary::{Doubt, FailureRow, GateResult, Summary, Verdict};
use crate::vocabulary::format::plural;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LogEntry {
    /// The run goes its way.
    Course(String),
    /// Something to look at.
    Trouble(String),
    /// A gate fails, or the figures are worth nothing.
    Alarm(String),
    /// A line that this process wrote to stderr.
    Told(String),
}

impl LogEntry {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Course(text) | Self::Trouble(text) | Self::Alarm(text) | Self::Told(text) => text,
        }
    }

    /// The same with another text.
    pub(super) fn map(self, text: impl FnOnce(&str) -> String) -> Self {
        let kind = match self {
            Self::Course(_) => Self::Course,
            Self::Trouble(_) => Self::Trouble,
            Self::Alarm(_) => Self::Alarm,
            Self::Told(_) => Self::Told,
        };
        kind(text(self.text()))
    }
}

/// The news of a snapshot beside the one `before`, if that is of the same run.
pub(super) fn news(before: Option<&Summary>, snapshot: &MetricsSnapshot) -> Vec<LogEntry> {
    let now = &snapshot.summary;
    let nothing = Summary::default();
    let old = before.unwrap_or(&nothing);
    let mut news = vec![];
    if before.is_none() {
        news.push(LogEntry::Course(format!("run {} begins, seed {}", now.run.id, now.run.seed)));
    }
    let phases = now.phases.iter().skip(old.phases.len());
    news.extend(phases.map(|phase| LogEntry::Course(format!("{} begins", phase.name))));
    news.extend(now.gates.iter().enumerate().filter_map(|(index, gate)| gate_news(old.gates.get(index), gate)));
    let is_known = |row: &FailureRow| old.failures.iter().any(|known| names(known) == names(row));
    news.extend(now.failures.iter().filter(|row| !is_known(row)).map(|row| LogEntry::Trouble(failure(row))));
    if now.validity.verdict != old.validity.verdict {
        let why = now.validity.reasons.iter().map(Doubt::in_short).collect::<Vec<_>>().join(", ");
        let text = format!(
            "the figures are {} so far{}{why}",
            now.validity.verdict.name(),
            if why.is_empty() { "" } else { ": " }
        );
        news.push(match now.validity.verdict {
            Verdict::Valid => LogEntry::Course(text),
            Verdict::Suspect => LogEntry::Trouble(text),
            Verdict::Invalid => LogEntry::Alarm(text),
        });
    }
    news.extend(now.findings.iter().map(|finding| LogEntry::Trouble(format!("{}: {}", finding.id, finding.sentence))));
    if snapshot.has_ended {
        news.push(LogEntry::Course(format!("the run has ended: {}", now.result_in_words())));
    }
    news
}

/// A gate that begins to fail, or holds again.
fn gate_news(before: Option<&GateResult>, now: &GateResult) -> Option<LogEntry> {
    let (failed, fails) = (before.is_some_and(fails), fails(now));
    match (failed, fails) {
        (false, true) => Some(LogEntry::Alarm(format!("gate fails so far: {}", now.in_words()))),
        (true, false) if now.ok => Some(LogEntry::Course(format!("gate holds again: {}", now.in_words()))),
        _ => None,
    }
}

/// True for a gate that was judged and does not hold; one without enough samples is open.
pub(super) fn fails(gate: &GateResult) -> bool {
    !gate.ok && gate.why.is_none() && gate.observed.is_some()
}

fn names(row: &FailureRow) -> (&str, &str, &str) {
    (&row.phase, &row.reason, &row.detail)
}

/// `negotiation timed_out: 3 edges`.
pub(super) fn failure(row: &FailureRow) -> String {
    let of = |count: u64, one: &str| (count > 0).then(|| plural(count, one));
    let counts: Vec<String> = [of(row.count, "edge"), of(row.peers, "peer")].into_iter().flatten().collect();
    format!("{} {}: {}", row.phase, row.reason_in_words(), counts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::{Gate, judge};
    use crate::summary::PhaseSpan;

    fn texts(before: Option<&Summary>, now: &Summary) -> Vec<String> {
        let snapshot = MetricsSnapshot { summary: now.clone(), ..MetricsSnapshot::default() };
        news(before, &snapshot).iter().map(|news| format!("{news:?}")).collect()
    }

    #[test]
    fn a_phase_a_failure_and_a_failing_gate_are_told_once() {
        let gate = Gate::parse_line("edges.opened: count < 4").unwrap();
        let mut first = Summary::default();
        first.run.id = "m1".to_owned();
        first.gates = judge(std::slice::from_ref(&gate), &first);
        let began = texts(None, &first);
        assert_eq!(began, ["Course(\"run m1 begins, seed 0\")"]);
        let mut second = first.clone();
        second.counts.edges.opened = 9;
        second.gates = judge(&[gate], &second);
        second.phases.push(PhaseSpan { name: "ramp".to_owned(), ..PhaseSpan::default() });
        let row =
            FailureRow { phase: "join".to_owned(), reason: "rejected".to_owned(), count: 1, ..FailureRow::default() };
        second.failures.push(row);
        second.validity.verdict = Verdict::Suspect;
        assert_eq!(
            texts(Some(&first), &second),
            [
                "Course(\"ramp begins\")",
                "Alarm(\"gate fails so far: edges.opened count < 4, observed 9\")",
                "Trouble(\"join rejected: 1 edge\")",
                "Trouble(\"the figures are SUSPECT so far\")",
            ]
        );
        assert_eq!(texts(Some(&second), &second), [""; 0]);
        assert!(texts(Some(&second), &first).iter().any(|text| text.contains("gate holds again")));
    }
}
