//! The contents of the reports for people, as lines and rows; text and Markdown differ only in layout.

use crate::report::figures::percentile;
use crate::summary::{CauseRow, Distribution, FailureRow, Outage, Summary, Timer, metric::DELIVERY_OF_A_KIND};
use crate::vocabulary::{
    Phase, Reason, format::bytes, format::count, format::duration, format::percent, format::plural,
};

/// Most outages in a report; summary.json has all.
pub(super) const OUTAGES_SHOWN: usize = 5;

/// The opened edges, the time to open, and the shares of the target, the peers and the generator in it.
pub(super) fn headline(summary: &Summary) -> Vec<String> {
    let (edges, rooms) = (&summary.counts.edges, &summary.counts.rooms);
    let mut opened = format!(
        "{} of {} open; {} of {} complete",
        count(edges.opened),
        plural(edges.planned.saturating_add(edges.rejoins), "edge"),
        count(rooms.complete),
        plural(rooms.planned, "room")
    );
    if edges.opened == 0 {
        opened.push_str("; no edge opened, so nothing was measured that a pass could rest on");
    }
    let mut lines = vec![opened];
    if let Some(Timer { due, .. }) = summary.timers.get("time_to_open") {
        lines.push(format!(
            "time to open (due): p50 {}, p95 {}, p99 {}, max {}",
            percentile(due, 50.0, due.p.p50),
            percentile(due, 95.0, due.p.p95),
            percentile(due, 99.0, due.p.p99),
            duration(due.max_us)
        ));
        if summary.counts.edges.timed_out > 0 {
            let timed_out = plural(summary.counts.edges.timed_out, "edge");
            lines.push(format!("in it {timed_out} that timed out, at the timeout's value"));
        }
    }
    if let Some(shares) = summary.shares {
        lines.push(format!(
            "of it the target's share {}, the peers' share {}, our own work {}",
            percent(shares.target),
            percent(shares.peers),
            percent(shares.own_work)
        ));
    }
    lines
}

/// A header, then one row for each timer: name, payer, samples and percentiles on the clock `due`.
pub(super) fn timers(summary: &Summary) -> Vec<Vec<String>> {
    const AFTER_THE_PHASES: [&str; 7] = [
        "time_to_open",
        "room_complete",
        "own_work",
        "signal_delivery",
        "leave_notice",
        "message_latency",
        "message_rtt",
    ];
    let phases = Phase::OF_AN_EDGE
        .into_iter()
        .map(|phase| (phase.name(), if phase.belongs_to_target() { "target" } else { "peers" }));
    let others = AFTER_THE_PHASES.into_iter().map(|name| (name, payer(name)));
    let shown = phases.chain(others).filter_map(|(name, payer)| Some((name, payer, &summary.timers.get(name)?.due)));
    let mut header = ["timer (due)", "paid by", "samples", "p50", "p95", "p99", "max"].map(str::to_owned).to_vec();
    if summary.control.is_some() {
        header.extend(["ours p50", "ours p99"].map(str::to_owned));
    }
    let row = |(name, payer, due)| {
        let mut row = timer_row(name, payer, due);
        row.extend(summary.control.iter().flat_map(|control| match control.timers.get(name) {
            Some(Timer { due, .. }) => [percentile(due, 50.0, due.p.p50), percentile(due, 99.0, due.p.p99)],
            None => ["–"; 2].map(str::to_owned),
        }));
        row
    };
    std::iter::once(header).chain(shown.map(row)).collect()
}

/// The generator's own part in the target's figures; empty without a control run.
pub(super) fn control(summary: &Summary) -> Vec<String> {
    const OF_THE_TARGET: [&str; 6] = ["connect", "join", "discovery", "negotiation", "signal_delivery", "time_to_open"];
    let Some(control) = &summary.control else { return vec![] };
    let mut lines = vec![format!(
        "{} of {} opened in {}, with signaling passed in memory; validity {}",
        count(control.opened),
        plural(control.edges, "edge"),
        duration(control.duration_us),
        control.verdict.name()
    )];
    lines.extend(OF_THE_TARGET.into_iter().filter_map(|name| {
        let (all, ours) = (&summary.timers.get(name)?.due, &control.timers.get(name)?.due);
        let is_all_ours = ours.p.p50 >= all.p.p50;
        let (all, ours) = (percentile(all, 50.0, all.p.p50), percentile(ours, 50.0, ours.p.p50));
        Some(if is_all_ours {
            format!("{name} p50 {all}, all of it ours: the control run took {ours}")
        } else {
            format!("{name} p50 {all}, of which {ours} is ours")
        })
    }));
    lines
}

/// Rows as in `timers`, without the header, for `signal_delivery` by message type.
pub(super) fn deliveries(summary: &Summary) -> Vec<Vec<String>> {
    let kinds = summary.timers.iter().filter_map(|(name, timer)| Some((name.strip_prefix(DELIVERY_OF_A_KIND)?, timer)));
    kinds.map(|(kind, timer)| timer_row(kind, "target", &timer.due)).collect()
}

/// The column heads of `failure`.
pub(super) const FAILURE_HEADER: [&str; 6] = ["edges", "peers", "phase", "reason", "cause", "example"];

/// Edges, peers, phase, reason with detail, cause, an example. The caller escapes them.
pub(super) fn failure(row: &FailureRow) -> [String; 6] {
    let mut reason = row.reason.clone();
    if !row.detail.is_empty() {
        reason.push_str(&format!(" ({})", row.detail));
    }
    if ["HTTP 429", "HTTP 503"].iter().any(|limit| row.detail.contains(limit)) {
        reason.push_str(", a rate limit?");
    }
    let cause = row.cause.clone().unwrap_or_else(|| "–".to_owned());
    [count(row.count), count(row.peers), row.phase.clone(), reason, cause, row.example.clone()]
}

/// Most findings in the verdict card; summary.json has all.
const FINDINGS_SHOWN: usize = 3;

/// The verdict's reasons: a server that peers had lost at the end, the worst findings, the commonest cause. The caller
/// escapes them.
pub(super) fn verdict_facts(summary: &Summary) -> Vec<String> {
    let peers = &summary.counts.peers;
    let lost = (peers.lost > 0).then(|| {
        let stayed = plural(peers.stayed, "peer");
        format!("at the end {} of {stayed} had no server", count(peers.lost))
    });
    let findings =
        summary.findings.iter().take(FINDINGS_SHOWN).map(|finding| format!("finding: {}", finding.in_words()));
    let more = summary.findings.len().saturating_sub(FINDINGS_SHOWN);
    let more = (more > 0).then(|| format!("and {} more in summary.json", plural(more as u64, "finding")));
    let cause = summary.diagnosis.as_ref().and_then(|diagnosis| diagnosis.causes.first());
    let cause = cause.map(|row| format!("cause of most failed edges: {}. {}", row.name(), row.evidence));
    lost.into_iter().chain(findings).chain(more).chain(cause).collect()
}

/// The causes of failed edges, each with its evidence and remedy. The caller escapes them.
pub(super) fn causes(summary: &Summary) -> Vec<String> {
    let Some(diagnosis) = &summary.diagnosis else { return vec![] };
    let row = |row: &CauseRow| {
        let share = format!("{} of {}", count(row.edges), plural(diagnosis.traced, "traced edge"));
        format!("{}: {share}. {} What to do: {}", row.name(), row.evidence, row.remedy)
    };
    diagnosis.causes.iter().map(row).collect()
}

/// The probe command to run if the run does not settle the cause. The caller escapes it.
pub(super) fn probe_hint(summary: &Summary) -> Option<String> {
    summary.diagnosis.as_ref()?.probe.as_ref().map(|probe| format!("to look closer: {probe}"))
}

pub(super) fn signaling(summary: &Summary) -> Vec<String> {
    let signaling = &summary.counts.signaling;
    let mut lines = vec![format!(
        "{} sent ({}), {} received ({})",
        plural(signaling.sent, "frame"),
        bytes(signaling.sent_bytes),
        count(signaling.received),
        bytes(signaling.received_bytes)
    )];
    if let Some(amplification) = summary.amplification {
        lines.push(format!("amplification {amplification:.2}: frames delivered for each that concerned its receiver"));
    }
    if let Some(per_edge) = summary.signaling_bytes_per_edge {
        lines.push(format!("{} for each edge that opened", bytes(per_edge)));
    }
    lines
}

/// Counters that are not zero but should be, and the message counts if there were messages.
pub(super) fn counters(summary: &Summary) -> Vec<String> {
    let (peers, edges, messages) = (&summary.counts.peers, &summary.counts.edges, &summary.counts.messages);
    let mut lines = vec![];
    let mut say = |number: u64, what: &str| {
        if number > 0 {
            lines.push(format!("{} {what}", count(number)));
        }
    };
    say(peers.failed, "peers failed before they had joined");
    say(peers.dropped, "peers not started (generator late)");
    say(peers.unfinished, "peers unfinished");
    say(peers.rejoins, "returns of a peer");
    say(peers.reconnects, "reconnects to the server");
    say(edges.unfinished, "edges unfinished");
    say(edges.one_sided, "edges open on one side only");
    say(edges.closed_early, "edges closed early");
    say(edges.left, "of them by a leave");
    say(edges.glare, "pairs that both offered (glare)");
    say(edges.surprises, "signals that nobody waited for");
    say(messages.late, "messages sent late");
    say(messages.dropped, "messages due and never sent");
    let guests = &summary.counts.guest_edges;
    let of = |name: &str| count(guests.get(name).copied().unwrap_or(0));
    if !guests.is_empty() {
        lines.push(format!(
            "{} of {} edges with guests opened, {} failed; {} messages to them, {} from them",
            of("opened"),
            of("planned"),
            of("failed"),
            of("messages_sent"),
            of("messages_received")
        ));
    }
    lines.extend(summary.outages.iter().take(OUTAGES_SHOWN).map(outage));
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
pub(super) fn outage(outage: &Outage) -> String {
    let mut reasons: Vec<&str> = vec![];
    for cause in &outage.causes {
        if Reason::ALL.iter().any(|reason| reason.name() == cause.reason) && !reasons.contains(&cause.reason.as_str()) {
            reasons.push(&cause.reason);
        }
    }
    let within = outage.recovery_us.map(|us| format!(" within {}", duration(us))).unwrap_or_default();
    let (lost, began) = (plural(outage.lost, "peer"), duration(outage.began_us));
    format!(
        "{lost} lost the server {began} into the run, and {} back{within} ({})",
        were(outage.back),
        reasons.join(", ")
    )
}

fn were(number: u64) -> String {
    match number {
        0 => "none came".to_owned(),
        1 => "1 was".to_owned(),
        number => format!("{} were", count(number)),
    }
}

pub(super) fn health(summary: &Summary) -> Vec<String> {
    let health = &summary.health;
    vec![
        format!(
            "timer lag p99 {}, max {}; {} of {} cores used; {} resident; {}",
            percentile(&health.lag_us, 99.0, health.lag_us.p.p99),
            duration(health.lag_us.max_us),
            format_args!("{:.2}", health.cpu_cores),
            summary.run.machine.cores,
            bytes(health.rss_bytes_max),
            plural(health.fds_max, "descriptor")
        ),
        format!(
            "{} CPU for each edge; {} started late, {} not at all; at most {} and {} waited at once",
            duration(health.us_per_edge),
            plural(health.late, "peer"),
            count(health.dropped),
            plural(health.arrivals_waiting_max, "arrival"),
            plural(health.frames_waiting_max, "frame")
        ),
    ]
}

fn payer(timer: &str) -> &'static str {
    match timer {
        "signal_delivery" => "target",
        "own_work" => "meshload",
        "time_to_open" | "room_complete" => "both",
        _ => "peers",
    }
}

fn timer_row(name: &str, payer: &str, due: &Distribution) -> Vec<String> {
    vec![
        name.to_owned(),
        payer.to_owned(),
        count(due.count),
        percentile(due, 50.0, due.p.p50),
        percentile(due, 95.0, due.p.p95),
        percentile(due, 99.0, due.p.p99),
        duration(due.max_us),
    ]
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
