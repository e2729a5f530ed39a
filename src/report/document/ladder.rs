//! A ladder diagram: a column for each peer, arrows for messages, drawn as lines of text.

use crate::report::escape::plain;

/// Characters from one peer's column to the next.
const LANE: usize = 34;
const NOTE_LETTERS_MAX: usize = 100;

/// One handshake, step by step.
#[derive(Clone, Debug, Default)]
pub struct Ladder {
    pub title: String,
    /// Shown without a click.
    pub is_unfolded: bool,
    pub says: String,
    /// The names of the columns.
    pub lanes: Vec<String>,
    pub rows: Vec<LadderRow>,
}

/// A row; `is_bad` marks a failure or a lost message.
#[derive(Clone, Debug)]
pub struct LadderRow {
    pub at_us: u64,
    pub is_bad: bool,
    pub mark: LadderMark,
}

/// The content of a row; lanes count from 0, and `None` is the server.
#[derive(Clone, Debug)]
pub enum LadderMark {
    Note { lane: usize, text: String },
    Arrow { from: Option<usize>, to: Option<usize>, label: String, ending: String, is_lost: bool },
}

impl LadderRow {
    pub fn note(at_us: u64, is_bad: bool, lane: usize, text: impl Into<String>) -> Self {
        Self { at_us, is_bad, mark: LadderMark::Note { lane, text: text.into() } }
    }

    /// A message with the outcome of `summary::TraceStep`: `heard`, `elsewhere`, `never`, or another one if its arrival
    /// is not known.
    pub fn message(at_us: u64, ends: [Option<usize>; 2], label: &str, heard_us: Option<u64>, outcome: &str) -> Self {
        let ending = match (heard_us, outcome) {
            (Some(heard_us), "heard") => format!("{:.1} ms", heard_us.saturating_sub(at_us) as f64 / 1e3),
            (_, "elsewhere") => "on another channel".to_owned(),
            (_, "never") => "never arrived".to_owned(),
            _ => String::new(),
        };
        let ([from, to], label, is_lost) = (ends, label.to_owned(), outcome == "never");
        let is_bad = matches!(outcome, "never" | "elsewhere" | "failed");
        Self { at_us, is_bad, mark: LadderMark::Arrow { from, to, label, ending, is_lost } }
    }
}

impl Ladder {
    /// The lines, head first, each with true if it is bad; texts are escaped as for a terminal.
    pub fn lines(&self) -> Vec<(String, bool)> {
        let heads: String = self.lanes.iter().map(|name| format!("{:<LANE$}", plain(name))).collect();
        let head = (format!("{:>11}  {}", "ms", heads.trim_end()), false);
        let row = |row: &LadderRow| {
            let at = format!("{:.1}", row.at_us as f64 / 1e3);
            (format!("{at:>11}  {}", line(self.lanes.len(), &row.mark).trim_end()), row.is_bad)
        };
        std::iter::once(head).chain(self.rows.iter().map(row)).collect()
    }
}

/// One row without its time.
fn line(lanes: usize, mark: &LadderMark) -> String {
    match mark {
        LadderMark::Note { lane, text } => {
            // The note may cover the lines of the lanes to its right.
            let text: String = plain(text).chars().take(NOTE_LETTERS_MAX).collect();
            written(lanes, *lane, &format!("* {text}"))
        }
        LadderMark::Arrow { from: Some(from), to: Some(to), label, ending, is_lost } => {
            arrow(lanes, [*from, *to], &plain(label), ending, *is_lost)
        }
        LadderMark::Arrow { from: Some(lane), label, .. } => {
            written(lanes, *lane, &format!("-> server: {}", plain(label)))
        }
        LadderMark::Arrow { to, label, .. } => {
            written(lanes, to.unwrap_or_default(), &format!("<- server: {}", plain(label)))
        }
    }
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

/// The text in its lane.
fn written(lanes: usize, lane: usize, text: &str) -> String {
    let mut row = empty(lanes);
    put(&mut row, lane * LANE, text);
    row.into_iter().collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_at_who_hears_and_lost_ones_say_so() {
        let check = |ends: [usize; 2], heard_us: Option<u64>, outcome: &str, expected: &str| {
            let row = LadderRow::message(1_000, ends.map(Some), "peer-ready", heard_us, outcome);
            assert_eq!(line(2, &row.mark), expected);
        };
        check([0, 1], Some(3_000), "heard", "│─────────── peer-ready ─────────▶│  2.0 ms");
        check([1, 0], None, "never", "│✗────────── peer-ready ──────────│  never arrived");
        let note = LadderRow::note(0, false, 1, "dials").mark;
        assert_eq!(line(2, &note), format!("│{}* dials", " ".repeat(33)));
    }

    #[test]
    fn a_hostile_trace_draws_a_ladder_all_the_same() {
        let label = "\u{1b}[31m\n".repeat(99);
        let ends = [[None, None], [Some(1), Some(1)], [Some(1), None], [None, Some(0)]];
        let mut rows: Vec<_> =
            ends.into_iter().map(|ends| LadderRow::message(u64::MAX, ends, &label, Some(0), "heard")).collect();
        rows.push(LadderRow::note(0, true, 1, label.clone()));
        let ladder = Ladder { lanes: vec![label; 2], rows, ..Ladder::default() };
        assert_eq!(ladder.lines().len(), 6);
        assert!(ladder.lines().iter().all(|(line, _)| !line.contains(char::is_control)));
    }
}
