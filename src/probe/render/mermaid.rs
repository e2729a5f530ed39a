//! The probe's report as a Mermaid sequence diagram.

use super::super::report::ProbeReport;
use crate::diagnosis::{Arrival, LadderStep, Party};
use std::fmt::Write;

/// Renders the shown handshake; with `all` also messages to and from the server.
pub fn mermaid(report: &ProbeReport, all: bool) -> String {
    let mut out = String::from("sequenceDiagram\n");
    for seat in 0..report.size {
        let _ = writeln!(out, "    participant P{seat} as peer {seat}");
    }
    if all || report.size == 0 {
        out.push_str("    participant S as server\n");
    }
    for step in report.shown_steps(all) {
        let at = format!("{:.1} ms", step.at().as_secs_f64() * 1e3);
        let _ = match step {
            LadderStep::Note { peer, text, .. } => writeln!(out, "    Note over P{}: {at} {}", peer.0, safe(text)),
            LadderStep::Arrow { from, to, kind, arrival, .. } => {
                let (head, ending) = match arrival {
                    Arrival::Never => ("--x", ", never arrived"),
                    Arrival::Elsewhere(_) => ("--)", ", on another channel"),
                    Arrival::Heard(_) | Arrival::Unknown => ("->>", ""),
                };
                let kind = safe(report.kind(*kind));
                writeln!(out, "    {}{head}{}: {at} {kind}{ending}", id(*from), id(*to))
            }
        };
    }
    let over = if report.size == 0 { "S".to_owned() } else { format!("P0,P{}", report.size - 1) };
    let _ = writeln!(out, "    Note over {over}: {}", safe(&report.headline()));
    out
}

fn id(party: Party) -> String {
    match party {
        Party::Peer(seat) => format!("P{}", seat.0),
        Party::Server => "S".to_owned(),
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
