//! A Mermaid sequence diagram, for an issue or a page that renders it.

use super::super::report::ProbeReport;
use crate::diagnosis::{Arrival, LadderStep, Party};
use std::fmt::Write;

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

/// Letters, digits and harmless signs: `;` and `#` end or begin something in Mermaid, `<` is markup.
fn safe(text: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || " -_.,:()/".contains(letter) { letter } else { '?' };
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
