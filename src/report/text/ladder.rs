//! A ladder diagram in plain text: a column for each peer, arrows for messages.

use crate::report::escape::plain;
use crate::summary::{Trace, TraceStep};

/// Characters from one peer's column to the next.
const LANE: usize = 34;
const NOTE_LETTERS_MAX: usize = 100;

/// The content of a row; lanes count from 0, and `None` is the server.
#[derive(Clone, Debug)]
pub enum LadderMark<'a> {
    Note { lane: usize, text: &'a str },
    Arrow { from: Option<usize>, to: Option<usize>, label: &'a str, ending: &'a str, is_lost: bool },
}

/// A row of a ladder; `is_bad` marks a failure or a lost message.
pub(in crate::report) struct Row {
    pub text: String,
    pub is_bad: bool,
}

/// The head row: the names of the lanes, after the column of times.
pub fn heads(names: &[String]) -> String {
    let heads: String = names.iter().map(|name| format!("{name:<LANE$}")).collect();
    format!("{:>11}  {}", "ms", heads.trim_end())
}

/// One row without its time.
pub fn row(lanes: usize, mark: &LadderMark<'_>) -> String {
    match mark {
        LadderMark::Note { lane, text } => {
            let mut row = empty(lanes);
            // The note may cover the lines of the lanes to its right.
            let text: String = text.chars().take(NOTE_LETTERS_MAX).collect();
            put(&mut row, lane * LANE, &format!("* {text}"));
            row.into_iter().collect()
        }
        LadderMark::Arrow { from: Some(from), to: Some(to), label, ending, is_lost } => {
            arrow(lanes, [*from, *to], label, ending, *is_lost)
        }
        LadderMark::Arrow { from, to, label, .. } => {
            let (lane, sign) = match from {
                Some(lane) => (*lane, "->"),
                None => (to.unwrap_or_default(), "<-"),
            };
            let mut row = empty(lanes);
            put(&mut row, lane * LANE, &format!("{sign} server: {label}"));
            row.into_iter().collect()
        }
    }
}

/// A row with its time in front.
pub fn timed(at_us: u64, row: &str) -> String {
    format!("{:>11}  {row}", format!("{:.1}", at_us as f64 / 1e3))
}

fn arrow(lanes: usize, [from, to]: [usize; 2], label: &str, ending: &str, is_lost: bool) -> String {
    let mut row = empty(lanes);
    let (start, end) = (from * LANE, to * LANE);
    let (left, right) = (start.min(end), start.max(end));
    for cell in row.iter_mut().take(right).skip(left + 1) {
        *cell = '─';
    }
    let middle = left + (right - left).saturating_sub(label.chars().count()) / 2;
    put(&mut row, middle, &format!(" {label} "));
    match (end > start, is_lost) {
        (true, false) => row[end - 1] = '▶',
        (true, true) => row[end - 1] = '✗',
        (false, false) => row[end + 1] = '◀',
        (false, true) => row[end + 1] = '✗',
    }
    let row: String = row.into_iter().collect();
    let gap = if ending.is_empty() { "" } else { "  " };
    format!("{}{gap}{ending}", row.trim_end())
}

fn empty(lanes: usize) -> Vec<char> {
    let mut row = vec![' '; (lanes.max(1) - 1) * LANE + 2];
    for lane in 0..lanes {
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

/// The title of a trace: its room, its peers, and how it ended.
pub(in crate::report) fn title(trace: &Trace) -> String {
    let [one, two] = trace.peers;
    let end = match (&trace.failure, trace.due_us) {
        (Some(failure), _) => plain(failure),
        (None, Some(due_us)) => format!("open after {}", crate::vocabulary::format::duration(due_us)),
        (None, None) => "open".to_owned(),
    };
    format!("peer {one} and peer {two} in {}: {end}", plain(&trace.room))
}

/// The ladder of a trace, head row first; the target's text is escaped.
pub(in crate::report) fn of_trace(trace: &Trace) -> Vec<Row> {
    let names = trace.peers.map(|peer| format!("peer {peer}"));
    let head = Row { text: heads(&names), is_bad: false };
    let rows = trace.steps.iter().map(|step| Row {
        text: timed(step.at_us, of_step(step, &names).trim_end()),
        is_bad: matches!(step.outcome.as_str(), "never" | "elsewhere" | "failed"),
    });
    std::iter::once(head).chain(rows).collect()
}

fn of_step(step: &TraceStep, names: &[String; 2]) -> String {
    let lane = |name: &str| names.iter().position(|known| known == name);
    let what = plain(&step.what);
    let mark = match &step.to {
        None => LadderMark::Note { lane: lane(&step.from).unwrap_or(0), text: &what },
        Some(to) => {
            let ending = match (step.heard_us, step.outcome.as_str()) {
                (Some(heard_us), "heard") => format!("{:.1} ms", heard_us.saturating_sub(step.at_us) as f64 / 1e3),
                (_, "elsewhere") => "on another channel".to_owned(),
                (_, "never") => "never arrived".to_owned(),
                _ => String::new(),
            };
            let is_lost = step.outcome == "never";
            return row(
                2,
                &LadderMark::Arrow { from: lane(&step.from), to: lane(to), label: &what, ending: &ending, is_lost },
            );
        }
    };
    row(2, &mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_at_who_hears_and_lost_ones_say_so() {
        let check = |from: usize, to: usize, ending: &str, is_lost: bool, expected: &str| {
            let mark = LadderMark::Arrow { from: Some(from), to: Some(to), label: "peer-ready", ending, is_lost };
            assert_eq!(row(2, &mark), expected);
        };
        check(0, 1, "2.0 ms", false, "│─────────── peer-ready ─────────▶│  2.0 ms");
        check(1, 0, "never arrived", true, "│✗────────── peer-ready ──────────│  never arrived");
        let note = LadderMark::Note { lane: 1, text: "dials" };
        assert_eq!(row(2, &note), format!("│{}* dials", " ".repeat(33)));
    }

    #[test]
    fn a_hostile_trace_draws_a_ladder_all_the_same() {
        let step = |from: &str, to: Option<&str>| TraceStep {
            at_us: u64::MAX,
            from: from.to_owned(),
            to: to.map(str::to_owned),
            what: "\u{1b}[31m\n".repeat(99),
            heard_us: Some(0),
            outcome: "heard".to_owned(),
        };
        let steps =
            vec![step("x", None), step("peer 1", Some("peer 1")), step("peer 1", Some("x")), step("", Some(""))];
        let rows = of_trace(&Trace { peers: [1, 1], steps, ..Trace::default() });
        assert_eq!(rows.len(), 5);
        assert!(rows.iter().all(|row| !row.text.contains(char::is_control)));
    }
}
