//! The comparison for a pull request: the verdict, the judged changes, and the others folded away.

use crate::gates::baseline::{Change, Comparison, Difference};
use crate::report::compare::words;
use crate::report::html::sanitize;
use std::fmt::Write;

/// GitHub-flavoured Markdown, short enough for a comment: of each table, rows after the hundredth are only counted.
pub fn markdown(comparison: &Comparison) -> String {
    const ROWS_MAX: usize = 100;
    let (verdict, why) = words::verdict(comparison);
    let mut text = format!("### meshload compare: {verdict}\n\n{why}\n\n");
    let _ = writeln!(text, "- base: {}", plain(&words::side(&comparison.base)));
    let _ = writeln!(text, "- new: {}", plain(&words::side(&comparison.new)));
    for (what, differences) in [("plan", &comparison.plan), ("machine", &comparison.machine)] {
        differences.iter().take(ROWS_MAX).for_each(|difference| text.push_str(&other(what, difference)));
    }
    let (judged, shown): (Vec<&Change>, Vec<&Change>) = comparison.changes.iter().partition(|change| change.judged);
    if !judged.is_empty() {
        text.push_str(&table(&judged, ROWS_MAX));
    }
    if !shown.is_empty() {
        let table = table(&shown, ROWS_MAX);
        let _ = writeln!(text, "\n<details><summary>shown, not judged</summary>\n{table}\n</details>");
    }
    text
}

fn other(what: &str, difference: &Difference) -> String {
    let [name, base, new] = [&difference.what, &difference.base, &difference.new].map(|text| plain(&sanitize(text)));
    format!("- other {what}: {name}: {base} → {new}\n")
}

fn table(changes: &[&Change], rows_max: usize) -> String {
    let mut table = "\n| | metric | base | new | change | 95 % between |\n|---|---|--:|--:|--:|--:|\n".to_owned();
    for change in changes.iter().take(rows_max) {
        let (mark, word) = words::finding(change);
        let cells = [
            words::name(change),
            words::amount(change, change.base),
            words::amount(change, change.new),
            words::difference(change),
            words::bounds(change),
        ];
        let cells = cells.map(|cell| plain(&cell)).join(" | ");
        let strong = if change.fails() { "**" } else { "" };
        let _ = writeln!(table, "| {mark} {strong}{word}{strong} | {cells} |");
    }
    if changes.len() > rows_max {
        let _ = writeln!(table, "\nand {} more", changes.len() - rows_max);
    }
    table
}

/// Escapes every character that has a meaning in Markdown or HTML (CommonMark §2.4).
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            // The target's text must neither mention a user nor make a link.
            '@' => plain.push_str("&#64;"),
            ':' if plain.ends_with("http") || plain.ends_with("https") || plain.ends_with(':') => {
                plain.push_str("&#58;");
            }
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '!' | '~' => plain.extend(['\\', character]),
            _ => plain.push(character),
        }
    }
    plain
}
