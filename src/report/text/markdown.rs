//! The report as Markdown, for a CI step summary or a pull request.

use crate::report::escape::markdown as escaped;
use crate::report::sections;
use crate::summary::Summary;
use crate::vocabulary::{format::count, format::duration};

/// GitHub's limit for a comment, in characters.
const CHARS_MAX: usize = 60_000;
const ROWS_MAX: usize = 50;
const CELL_CHARS_MAX: usize = 240;

pub(in crate::report) fn render(summary: &Summary) -> String {
    let mut blocks = vec![title(summary), gates(summary), validity(summary)];
    blocks.push(list(&sections::verdict_facts(summary)));
    blocks.push(list(&sections::headline(summary)));
    blocks.push(titled("Timers", timers(summary)));
    blocks.push(titled("Control run", list(&sections::control(summary))));
    blocks.push(titled("Failures", failures(summary)));
    let causes: Vec<String> = sections::causes(summary).into_iter().chain(sections::probe_hint(summary)).collect();
    blocks.push(titled("Causes", list(&causes)));
    blocks.push(titled("Signaling", list(&sections::signaling(summary))));
    blocks.push(titled("Delivery by message type", deliveries(summary)));
    blocks.push(titled("Counted", list(&sections::counters(summary))));
    blocks.push(titled("This machine", list(&sections::health(summary))));
    blocks.push(titled("Slowest edges", slowest(summary)));
    // No link: in a pull request it would point into the repository.
    blocks.push("*Charts, rooms and what each word means: report.html, beside this file.*\n".into());
    blocks.retain(|block| !block.is_empty());
    fitted(&blocks)
}

/// Joins as many blocks as fit; the verdicts come first, so they are never left out.
fn fitted(blocks: &[String]) -> String {
    let note = "\n*The rest is in report.html, beside this file.*\n";
    let mut report = String::new();
    let mut chars = note.chars().count();
    for block in blocks {
        chars += block.chars().count() + 1;
        if chars > CHARS_MAX {
            report.push_str(note);
            break;
        }
        if !report.is_empty() {
            report.push('\n');
        }
        report.push_str(block);
    }
    report
}

fn title(summary: &Summary) -> String {
    let run = &summary.run;
    let stopped = run.stopped_by.as_ref().map(|by| format!("; stopped by {}", cell(by))).unwrap_or_default();
    format!(
        "# meshload: {} {}\n\nseed {}, {} against {}, validity **{}**{stopped}\n",
        cell(&run.name),
        cell(&summary.result_in_words()),
        run.seed,
        duration(run.duration_us),
        cell(&run.destination()),
        summary.validity_in_words()
    )
}

fn gates(summary: &Summary) -> String {
    let rows = summary.gates.iter().map(|gate| {
        let mark = if gate.ok { "✅" } else { "❌" };
        let why = gate.why.as_deref().map(|why| format!(" ({})", why.replace('_', " "))).unwrap_or_default();
        let observed = format!("{}{why}", gate.observed_in_words());
        [mark.to_owned(), cell(&gate.metric_in_words()), cell(&gate.expr), cell(&observed), count(gate.samples)]
            .to_vec()
    });
    table(&["", "gate", "condition", "observed", "samples"], |column| column < 3, rows)
}

fn validity(summary: &Summary) -> String {
    let rows = summary.validity.reasons.iter();
    let rows =
        rows.map(|doubt| [&doubt.what, &doubt.observed, &doubt.limit, &doubt.cure].map(|text| cell(text)).to_vec());
    table(&["against its validity", "observed", "limit", "cure"], |_| true, rows)
}

fn timers(summary: &Summary) -> String {
    let mut rows = sections::timers(summary).into_iter();
    let header = rows.next().unwrap_or_default();
    table(&header.iter().map(String::as_str).collect::<Vec<_>>(), |column| column < 2, rows.map(cells))
}

fn deliveries(summary: &Summary) -> String {
    let rows = sections::deliveries(summary).into_iter().map(cells);
    table(&["type", "paid by", "samples", "p50", "p95", "p99", "max"], |column| column < 2, rows)
}

fn failures(summary: &Summary) -> String {
    table(
        &sections::FAILURE_HEADER,
        |column| column > 1,
        summary.failures.iter().map(|row| cells(sections::failure(row).to_vec())),
    )
}

fn slowest(summary: &Summary) -> String {
    let rows = summary.slowest.iter().map(|slow| {
        let phases = &slow.phases;
        let of_target = [phases.connect_us, phases.join_us, phases.discovery_us, phases.negotiation_us].map(Some);
        let all = of_target.into_iter().chain([phases.ice_us, phases.dtls_us, phases.channel_us]);
        let mut row = vec![cell(&slow.room), format!("{} – {}", slow.peers[0], slow.peers[1]), duration(slow.due_us)];
        row.extend(all.map(|us| us.map_or_else(|| "–".into(), duration)));
        row
    });
    let header = ["room", "peers", "due", "connect", "join", "discovery", "negotiation", "ice", "dtls", "channel"];
    table(&header, |column| column < 2, rows)
}

fn cells(row: Vec<String>) -> Vec<String> {
    row.iter().map(|text| cell(text)).collect()
}

fn cell(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARS_MAX) {
        Some((end, _)) => format!("{}…", escaped(&text[..end])),
        None => escaped(text),
    }
}

/// A table; empty without rows. `left` is true for a column that is aligned left.
fn table(header: &[&str], left: impl Fn(usize) -> bool, rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![format!("| {} |", header.join(" | "))];
    let align = |column: usize| if left(column) { "---" } else { "---:" };
    lines.push(format!("| {} |", (0..header.len()).map(align).collect::<Vec<_>>().join(" | ")));
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    lines.extend(rows.iter().take(ROWS_MAX).map(|row| format!("| {} |", row.join(" | "))));
    if rows.len() > ROWS_MAX {
        lines.push(format!("\nand {} more in report.html", count((rows.len() - ROWS_MAX) as u64)));
    }
    lines.join("\n") + "\n"
}

fn list(lines: &[String]) -> String {
    lines.iter().map(|line| format!("- {}\n", cell(line))).collect()
}

fn titled(title: &str, body: String) -> String {
    if body.is_empty() { body } else { format!("## {title}\n\n{body}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{check_snapshot, controlled, explained, hostile, run};
    use crate::summary::FailureRow;

    #[test]
    fn a_run_in_a_pull_request() {
        check_snapshot("markdown", &render(&run()));
    }

    #[test]
    fn causes_have_their_evidence_and_a_command_to_paste() {
        let report = render(&explained());
        assert!(report.contains("## Causes"), "{report}");
        assert!(report.contains("to look closer: meshload probe"), "{report}");
    }

    fn failing(rows: usize, letters: usize) -> Summary {
        let row = FailureRow { detail: "|&<".repeat(letters), example: "<".repeat(letters), ..FailureRow::default() };
        Summary { failures: vec![row; rows], ..run() }
    }

    #[test]
    fn a_control_run_has_its_columns_and_its_sentences() {
        let report = render(&controlled());
        assert!(report.contains("| ours p50 | ours p99 |"), "{report}");
        assert!(report.contains("negotiation p50 22.6 ms, of which 11.3 ms is ours"), "{report}");
    }

    #[test]
    fn a_report_of_ten_thousand_failures_still_fits_a_comment_and_says_where_the_rest_is() {
        let mut summary = failing(10_000, 1_000);
        summary.gates = vec![summary.gates[0].clone(); 2_000];
        summary.slowest = vec![summary.slowest[0].clone(); 2_000];
        let report = render(&summary);
        assert!(report.chars().count() <= CHARS_MAX, "{}", report.chars().count());
        assert!(report.contains("and 1,950 more in report.html"), "the gates are cut");
        assert!(
            report.ends_with("*The rest is in report.html, beside this file.*\n"),
            "{}",
            &report[report.len() - 100..]
        );
    }

    #[test]
    fn fifty_rows_are_shown_and_two_more_are_counted() {
        assert!(!render(&failing(ROWS_MAX, 1)).contains("more in report.html"));
        assert!(render(&failing(ROWS_MAX + 2, 1)).contains("and 2 more in report.html"));
    }

    #[test]
    fn text_from_the_target_is_no_markup() {
        let report = render(&hostile());
        assert!(!report.contains("<img") && !report.contains("</script>") && !report.contains("::error"), "{report}");
    }
}
