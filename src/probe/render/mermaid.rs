//! The probe's report as a Mermaid sequence diagram.

use super::super::report::ProbeReport;
use crate::vocabulary::format::milliseconds;
use std::fmt::Write;

/// Renders the shown handshake; with `all` also messages to and from the server.
pub fn mermaid(report: &ProbeReport, all: bool) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for seat in 0..report.peers {
        let _ = writeln!(out, "    participant P{seat} as peer {seat}");
    }
    if all || report.peers == 0 {
        out.push_str("    participant S as server\n");
    }
    for step in report.shown_steps(all) {
        let (at, from, what) = (milliseconds(step.at_us), id(&step.from), safe(&step.what));
        let _ = match &step.to {
            None => writeln!(out, "    Note over {from}: {at} {what}"),
            Some(to) => {
                let (head, ending) = match step.outcome.as_str() {
                    "never" => ("--x", ", never arrived"),
                    "elsewhere" => ("--)", ", on another channel"),
                    _ => ("->>", ""),
                };
                writeln!(out, "    {from}{head}{}: {at} {what}{ending}", id(to))
            }
        };
    }
    let over = if report.peers == 0 { "S".to_owned() } else { format!("P0,P{}", report.peers - 1) };
    let _ = writeln!(out, "    Note over {over}: {}", safe(&report.headline()));
    out
}

/// The participant of a side of a step.
fn id(side: &str) -> String {
    match side.strip_prefix("peer ").and_then(|seat| seat.parse::<u16>().ok()) {
        Some(seat) => format!("P{seat}"),
        None => "S".to_owned(),
    }
}

/// Replaces each character that may have a meaning in Mermaid, such as `;`, `#` and `<`, by `?`.
fn safe(text: &str) -> String {
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || " -_.,:()/".contains(character) { character } else { '?' }
    };
    text.chars().map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_mermaids() {
        assert_eq!(safe("a; b #35; <br/> %% end\nP0->>P1"), "a? b ?35? ?br/? ?? end?P0-??P1");
    }
}
