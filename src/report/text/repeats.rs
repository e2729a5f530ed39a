//! Renders several runs of one plan: the gates of the median run, and the spread of the figures.

use crate::report::Format;
use crate::report::escape::plain;
use crate::report::text::table;
use crate::summary::{PercentileRange, Repeats, Verdict, metric::TIMERS};
use crate::vocabulary::{format::duration, format::plural};

/// Text or Markdown; JSON for every other format.
pub fn render_repeats(format: Format, repeats: &Repeats) -> String {
    match format {
        Format::Text { .. } => lines(repeats).join("\n") + "\n",
        Format::Markdown => format!("```text\n{}\n```\n", lines(repeats).join("\n").replace("```", "")),
        _ => {
            let mut json = serde_json::to_string_pretty(repeats).unwrap_or_default();
            json.push('\n');
            json
        }
    }
}

fn lines(repeats: &Repeats) -> Vec<String> {
    let judged = repeats.runs.iter().filter(|run| run.verdict == repeats.judged).count() as u64;
    let mut lines = vec![format!(
        "{} {}: {}, of which {judged} {} judged",
        repeats.result.name().to_uppercase(),
        plain(&repeats.name),
        plural(repeats.runs.len() as u64, "run"),
        repeats.judged.name()
    )];
    if repeats.judged != Verdict::Valid {
        lines.push("no run was VALID: these figures may be ours, not the target's".to_owned());
    }
    let runs = repeats.runs.iter().map(|run| {
        let verdict = run.verdict.name().to_owned();
        vec![format!("  {}", plain(&run.folder)), format!("seed {}", run.seed), verdict, run.result.name().to_owned()]
    });
    lines.extend(table::lines(|_| true, &runs.collect::<Vec<_>>()));
    let gates = repeats.gates.iter().map(|gate| {
        let mark = if gate.ok { "ok" } else { "FAIL" };
        let why = gate.why.as_deref().map(|why| why.replace('_', " ")).unwrap_or_default();
        vec![format!("  {mark}"), plain(&gate.metric_in_words()), plain(&gate.expr), gate.observed_in_words(), why]
    });
    let gates: Vec<_> = gates.collect();
    lines.push(if gates.is_empty() { "gates: none".to_owned() } else { "gates, of the median run:".to_owned() });
    lines.extend(table::lines(|_| true, &gates));
    if !repeats.timers.is_empty() {
        lines.push(String::new());
        let header = ["median (min to max) of the runs, due", "p50", "p95", "p99"].map(str::to_owned).to_vec();
        let shown = TIMERS.iter().filter_map(|name| Some((name, repeats.timers.get(*name)?)));
        let rows = shown
            .map(|(name, spread)| vec![(*name).to_owned(), range(spread.p50), range(spread.p95), range(spread.p99)]);
        let rows: Vec<_> = std::iter::once(header).chain(rows).collect();
        lines.extend(table::lines(|column| column == 0, &rows));
    }
    lines
}

fn range(range: PercentileRange) -> String {
    format!("{} ({} to {})", duration(range.median_us), duration(range.min_us), duration(range.max_us))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::{check_snapshot, hostile, run};

    fn repeats() -> Repeats {
        let runs = [("1".to_owned(), run()), ("2".to_owned(), run())];
        Repeats { gates: run().gates, ..Repeats::of(&runs) }
    }

    #[test]
    fn repeats_on_a_terminal() {
        check_snapshot("repeats", &render_repeats(Format::Text { color: false }, &repeats()));
    }

    #[test]
    fn text_from_the_target_is_inert_here_too() {
        let repeats = Repeats { gates: hostile().gates, ..Repeats::of(&[("1".to_owned(), hostile())]) };
        let text = render_repeats(Format::Text { color: false }, &repeats);
        assert!(!text.chars().any(|letter| letter.is_control() && letter != '\n'), "{text:?}");
        assert!(!text.contains("::error") && !text.contains("##["), "{text}");
    }

    #[test]
    fn json_is_one_document() {
        let text = render_repeats(Format::Json, &repeats());
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["runs"][1]["folder"], "2");
        assert!(json["timers"]["time_to_open"]["p50"]["median_us"].is_u64());
    }
}
