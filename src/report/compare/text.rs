//! The comparison for a terminal.

use crate::gates::baseline::{Change, Comparison};
use crate::report::compare::words;
use crate::report::html::sanitize;
use crate::report::text::table::lines;
use std::fmt::Write;

/// Plain text with a newline at the end of each line; figures that decide nothing only if `verbose`.
pub fn text(comparison: &Comparison, verbose: bool) -> String {
    let mut text = String::new();
    let (verdict, why) = words::verdict(comparison);
    let mut line = |line: String| {
        let _ = writeln!(text, "{}", line.trim_end());
    };
    line(format!("{verdict}: {why}"));
    line(format!("  base  {}", words::side(&comparison.base)));
    line(format!("  new   {}", words::side(&comparison.new)));
    for (what, differences) in [("plan", &comparison.plan), ("machine", &comparison.machine)] {
        for difference in differences {
            let (base, new) = (sanitize(&difference.base), sanitize(&difference.new));
            line(format!("  other {what}: {} {base} -> {new}", sanitize(&difference.what)));
        }
    }
    for (heading, judged) in [("judged", true), ("shown only", false)].into_iter().take(if verbose { 2 } else { 1 }) {
        let mut rows: Vec<Vec<String>> =
            comparison.changes.iter().filter(|change| change.judged == judged).map(row).collect();
        if !rows.is_empty() {
            line(String::new());
            rows.insert(
                0,
                [heading, "base", "new", "change", "95 % between", "allowed", ""].map(str::to_owned).to_vec(),
            );
            lines(|column| column == 0 || column == 6, &rows).into_iter().for_each(&mut line);
        }
    }
    text
}

fn row(change: &Change) -> Vec<String> {
    let (mark, word) = words::finding(change);
    vec![
        words::name(change),
        words::amount(change, change.base),
        words::amount(change, change.new),
        words::difference(change),
        words::bounds(change),
        words::allowed(change),
        format!("{mark} {word}"),
    ]
}
