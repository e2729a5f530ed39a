//! Failures, their causes, counters that should be zero, and the traced handshakes.

use crate::report::document::{Block, Ladder, Style, StyledText, Table};
use crate::summary::{FailureRow, Outage, Summary, Trace};
use crate::vocabulary::format::{count, duration, plural};

/// The title of the section of causes.
pub(super) const CAUSES: &str = "Causes";
/// Most outages in a report; summary.json has all.
const OUTAGES_SHOWN: usize = 5;
/// Most texts of a server's errors in a report.
const ERRORS_SHOWN: usize = 5;
/// Bounds the page to less than 1 MB.
const TRACES_MAX: usize = 20;
const ROWS_MAX: usize = 100;

/// Failures by phase, reason and detail, most frequent first.
pub(super) fn failures(summary: &Summary) -> Vec<Block> {
    let mut failures: Vec<&FailureRow> = summary.failures.iter().collect();
    failures.sort_by_key(|row| std::cmp::Reverse(row.count.saturating_add(row.peers)));
    let more =
        failures.len().checked_sub(ROWS_MAX + 1).map(|more| format!("and {} more kinds in summary.json", more + 1));
    let outages = summary.outages.iter().take(OUTAGES_SHOWN).map(Outage::in_words);
    let shown = failures.into_iter().take(ROWS_MAX);
    let said = summary.unmatched.iter().filter(|row| row.kind == "server_error").take(ERRORS_SHOWN);
    let said = said.map(|row| format!("the server said an error {}: {}", plural(row.count, "time"), row.example));
    let table = Table::of("Most frequent first; an edge counts once, where it ended", shown)
        .words("phase", |row| StyledText::term(&row.phase))
        .words("reason", |row| match row.detail.is_empty() {
            true => StyledText::term(&row.reason),
            false => row.reason_in_words().into(),
        })
        .figures("edges", |row| count(row.count))
        .figures("peers", |row| count(row.peers))
        .words("cause", |row| row.cause.clone().unwrap_or_else(|| "–".to_owned()))
        .words("example", |row| StyledText::new(Style::Note, format!("{}{}", row.example, trace_ids(&row.trace_ids))));
    vec![table.into(), Block::list(more.into_iter().chain(outages).chain(said))]
}

/// The causes of failed edges, each with its evidence and remedy, and the probe command to run if they don't settle it.
pub(super) fn causes(summary: &Summary) -> Vec<Block> {
    let Some(diagnosis) = &summary.diagnosis else { return vec![] };
    let causes = diagnosis.causes_in_words().map(StyledText::from);
    vec![Block::list(causes.chain(diagnosis.closer().map(StyledText::input)))]
}

/// The most frequent cause with its evidence, which leads to all causes, and its remedy.
pub(super) fn first_cause(summary: &Summary) -> Option<[StyledText; 2]> {
    let diagnosis = summary.diagnosis.as_ref()?;
    let row = diagnosis.causes.first()?;
    let cause = format!("Cause: {}, in {}. {}", row.name(), diagnosis.share_of(row), row.evidence);
    Some([StyledText::to(CAUSES, cause), StyledText::new(Style::Strong, format!("What to do: {}", row.remedy))])
}

/// All causes, for the message of a test case; empty without one.
pub(super) fn causes_in_one_line(summary: &Summary) -> String {
    let Some(diagnosis) = &summary.diagnosis else { return String::new() };
    let causes: Vec<String> = diagnosis.causes_in_words().chain(diagnosis.closer()).collect();
    format!("; edges failed by: {}", causes.join(" | "))
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
    Ladder {
        title: format!("peer {one} and peer {two} in {}: {end}", trace.room),
        is_unfolded: trace.failure.is_some(),
        says: [trace.cause.iter().chain(&trace.evidence).map(String::as_str).collect::<Vec<_>>().join(": ")]
            .into_iter()
            .chain(trace.trace_ids.iter().zip(trace.peers).map(|(id, peer)| format!("trace of peer {peer}: {id}")))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("; "),
        lanes: trace.peers.map(|peer| format!("peer {peer}")).into(),
        steps: trace.steps.clone(),
    }
}

/// The ids of the peers' traces at the server, behind other words; nothing without them.
fn trace_ids(ids: &[String]) -> String {
    if ids.is_empty() { String::new() } else { format!("; traces {}", ids.join(" ")) }
}
