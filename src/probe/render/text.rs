//! For a terminal: the verdict first, then a ladder of who said what to whom.

use super::super::report::Report;
use crate::diagnosis::{Arrival, Cause, Party, Step};
use crate::report::plain;
use crate::vocabulary::ids::Seat;
use std::fmt::Write;
use std::time::Duration;

/// Columns from one peer's line to the next.
const LANE: usize = 34;
const NOTE_LETTERS_MAX: usize = 100;

/// `all`: the small talk with the server as well.
pub fn text(report: &Report, colour: bool, all: bool) -> String {
    let paint = Paint { colour };
    let mut out = String::new();
    verdict(&mut out, report, paint);
    if !report.phases.is_empty() {
        out.push('\n');
        phases(&mut out, report, paint);
    }
    if let Some(repeat) = &report.repeat {
        let _ = writeln!(out, "\n{} of {} handshakes opened every channel.", repeat.opened, repeat.tries);
        for (phase, count) in &repeat.stopped {
            let _ = writeln!(out, "  {count} stopped in {phase}");
        }
    }
    if !report.steps.is_empty() {
        out.push('\n');
        ladder(&mut out, report, paint, all);
    }
    if !report.remedies.is_empty() {
        out.push_str("\nRemedies tried\n");
        for remedy in &report.remedies {
            let mark = if remedy.worked { paint.good("works") } else { paint.bad("fails") };
            let _ = writeln!(out, "  {mark}  {}: {}", remedy.remedy, plain(&remedy.detail));
        }
    }
    if report.diagnosis.cause == Cause::None {
        out.push_str(
            "\nSignaling works from here. Not tested: NAT, TURN, browsers: --engine webrtc --ice-server turn:…\n",
        );
    }
    out
}

fn verdict(out: &mut String, report: &Report, paint: Paint) {
    let diagnosis = &report.diagnosis;
    let opened = format!("{} of {} channels opened", report.opened, report.planned);
    match diagnosis.cause {
        Cause::None => {
            let _ = writeln!(out, "{}: {opened}", paint.good(&report.headline()));
        }
        cause => {
            let confidence = format!("{:?}", diagnosis.confidence).to_lowercase();
            let _ = writeln!(out, "{}: {opened} (confidence: {confidence})", paint.bad(&report.headline()));
            let _ = writeln!(out, "{}", cause.meaning());
            for line in &diagnosis.evidence {
                let _ = writeln!(out, "  - {}", plain(line));
            }
            if !diagnosis.remedy.is_empty() {
                let _ = writeln!(out, "What to do: {}", diagnosis.remedy);
            }
        }
    }
}

fn phases(out: &mut String, report: &Report, paint: Paint) {
    for phase in &report.phases {
        let took = phase.took_us.map_or("-".to_owned(), |us| format!("{:.1} ms", us as f64 / 1e3));
        let edges = format!("{}/{}", phase.reached, phase.edges);
        let edges = if phase.reached == phase.edges { paint.good(&edges) } else { paint.bad(&edges) };
        let _ = writeln!(out, "  {:<12} {edges} {took:>12}", phase.phase.name());
    }
}

fn ladder(out: &mut String, report: &Report, paint: Paint, all: bool) {
    let size = usize::from(report.size);
    let heads: String = (0..size).map(|seat| format!("{:<LANE$}", format!("peer {seat}"))).collect();
    let _ = writeln!(out, "{:>11}  {}", "ms", heads.trim_end());
    for step in report.shown_steps(all) {
        let (row, bad) = match step {
            Step::Note { peer, text, bad, .. } => (note(size, *peer, &plain(text)), *bad),
            Step::Arrow { at, from, to, kind, arrival } => {
                let label = plain(report.kind(*kind));
                (
                    arrow(size, *from, *to, &label, *at, *arrival),
                    matches!(arrival, Arrival::Never | Arrival::Elsewhere(_)),
                )
            }
        };
        let row = if bad { paint.bad(row.trim_end()) } else { row.trim_end().to_owned() };
        let _ = writeln!(out, "{:>11}  {row}", format!("{:.1}", ms(step.at())));
    }
}

/// A text beside its peer's line.
fn note(size: usize, peer: Seat, text: &str) -> String {
    let mut row = lanes(size);
    // What happened matters more than the lines of the others.
    let text: String = text.chars().take(NOTE_LETTERS_MAX).collect();
    put(&mut row, usize::from(peer.0) * LANE, &format!("* {text}"));
    row.into_iter().collect()
}

fn arrow(size: usize, from: Party, to: Party, label: &str, at: Duration, arrival: Arrival) -> String {
    let column = |party: Party| match party {
        Party::Peer(seat) => Some(usize::from(seat.0) * LANE),
        Party::Server => None,
    };
    let ending = match arrival {
        Arrival::Heard(heard) => format!("  {:.1} ms", ms(heard.saturating_sub(at))),
        Arrival::Elsewhere(_) => "  on another channel".to_owned(),
        Arrival::Never => "  never arrived".to_owned(),
        Arrival::Unknown => String::new(),
    };
    let mut row = lanes(size);
    let (Some(start), Some(end)) = (column(from), column(to)) else {
        let (peer, sign) = match (column(from), column(to)) {
            (Some(peer), _) => (peer, "->"),
            (_, peer) => (peer.unwrap_or_default(), "<-"),
        };
        put(&mut row, peer, &format!("{sign} server: {label}"));
        return row.into_iter().collect();
    };
    let (left, right) = (start.min(end), start.max(end));
    for cell in &mut row[left + 1..right] {
        *cell = '─';
    }
    let middle = left + (right - left).saturating_sub(label.chars().count()) / 2;
    put(&mut row, middle, &format!(" {label} "));
    let lost = arrival == Arrival::Never;
    match (end > start, lost) {
        (true, false) => row[end - 1] = '▶',
        (true, true) => row[end - 1] = '✗',
        (false, false) => row[end + 1] = '◀',
        (false, true) => row[end + 1] = '✗',
    }
    let row: String = row.into_iter().collect();
    format!("{}{ending}", row.trim_end())
}

fn lanes(size: usize) -> Vec<char> {
    let mut row = vec![' '; (size.max(1) - 1) * LANE + 1];
    for lane in 0..size {
        row[lane * LANE] = '│';
    }
    row
}

fn put(row: &mut Vec<char>, at: usize, text: &str) {
    for (index, letter) in text.chars().enumerate() {
        if row.len() <= at + index {
            row.push(' ');
        }
        row[at + index] = letter;
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[derive(Clone, Copy)]
struct Paint {
    colour: bool,
}

impl Paint {
    fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_at_who_hears_and_lost_ones_say_so() {
        let ms = Duration::from_millis;
        let check = |from: u16, to: u16, arrival, expected: &str| {
            let row = arrow(2, Party::Peer(Seat(from)), Party::Peer(Seat(to)), "peer-ready", ms(1), arrival);
            assert_eq!(row, expected);
        };
        check(0, 1, Arrival::Heard(ms(3)), "│─────────── peer-ready ─────────▶│  2.0 ms");
        check(1, 0, Arrival::Never, "│✗────────── peer-ready ──────────│  never arrived");
        assert_eq!(note(2, Seat(1), "dials"), format!("│{}* dials", " ".repeat(33)));
    }
}
