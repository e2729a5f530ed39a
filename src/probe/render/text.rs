//! The probe's report for a terminal: the verdict, the phases, and a ladder of messages between peers.

use super::super::report::ProbeReport;
use crate::diagnosis::{Arrival, Cause, LadderStep, Party};
use crate::report::{LadderMark, heads, plain, row, timed};
use crate::summary::TargetRoute;
use std::fmt::Write;
use std::time::Duration;

/// Renders the report; with `all` also messages to and from the server.
pub fn text(report: &ProbeReport, colour: bool, all: bool) -> String {
    let paint = LadderPaint { colour };
    let mut out = String::new();
    verdict(&mut out, report, paint);
    for words in report.way.iter().flat_map(TargetRoute::in_words) {
        let _ = writeln!(out, "Reached {words}.");
    }
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

fn verdict(out: &mut String, report: &ProbeReport, paint: LadderPaint) {
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

fn phases(out: &mut String, report: &ProbeReport, paint: LadderPaint) {
    for phase in &report.phases {
        let took = phase.took_us.map_or("-".to_owned(), |us| format!("{:.1} ms", us as f64 / 1e3));
        let edges = format!("{}/{}", phase.reached, phase.edges);
        let edges = if phase.reached == phase.edges { paint.good(&edges) } else { paint.bad(&edges) };
        let _ = writeln!(out, "  {:<12} {edges} {took:>12}", phase.phase.name());
    }
}

fn ladder(out: &mut String, report: &ProbeReport, paint: LadderPaint, all: bool) {
    let size = usize::from(report.size);
    let names: Vec<String> = (0..size).map(|seat| format!("peer {seat}")).collect();
    let _ = writeln!(out, "{}", heads(&names));
    for step in report.shown_steps(all) {
        let (text, bad) = match step {
            LadderStep::Note { peer, text, bad, .. } => {
                (row(size, &LadderMark::Note { lane: peer.0.into(), text: &plain(text) }), *bad)
            }
            LadderStep::Arrow { at, from, to, kind, arrival } => {
                let label = plain(report.kind(*kind));
                let ending = ending(*at, *arrival);
                let is_lost = *arrival == Arrival::Never;
                let mark =
                    LadderMark::Arrow { from: lane(*from), to: lane(*to), label: &label, ending: &ending, is_lost };
                (row(size, &mark), matches!(arrival, Arrival::Never | Arrival::Elsewhere(_)))
            }
        };
        let text = if bad { paint.bad(text.trim_end()) } else { text.trim_end().to_owned() };
        let _ = writeln!(out, "{}", timed(step.at().as_micros() as u64, &text));
    }
}

fn lane(party: Party) -> Option<usize> {
    match party {
        Party::Peer(seat) => Some(seat.0.into()),
        Party::Server => None,
    }
}

fn ending(at: Duration, arrival: Arrival) -> String {
    match arrival {
        Arrival::Heard(heard) => format!("{:.1} ms", ms(heard.saturating_sub(at))),
        Arrival::Elsewhere(_) => "on another channel".to_owned(),
        Arrival::Never => "never arrived".to_owned(),
        Arrival::Unknown => String::new(),
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[derive(Clone, Copy)]
struct LadderPaint {
    colour: bool,
}

impl LadderPaint {
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
