//! The live view as a picture of its size: what stands where.

use super::course::LiveCourse;
use super::fit::fitted;
use super::palette::Palette;
use super::{curve, panels, rooms};
use crate::report::MetricsSnapshot;
use crate::summary::wall_time::from_rfc3339;
use crate::vocabulary::format::count;
use crate::vocabulary::inert_text::inert;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use std::time::Duration;

/// The least size at which every panel is shown.
const FULL: (u16, u16) = (72, 22);
/// The least width at which failures stand beside the log.
const WIDE: u16 = 110;
/// Characters of a name or an address.
const CHARS_MAX: usize = 200;

/// Draws the run as it stands; any size will do.
pub(super) fn draw(course: &LiveCourse, frame: &mut Frame<'_>) {
    let palette = Palette { colour: course.colour };
    let area = frame.area();
    let [head, body, foot] =
        Layout::vertical([Constraint::Length(3), Constraint::Fill(1), Constraint::Length(1)]).areas(area);
    frame.render_widget(Paragraph::new(header(course, palette, head.width)), head);
    let keys = Line::from(" q leaves this view, and the run goes on · Ctrl-C ends the run").style(palette.faint());
    frame.render_widget(Paragraph::new(fitted(keys, foot.width)), foot);
    let Some(snapshot) = &course.snapshot else {
        panels::log(course, palette, frame, body);
        return;
    };
    if area.width < FULL.0 || area.height < FULL.1 {
        let [gates, body] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(body);
        frame.render_widget(Paragraph::new(fitted(panels::gates_line(snapshot, palette), gates.width)), gates);
        rooms::draw(snapshot, palette, frame, body);
        return;
    }
    let middle = panels::middle_rows(snapshot).clamp(9, (body.height * 9 / 20).max(9));
    let upper = ((body.height - middle) * 7 / 10).max(9);
    let [upper, middle, lower] =
        Layout::vertical([Constraint::Length(upper), Constraint::Length(middle), Constraint::Fill(1)]).areas(body);
    let [left, right] = halves(upper);
    rooms::draw(snapshot, palette, frame, left);
    curve::draw(course, palette, frame, right);
    let [left, right] = halves(middle);
    panels::phases(snapshot, palette, frame, left);
    panels::gates(snapshot, palette, frame, right);
    if area.width < WIDE {
        panels::log(course, palette, frame, lower);
        return;
    }
    let [left, right] = halves(lower);
    panels::log(course, palette, frame, left);
    panels::failures(snapshot, palette, frame, right);
}

fn halves(area: Rect) -> [Rect; 2] {
    Layout::horizontal([Constraint::Fill(1), Constraint::Fill(1)]).areas(area)
}

fn header(course: &LiveCourse, palette: Palette, width: u16) -> Vec<Line<'static>> {
    let Some(snapshot) = &course.snapshot else {
        return vec![Line::from(" meshload: the run is about to begin").style(Modifier::BOLD)];
    };
    let run = &snapshot.summary.run;
    let what = format!("  to {}  {} · {} · seed {}", inert(&run.target, CHARS_MAX), run.engine, run.dialect, run.seed);
    let name = Span::styled(format!(" {}", inert(&run.name, CHARS_MAX)), Modifier::BOLD);
    vec![
        fitted(Line::from(vec![name, what.into()]), width),
        time_line(course, snapshot, palette, width),
        fitted(counts_line(snapshot, palette), width),
    ]
}

/// `steady 3 s of 10 s ━━━━━━──── 8 s of 11 s`: the phase, and the whole run.
fn time_line(course: &LiveCourse, snapshot: &MetricsSnapshot, palette: Palette, width: u16) -> Line<'static> {
    let summary = &snapshot.summary;
    let phase = summary.phases.last();
    let name = phase.map_or("start", |phase| phase.name.as_str()).to_owned();
    let begun = phase.and_then(|phase| {
        let since = from_rfc3339(&phase.started_at)?.duration_since(from_rfc3339(&summary.run.started_at)?);
        Some(since.unwrap_or_default())
    });
    let in_phase = course.elapsed.saturating_sub(begun.unwrap_or_default()).as_secs();
    let of = course.planned.of_phase(&name).map(|length| format!(" of {} s", length.as_secs()));
    let left = format!(" {name} {in_phase} s{} ", of.unwrap_or_default());
    let (elapsed, whole) = (course.elapsed.as_secs(), course.planned.whole.as_secs_f64().ceil() as u64);
    let right = match whole.checked_sub(elapsed) {
        _ if snapshot.has_ended => format!(" ended after {elapsed} s "),
        Some(left) if left > 0 => format!(" {elapsed} s of about {whole} s "),
        _ => format!(" {elapsed} s, waiting for what is open "),
    };
    let room = usize::from(width).saturating_sub(left.chars().count() + right.chars().count());
    let share = course.elapsed.as_secs_f64() / course.planned.whole.max(Duration::from_millis(1)).as_secs_f64();
    let done = (share.clamp(0.0, 1.0) * room as f64) as usize;
    Line::from(vec![
        Span::styled(left, Modifier::BOLD),
        Span::styled("━".repeat(done), palette.good()),
        Span::styled("─".repeat(room - done), palette.faint()),
        right.into(),
    ])
}

fn counts_line(snapshot: &MetricsSnapshot, palette: Palette) -> Line<'static> {
    let tally = &snapshot.tally;
    let trouble = |number: u64, words: &str| {
        (number > 0).then(|| Span::styled(format!("  {} {words}", count(number)), palette.bad()))
    };
    let of = |part: u64, whole: u64| format!("{} of {}", count(part), count(whole));
    let mut spans = vec![Span::from(format!(" peers {}", of(tally.peers_joined, tally.peers_planned)))];
    spans.extend(trouble(tally.peers_failed, "failed"));
    spans.extend(trouble(tally.peers_dropped, "never started"));
    spans.push(format!("  edges {}", of(tally.edges_opened, tally.edges_planned)).into());
    spans.extend(trouble(tally.edges_failed, "failed"));
    if tally.messages_sent > 0 {
        spans.push(format!("  messages {}", of(tally.messages_delivered, tally.messages_sent)).into());
    }
    Line::from(spans)
}
