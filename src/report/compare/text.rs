//! A comparison for the terminal.

use crate::gates::baseline::{Change, Comparison};
use crate::report::compare::words;
use crate::report::html::sanitize;
use std::fmt::Write;

/// Plain text, a newline at the end of each line.
pub fn text(comparison: &Comparison) -> String {
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
    for (heading, judged) in [("judged", true), ("shown only", false)] {
        let rows: Vec<[String; 6]> =
            comparison.changes.iter().filter(|change| change.judged == judged).map(row).collect();
        if !rows.is_empty() {
            line(String::new());
            aligned([heading, "base", "new", "change", "95 % between", ""].map(str::to_owned), rows)
                .for_each(&mut line);
        }
    }
    text
}

fn row(change: &Change) -> [String; 6] {
    let (mark, word) = words::finding(change);
    [
        words::name(change),
        words::amount(change, change.base),
        words::amount(change, change.new),
        words::difference(change),
        words::bounds(change),
        format!("{mark} {word}"),
    ]
}

/// Columns as wide as their widest cell; words to the left, figures to the right.
fn aligned(head: [String; 6], rows: Vec<[String; 6]>) -> impl Iterator<Item = String> {
    let all: Vec<[String; 6]> = std::iter::once(head).chain(rows).collect();
    let width = |column: usize| all.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 6] = std::array::from_fn(width);
    all.into_iter().map(move |row| {
        let cells = row.iter().zip(widths).enumerate().map(|(column, (cell, width))| match column {
            0 | 5 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        cells.collect::<Vec<_>>().join("  ")
    })
}
