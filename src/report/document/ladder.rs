//! A ladder diagram: a column for each peer, arrows for messages, drawn as lines of text.

use crate::report::escape::plain;
use crate::summary::TraceStep;
use crate::vocabulary::format::milliseconds;

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
    /// The names of the columns, as the steps have them.
    pub lanes: Vec<String>,
    pub steps: Vec<TraceStep>,
}

impl Ladder {
    /// The lines, head first, each with true if it is bad; texts are escaped as for a terminal.
    pub fn lines(&self) -> Vec<(String, bool)> {
        let heads: String = self.lanes.iter().map(|name| format!("{:<LANE$}", plain(name))).collect();
        let head = (format!("{:>11}  {}", "ms", heads.trim_end()), false);
        let row = |step: &TraceStep| {
            let at = format!("{:.1}", step.at_us as f64 / 1e3);
            let is_bad = matches!(step.outcome.as_str(), "never" | "elsewhere" | "failed");
            (format!("{at:>11}  {}", self.line(step).trim_end()), is_bad)
        };
        std::iter::once(head).chain(self.steps.iter().map(row)).collect()
    }

    /// One row without its time.
    fn line(&self, step: &TraceStep) -> String {
        let (lanes, label) = (self.lanes.len(), plain(&step.what));
        let lane = |name: &str| self.lanes.iter().position(|known| known == name);
        match (lane(&step.from), &step.to) {
            // The note may cover the lines of the lanes to its right.
            (from, None) => {
                let text: String = label.chars().take(NOTE_LETTERS_MAX).collect();
                written(lanes, from.unwrap_or(0), &format!("* {text}"))
            }
            (Some(from), Some(to)) => match lane(to) {
                Some(to) => arrow(lanes, [from, to], &label, &ending(step), step.outcome == "never"),
                None => written(lanes, from, &format!("-> server: {label}")),
            },
            (None, Some(to)) => written(lanes, lane(to).unwrap_or(0), &format!("<- server: {label}")),
        }
    }
}

/// The way of a message, behind its arrow.
fn ending(step: &TraceStep) -> String {
    match (step.heard_us, step.outcome.as_str()) {
        (Some(heard_us), "heard") => milliseconds(heard_us.saturating_sub(step.at_us)),
        (_, "elsewhere") => "on another channel".to_owned(),
        (_, "never") => "never arrived".to_owned(),
        _ => String::new(),
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
    let (tip, head) = if end > start { (end - 1, '▶') } else { (end + 1, '◀') };
    row[tip] = if is_lost { '✗' } else { head };
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

    fn step(ends: [&str; 2], what: &str, heard_us: Option<u64>, outcome: &str) -> TraceStep {
        let to = Some(ends[1]).filter(|to| !to.is_empty()).map(str::to_owned);
        let (from, what, outcome) = (ends[0].to_owned(), what.to_owned(), outcome.to_owned());
        TraceStep { at_us: 1_000, from, to, what, heard_us, outcome }
    }

    fn two(steps: Vec<TraceStep>) -> Ladder {
        Ladder { lanes: ["peer 0", "peer 1"].map(str::to_owned).into(), steps, ..Ladder::default() }
    }

    #[test]
    fn arrows_point_at_who_hears_and_lost_ones_say_so() {
        let check = |ends: [&str; 2], heard_us: Option<u64>, outcome: &str, expected: &str| {
            assert_eq!(two(vec![]).line(&step(ends, "peer-ready", heard_us, outcome)).trim_end(), expected);
        };
        check(["peer 0", "peer 1"], Some(3_000), "heard", "│─────────── peer-ready ─────────▶│  2.0 ms");
        check(["peer 1", "peer 0"], None, "never", "│✗────────── peer-ready ──────────│  never arrived");
        check(["peer 1", ""], None, "ok", &format!("│{}* peer-ready", " ".repeat(33)));
        check(["server", "peer 0"], None, "said", &format!("<- server: peer-ready{}│", " ".repeat(13)));
        check(["peer 0", "server"], None, "said", &format!("-> server: peer-ready{}│", " ".repeat(13)));
    }

    #[test]
    fn a_hostile_trace_draws_a_ladder_all_the_same() {
        let label = "\u{1b}[31m\n".repeat(99);
        let ends = [["server", "server"], ["peer 1", "peer 1"], ["x", "peer 0"], ["peer 1", "x"], ["x", ""], ["", ""]];
        let steps = ends.map(|ends| TraceStep { at_us: u64::MAX, ..step(ends, &label, Some(0), "heard") });
        let ladder = Ladder { title: label.clone(), ..two(steps.into()) };
        assert_eq!(ladder.lines().len(), 7);
        assert!(ladder.lines().iter().all(|(line, _)| !line.contains(char::is_control)));
    }
}
