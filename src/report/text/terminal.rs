//! The report for a terminal: the verdicts first, then the figures behind them.

use crate::report::escape::{plain, visible};
use crate::report::sections;
use crate::report::text::{ladder, table};
use crate::summary::{GateResult, Outcome, Summary, Trace, Verdict};
use crate::vocabulary::{format::duration, format::plural};

/// Most rows of failures shown; summary.json has all.
const FAILURES_MAX: usize = 12;

pub(in crate::report) fn render(summary: &Summary, color: bool) -> String {
    let paint = VerdictPaint { color };
    let mut lines = vec![title(summary, &paint)];
    lines.extend(gates(summary, &paint));
    lines.extend(validity(summary, &paint));
    lines.extend(sections::verdict_facts(summary).iter().map(|line| plain(line)));
    section(&mut lines, None, sections::headline(summary));
    let timers = sections::timers(summary);
    if timers.len() > 1 {
        section(&mut lines, None, table::lines(|column| column < 2, &timers));
    }
    section(&mut lines, Some("control run"), sections::control(summary));
    section(&mut lines, Some("failures"), failures(summary));
    // The command holds the user's own input, such as an IPv6 address, and must stay fit for pasting.
    let probe_hint = sections::probe_hint(summary).map(|line| visible(&line));
    let causes = sections::causes(summary).iter().map(|line| plain(line)).chain(probe_hint).collect();
    section(&mut lines, Some("causes"), causes);
    section(&mut lines, Some("signaling"), sections::signaling(summary));
    section(&mut lines, Some("counted"), sections::counters(summary));
    section(&mut lines, Some("this machine"), sections::health(summary));
    for trace in &summary.traces {
        section(&mut lines, Some(&ladder::title(trace)), traced(trace, &paint));
    }
    lines.join("\n") + "\n"
}

fn traced(trace: &Trace, paint: &VerdictPaint) -> Vec<String> {
    let rows = ladder::of_trace(trace).into_iter();
    rows.map(|row| if row.is_bad { paint.on(31, &row.text) } else { row.text }).collect()
}

struct VerdictPaint {
    color: bool,
}

impl VerdictPaint {
    /// SGR codes of ECMA-48: 31 red, 32 green, 33 yellow, all bold.
    fn on(&self, code: u8, text: &str) -> String {
        if self.color { format!("\u{1b}[1;{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn title(summary: &Summary, paint: &VerdictPaint) -> String {
    let run = &summary.run;
    let code = match summary.result {
        Outcome::Passed => 32,
        Outcome::Interrupted | Outcome::Incomplete => 33,
        _ => 31,
    };
    let mut title = format!(
        "{} {}, seed {}, {} against {}",
        paint.on(code, &plain(&titled(summary))),
        plain(&run.name),
        run.seed,
        duration(run.duration_us),
        visible(&run.destination())
    );
    if let Some(by) = &run.stopped_by {
        title.push_str(&format!("; stopped by {}", plain(by)));
    }
    title
}

/// The outcome in capitals, with the rest of its words as they are.
fn titled(summary: &Summary) -> String {
    let words = summary.result_in_words();
    let name = summary.result.name();
    format!("{}{}", name.to_uppercase(), &words[name.len()..])
}

fn gates(summary: &Summary, paint: &VerdictPaint) -> Vec<String> {
    if summary.gates.is_empty() {
        return vec!["gates: none".into()];
    }
    let failed = summary.gates.iter().filter(|gate| !gate.ok).count() as u64;
    let head = match failed {
        0 => format!("gates: {} passed", plural(summary.gates.len() as u64, "gate")),
        _ => format!("gates: {failed} of {} failed", summary.gates.len()),
    };
    let rows: Vec<Vec<String>> = summary.gates.iter().map(gate_row).collect();
    let marked = table::lines(|_| true, &rows).into_iter().zip(&summary.gates).map(|(row, gate)| {
        let mark = if gate.ok { paint.on(32, "ok  ") } else { paint.on(31, "FAIL") };
        format!("  {mark} {row}")
    });
    std::iter::once(head).chain(marked).collect()
}

/// Metric, condition, observed value, number of samples, origin.
fn gate_row(gate: &GateResult) -> Vec<String> {
    let samples = match gate.why.as_deref() {
        Some("too_few_samples") => format!("too few samples: {}", gate.samples),
        Some(why) => plain(why).replace('_', " "),
        None => plural(gate.samples, "sample"),
    };
    let line = gate.line.as_deref().map(visible).unwrap_or_default();
    vec![plain(&gate.metric_in_words()), plain(&gate.expr), gate.observed_in_words(), samples, line]
}

fn validity(summary: &Summary, paint: &VerdictPaint) -> Vec<String> {
    let code = match summary.validity.verdict {
        _ if summary.measured_nothing() => 33,
        Verdict::Valid => 32,
        Verdict::Suspect => 33,
        Verdict::Invalid => 31,
    };
    let mut lines = vec![format!("validity: {}", paint.on(code, summary.validity_in_words()))];
    for doubt in &summary.validity.reasons {
        let (what, observed) = (plain(&doubt.what), plain(&doubt.observed));
        lines.push(format!("  {what}: {observed} (limit {}); cure: {}", plain(&doubt.limit), plain(&doubt.cure)));
    }
    lines
}

fn failures(summary: &Summary) -> Vec<String> {
    if summary.failures.is_empty() {
        return vec![];
    }
    let header = sections::FAILURE_HEADER.map(str::to_owned).to_vec();
    let shown = summary.failures.iter().take(FAILURES_MAX);
    let rows = shown.map(|row| sections::failure(row).map(|cell| plain(&cell)).to_vec());
    let rows: Vec<Vec<String>> = std::iter::once(header).chain(rows).collect();
    let mut lines = table::lines(|column| column > 1, &rows);
    if summary.failures.len() > FAILURES_MAX {
        lines.push(format!("and {} more in summary.json", summary.failures.len() - FAILURES_MAX));
    }
    lines
}

fn section(lines: &mut Vec<String>, title: Option<&str>, body: Vec<String>) {
    if body.is_empty() {
        return;
    }
    lines.push(String::new());
    let indent = if let Some(title) = title {
        lines.push(title.to_owned());
        "  "
    } else {
        ""
    };
    lines.extend(body.into_iter().map(|line| format!("{indent}{line}")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{check_snapshot, controlled, explained, hostile, run};

    #[test]
    fn a_run_on_a_terminal() {
        check_snapshot("text", &render(&run(), false));
    }

    #[test]
    fn beside_each_figure_stands_what_of_it_is_ours() {
        check_snapshot("text_control", &render(&controlled(), false));
    }

    #[test]
    fn a_failed_edge_has_its_cause_and_its_ladder() {
        check_snapshot("text_explained", &render(&explained(), false));
    }

    #[test]
    fn colours_are_only_there_when_asked_for() {
        assert!(!render(&run(), false).contains('\u{1b}'));
        assert!(render(&run(), true).contains("\u{1b}[1;31mFAIL\u{1b}[0m"));
    }

    #[test]
    fn text_from_the_target_is_inert() {
        let text = render(&hostile(), false);
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(text.lines().all(|line| !line.contains("::") && !line.contains("##[") && !line.contains("##vso[")));
    }

    #[test]
    fn a_run_that_met_nobody_is_not_called_valid_but_one_that_this_machine_spoilt_is_called_invalid() {
        let mut summary = Summary::default();
        summary.counts.peers.failed = 1;
        assert!(render(&summary, false).contains("validity: nothing was measured\n"));
        summary.validity.verdict = Verdict::Invalid;
        assert!(render(&summary, false).contains("validity: INVALID\n"));
    }

    #[test]
    fn an_empty_run_is_shown_too() {
        let text = render(&Summary::default(), false);
        assert!(text.contains("no edge opened"), "{text}");
    }
}
