//! Failures, their causes, counters that should be zero, and the traced handshakes.

use crate::report::document::{Block, Column, Ladder, LadderRow, Style, StyledText, Table};
use crate::summary::{CauseRow, FailureRow, Outage, Summary, Trace, TraceStep};
use crate::vocabulary::Reason;
use crate::vocabulary::format::{count, duration, plural};

/// The title of the section of causes.
pub(super) const CAUSES: &str = "Causes";
/// Most outages in a report; summary.json has all.
const OUTAGES_SHOWN: usize = 5;
/// Bounds the page to less than 1 MB.
const TRACES_MAX: usize = 20;
const ROWS_MAX: usize = 100;

/// Failures by phase, reason and detail, most frequent first.
pub(super) fn failures(summary: &Summary) -> Vec<Block> {
    const COLUMNS: [Column; 6] = [
        Column::Words("phase"),
        Column::Words("reason"),
        Column::Figures("edges"),
        Column::Figures("peers"),
        Column::Words("cause"),
        Column::Words("example"),
    ];
    let mut failures: Vec<&FailureRow> = summary.failures.iter().collect();
    failures.sort_by_key(|row| std::cmp::Reverse(row.count.saturating_add(row.peers)));
    let rows = failures.iter().take(ROWS_MAX).map(|row| {
        vec![
            StyledText::term(&row.phase),
            if row.detail.is_empty() { StyledText::term(&row.reason) } else { reason(row).into() },
            count(row.count).into(),
            count(row.peers).into(),
            row.cause.as_deref().unwrap_or("–").into(),
            StyledText::new(Style::Note, &row.example),
        ]
    });
    let table = Table::new("Most frequent first; an edge counts once, where it ended", COLUMNS, rows);
    let more =
        failures.len().checked_sub(ROWS_MAX + 1).map(|more| format!("and {} more kinds in summary.json", more + 1));
    let outages = summary.outages.iter().take(OUTAGES_SHOWN).map(outage);
    vec![Block::Table(table), Block::list(more.into_iter().chain(outages))]
}

/// The reason with its detail, and with a hint if it is a rate limit's.
pub(super) fn reason(row: &FailureRow) -> String {
    let detail = if row.detail.is_empty() { String::new() } else { format!(" ({})", row.detail) };
    let is_limit = ["HTTP 429", "HTTP 503"].iter().any(|limit| row.detail.contains(limit));
    format!("{}{detail}{}", row.reason, if is_limit { ", a rate limit?" } else { "" })
}

/// The causes of failed edges, each with its evidence and remedy, and the probe command to run if they don't settle it.
pub(super) fn causes(summary: &Summary) -> Vec<Block> {
    let Some(diagnosis) = &summary.diagnosis else { return vec![] };
    let causes = diagnosis.causes.iter().map(|row| cause(row, diagnosis.traced));
    let probe = diagnosis.probe.iter().map(|probe| StyledText::input(format!("to look closer: {probe}")));
    vec![Block::list(causes.map(StyledText::from).chain(probe))]
}

fn cause(row: &CauseRow, traced: u64) -> String {
    let share = format!("{} of {}", count(row.edges), plural(traced, "traced edge"));
    format!("{}: {share}. {} What to do: {}", row.name(), row.evidence, row.remedy)
}

/// The most frequent cause with its evidence, which leads to all causes, and its remedy.
pub(super) fn first_cause(summary: &Summary) -> Option<[StyledText; 2]> {
    let diagnosis = summary.diagnosis.as_ref()?;
    let row = diagnosis.causes.first()?;
    let share = format!("{} of {}", count(row.edges), plural(diagnosis.traced, "traced edge"));
    let cause = format!("Cause: {}, in {share}. {}", row.name(), row.evidence);
    Some([StyledText::to(CAUSES, cause), StyledText::new(Style::Strong, format!("What to do: {}", row.remedy))])
}

/// All causes, for the message of a test case; empty without one.
pub(super) fn causes_in_one_line(summary: &Summary) -> String {
    let Some(diagnosis) = &summary.diagnosis else { return String::new() };
    let causes = diagnosis.causes.iter().map(|row| cause(row, diagnosis.traced));
    let probe = diagnosis.probe.iter().map(|probe| format!("to look closer: {probe}"));
    format!("; edges failed by: {}", causes.chain(probe).collect::<Vec<_>>().join(" | "))
}

/// Counters that are not zero but should be, and the message counts if there were messages.
pub(super) fn counters(summary: &Summary) -> Vec<String> {
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    let counted = [
        (peers.failed, "peers failed before they had joined"),
        (peers.dropped, "peers not started (generator late)"),
        (peers.unfinished, "peers unfinished"),
        (peers.rejoins, "returns of a peer"),
        (peers.reconnects, "reconnects to the server"),
        (edges.unfinished, "edges unfinished"),
        (edges.one_sided, "edges open on one side only"),
        (edges.closed_early, "edges closed early"),
        (edges.left, "of them by a leave"),
        (edges.glare, "pairs that both offered (glare)"),
        (edges.surprises, "signals that nobody waited for"),
        (messages.late, "messages sent late"),
        (messages.dropped, "messages due and never sent"),
    ];
    let counted = counted.into_iter().filter(|(number, _)| *number > 0);
    let mut lines: Vec<String> = counted.map(|(number, what)| format!("{} {what}", count(number))).collect();
    let guests = &summary.counts.guest_edges;
    if !guests.is_empty() {
        let of = |name: &str| count(guests.get(name).copied().unwrap_or(0));
        lines.push(format!(
            "{} of {} edges with guests opened, {} failed; {} messages to them, {} from them",
            of("opened"),
            of("planned"),
            of("failed"),
            of("messages_sent"),
            of("messages_received")
        ));
    }
    if messages.sent > 0 {
        lines.push(format!(
            "{}: {} delivered, {} lost, {} cut, {} duplicated, {} out of order",
            plural(messages.sent, "message"),
            count(messages.delivered),
            count(messages.lost),
            count(messages.cut),
            count(messages.duplicated),
            count(messages.out_of_order)
        ));
    }
    lines
}

/// `3 peers lost the server 12.0 s into the run, and 3 were back within 2.1 s (closed, refused)`. Details, which may
/// be the target's text, are only in summary.json.
fn outage(outage: &Outage) -> String {
    let mut reasons: Vec<&str> = vec![];
    for cause in &outage.causes {
        if Reason::ALL.iter().any(|reason| reason.name() == cause.reason) && !reasons.contains(&cause.reason.as_str()) {
            reasons.push(&cause.reason);
        }
    }
    let within = outage.recovery_us.map(|us| format!(" within {}", duration(us))).unwrap_or_default();
    let (lost, began) = (plural(outage.lost, "peer"), duration(outage.began_us));
    let back = match outage.back {
        0 => "none came".to_owned(),
        1 => "1 was".to_owned(),
        back => format!("{} were", count(back)),
    };
    format!("{lost} lost the server {began} into the run, and {back} back{within} ({})", reasons.join(", "))
}

/// The traced handshakes, each as a ladder.
pub(super) fn traces(summary: &Summary) -> Vec<Block> {
    if summary.traces.is_empty() {
        return vec![];
    }
    let says = "Messages in ms from the first step; at the end of a row, the time until the message arrived.";
    let more =
        summary.traces.len().checked_sub(TRACES_MAX + 1).map(|more| format!("and {} more in summary.json", more + 1));
    let ladders = summary.traces.iter().take(TRACES_MAX).map(|trace| Block::Ladder(ladder(trace)));
    let says = Block::Paragraph(StyledText::new(Style::Note, says));
    std::iter::once(says).chain(ladders).chain([Block::list(more)]).collect()
}

fn ladder(trace: &Trace) -> Ladder {
    let [one, two] = trace.peers;
    let end = match (&trace.failure, trace.due_us) {
        (Some(failure), _) => failure.clone(),
        (None, Some(due_us)) => format!("open after {}", duration(due_us)),
        (None, None) => "open".to_owned(),
    };
    let lanes = trace.peers.map(|peer| format!("peer {peer}"));
    Ladder {
        title: format!("peer {one} and peer {two} in {}: {end}", trace.room),
        is_unfolded: trace.failure.is_some(),
        says: trace.cause.iter().chain(&trace.evidence).map(String::as_str).collect::<Vec<_>>().join(": "),
        rows: trace.steps.iter().map(|step| row(step, &lanes)).collect(),
        lanes: lanes.into(),
    }
}

fn row(step: &TraceStep, lanes: &[String; 2]) -> LadderRow {
    let lane = |name: &str| lanes.iter().position(|known| known == name);
    match &step.to {
        None => LadderRow::note(step.at_us, step.outcome == "failed", lane(&step.from).unwrap_or(0), &step.what),
        Some(to) => {
            LadderRow::message(step.at_us, [lane(&step.from), lane(to)], &step.what, step.heard_us, &step.outcome)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::OutageCause;

    #[test]
    fn an_outage_is_told_in_one_line_without_the_servers_own_words() {
        let cause = |reason: &str, detail: &str| OutageCause {
            reason: reason.into(),
            detail: detail.into(),
            ..OutageCause::default()
        };
        let causes = vec![cause("closed", "</script>"), cause("refused", "ECONNREFUSED"), cause("::warning", "")];
        let mut timeline = Outage {
            began_us: 12_000_000,
            recovery_us: Some(2_100_000),
            lost: 3,
            back: 3,
            never: 0,
            redials: 9,
            causes,
        };
        assert_eq!(
            outage(&timeline),
            "3 peers lost the server 12.0 s into the run, and 3 were back within 2.10 s (closed, refused)"
        );
        (timeline.lost, timeline.back, timeline.recovery_us) = (1, 0, None);
        assert_eq!(
            outage(&timeline),
            "1 peer lost the server 12.0 s into the run, and none came back (closed, refused)"
        );
    }
}
