//! The panels of words and figures: phases by who pays, gates, failures, the log.

use super::course::LiveCourse;
use super::fit::fitted;
use super::news::{LogEntry, fails, failure};
use super::palette::Palette;
use crate::report::MetricsSnapshot;
use crate::summary::{GateResult, SparseHistogram, Verdict};
use crate::vocabulary::Phase;
use crate::vocabulary::format::{bytes, count, duration, known};
use crate::vocabulary::inert_text::inert;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

/// Characters of a line.
const CHARS_MAX: usize = 300;
/// Timers after the phases, while there is space: the generator's share, and those of messages.
const MORE_TIMERS: [&str; 5] = ["own_work", "own_wait", "signal_delivery", "message_latency", "message_rtt"];

/// The rows that the timers, and the gates beside them, would fill with their frame.
pub(super) fn middle_rows(snapshot: &MetricsSnapshot) -> u16 {
    timers(snapshot).len().max(snapshot.summary.gates.len()) as u16 + 2
}

/// The phases of an edge, and the other timers that have samples.
fn timers(snapshot: &MetricsSnapshot) -> Vec<(&'static str, Option<Phase>)> {
    let phases = Phase::OF_AN_EDGE.map(|phase| (phase.name(), Some(phase)));
    let more = MORE_TIMERS.into_iter().filter(|name| samples(snapshot, name).is_some());
    phases.into_iter().chain(more.map(|name| (name, None))).collect()
}

fn samples<'a>(snapshot: &'a MetricsSnapshot, timer: &str) -> Option<&'a SparseHistogram> {
    snapshot.samples.timers.get(timer).map(|timer| &timer.due).filter(|due| due.count() > 0)
}

fn panel(title: &'static str, palette: Palette) -> Block<'static> {
    Block::bordered().border_style(palette.faint()).title(Span::styled(title, Style::new()))
}

/// The phases of an edge: percentiles, and a bar to p50 (by who pays) and on to p95 (light).
pub(super) fn phases(snapshot: &MetricsSnapshot, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    let legend = Line::from(" pays: █ target  ▓ peers  ▒ meshload ").style(palette.faint());
    let block = panel(" phases          p50      p95 ", palette).title_bottom(legend);
    let inner = block.inner(area);
    let shown: Vec<_> = timers(snapshot).into_iter().take(usize::from(inner.height)).collect();
    let p95 = |samples: &SparseHistogram| samples.quantile_us(0.95);
    let most_us = shown.iter().filter_map(|(name, _)| samples(snapshot, name)).map(p95).max().unwrap_or(0).max(1);
    let name_width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let width = usize::from(inner.width).saturating_sub(name_width + 21);
    let line = |(name, phase): (&str, Option<Phase>)| {
        let [p50, p95] = [0.5, 0.95].map(|at| samples(snapshot, name).map(|samples| samples.quantile_us(at)));
        let (block, colour) = match phase {
            Some(phase) if phase.belongs_to_target() => ("█", Color::Blue),
            None if name == "signal_delivery" => ("█", Color::Blue),
            None if name.starts_with("own_") => ("▒", Color::Cyan),
            Some(_) | None => ("▓", Color::Magenta),
        };
        let columns = |us: Option<u64>| (us.unwrap_or(0) as f64 / most_us as f64 * width as f64).round() as usize;
        let (full, whole) = (columns(p50).max(usize::from(p50.is_some())), columns(p95));
        let bar = [block.repeat(full), "░".repeat(whole.saturating_sub(full))].concat();
        let [p50, p95] = [p50, p95].map(|us| known(us, duration));
        let figures = format!(" {name:<name_width$} {p50:>8} {p95:>8} ");
        Line::from(vec![figures.into(), Span::styled(bar, palette.of(colour))])
    };
    frame.render_widget(Paragraph::new(shown.into_iter().map(line).collect::<Vec<_>>()).block(block), area);
}

/// The gates as they stand, failing ones first, and the generator's strain below.
pub(super) fn gates(snapshot: &MetricsSnapshot, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    let block = panel(" gates so far ", palette).title_bottom(generator(snapshot, palette, area.width));
    let (rows, width) = (usize::from(block.inner(area).height), usize::from(block.inner(area).width));
    let mut gates: Vec<&GateResult> = snapshot.summary.gates.iter().collect();
    gates.sort_by_key(|gate| !fails(gate));
    let left_out = gates.len().saturating_sub(rows);
    let shown = if left_out > 0 { rows.saturating_sub(1) } else { rows };
    let mut lines: Vec<Line<'_>> = gates.iter().take(shown).map(|gate| gate_line(gate, palette, width)).collect();
    if left_out > 0 {
        lines.push(Line::from(format!(" and {} more", count((gates.len() - shown) as u64))));
    }
    if gates.is_empty() {
        lines.push(Line::from(" none").style(palette.faint()));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn gate_line(gate: &GateResult, palette: Palette, width: usize) -> Line<'static> {
    let (sign, style) = match (gate.ok, fails(gate)) {
        (true, _) => ("✓", palette.good()),
        (_, true) => ("✗", palette.bad()),
        _ => ("…", palette.open()),
    };
    let observed = match gate.why.as_deref() {
        Some("too_few_samples") => format!("{}, too few", gate.observed_in_words()),
        _ => gate.observed_in_words(),
    };
    let room = width.saturating_sub(observed.chars().count() + 6);
    let gate = inert(&format!("{} {}", gate.metric_in_words(), gate.expr), room);
    let gap = (room + 2).saturating_sub(gate.chars().count());
    Line::from(vec![Span::styled(format!(" {sign} "), style), format!("{gate}{}{observed}", " ".repeat(gap)).into()])
}

/// All gates in one short line.
pub(super) fn gates_line(snapshot: &MetricsSnapshot, palette: Palette) -> Line<'static> {
    let gates = &snapshot.summary.gates;
    let holding = gates.iter().filter(|gate| gate.ok).count();
    let mut spans = vec![Span::from(format!(" gates: {holding} of {} hold", gates.len()))];
    if let Some(gate) = gates.iter().find(|gate| fails(gate)) {
        spans.push(Span::styled(format!(", fails: {}", inert(&gate.in_words(), CHARS_MAX)), palette.bad()));
    }
    Line::from(spans)
}

/// ` VALID · 0.84/2 cores · lag 1.20 ms · 61 MiB `: the strain of the generator, the lag at p99.
fn generator(snapshot: &MetricsSnapshot, palette: Palette, width: u16) -> Line<'static> {
    let (summary, lag) = (&snapshot.summary, &snapshot.samples.lag);
    let verdict = summary.validity.verdict;
    let style = match verdict {
        Verdict::Valid => palette.good(),
        Verdict::Suspect => palette.open(),
        Verdict::Invalid => palette.bad(),
    };
    let (health, cores) = (&summary.health, summary.run.machine.cores);
    let memory = if width > 50 { format!("· {} ", bytes(health.rss_bytes_max)) } else { String::new() };
    let strain = format!("· {:.2}/{cores} cores · lag {} {memory}", health.cpu_cores, duration(lag.quantile_us(0.99)));
    Line::from(vec![Span::styled(format!(" {} ", verdict.name()), style), Span::styled(strain, palette.faint())])
}

/// The failures so far, the most frequent first.
pub(super) fn failures(snapshot: &MetricsSnapshot, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    let block = panel(" failures ", palette).borders(Borders::TOP);
    let rows = snapshot.summary.failures.iter().take(usize::from(block.inner(area).height));
    let line = |row| Line::from(format!(" {}", inert(&failure(row), CHARS_MAX))).style(palette.bad());
    let mut lines: Vec<Line<'_>> = rows.map(|row| fitted(line(row), area.width)).collect();
    if lines.is_empty() {
        lines.push(Line::from(" none").style(palette.faint()));
    }
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

/// The latest lines of the log, the newest at the bottom.
pub(super) fn log(course: &LiveCourse, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    // Two lines are worth more than one with a title.
    let has_title = area.height > 2;
    let block = if has_title { panel(" log ", palette).borders(Borders::TOP) } else { Block::new() };
    let rows = usize::from(block.inner(area).height);
    let line = |line: &super::course::LogLine| {
        let style = match line.news {
            LogEntry::Course(_) => Style::new(),
            LogEntry::Trouble(_) => palette.open(),
            LogEntry::Alarm(_) => palette.bad(),
            LogEntry::Told(_) => palette.faint(),
        };
        let seconds = line.at.as_secs();
        let at = Span::styled(format!(" {:>2}:{:02} ", seconds / 60, seconds % 60), palette.faint());
        fitted(Line::from(vec![at, Span::styled(line.news.text().to_owned(), style)]), area.width)
    };
    let lines: Vec<Line<'_>> = course.log.iter().rev().take(rows).rev().map(line).collect();
    frame.render_widget(Paragraph::new(lines).block(block), area);
}
