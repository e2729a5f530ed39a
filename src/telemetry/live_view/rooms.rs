//! The rooms of a run as meshes that fill up: peer by peer while there is space, else a cell for each room or for several.

use super::palette::Palette;
use crate::metrics::{EdgeState, LiveRoom};
use crate::report::MetricsSnapshot;
use crate::vocabulary::format::count;
use crate::vocabulary::inert_text::inert;
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Block;

/// Heights of a cell by the share of a room's edges that are open, from an eighth up.
const LEVELS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// Characters of a room's name.
const NAME_MAX: usize = 12;

/// The size of one room's mesh on the screen.
#[derive(Clone, Copy, Debug)]
struct Mesh {
    /// Columns from one edge to the next.
    step: u16,
    has_name: bool,
    /// Peers of the largest room.
    size: u16,
    name_width: u16,
}

impl Mesh {
    fn width(self) -> u16 {
        let edges = (self.size - 1) * self.step;
        edges.max(if self.has_name { self.name_width } else { 0 }) + 2
    }

    fn height(self) -> u16 {
        self.size + u16::from(self.has_name)
    }

    /// The number of rooms that fit into `area`.
    fn fit(self, area: Rect) -> (u16, u16) {
        // The last of a row needs no gap after it, and the last row none below.
        ((area.width + 2) / self.width(), (area.height + 1) / self.height())
    }
}

pub(super) fn draw(snapshot: &MetricsSnapshot, palette: Palette, frame: &mut Frame<'_>, area: Rect) {
    let rooms = &snapshot.rooms;
    let whole = rooms.iter().filter(|room| room.opened == room.edges).count() as u64;
    let title = format!(" {} of {} rooms whole ", count(whole), count(rooms.len() as u64));
    let inner = Block::bordered().inner(area);
    let prefix = format!("{}-", snapshot.summary.run.id);
    let names: Vec<String> =
        rooms.iter().map(|room| inert(room.label.strip_prefix(&prefix).unwrap_or(&room.label), NAME_MAX)).collect();
    let mesh = mesh(rooms, &names, inner);
    let each = rooms.len().div_ceil((usize::from(inner.width) * usize::from(inner.height)).max(1)).max(1);
    let legend = match mesh {
        Some(_) => " · wait ◦ try ■ open □ left × failed ".to_owned(),
        None if each == 1 => " a cell a room: ▁▄█ open  × a failure ".to_owned(),
        None => format!(" a cell for {each} rooms: ▁▄█ open  × a failure "),
    };
    let block = Block::bordered()
        .border_style(palette.faint())
        .title(title)
        .title_bottom(Line::from(legend).style(palette.faint()));
    frame.render_widget(block, area);
    let buffer = frame.buffer_mut();
    match mesh {
        Some(mesh) => draw_meshes(rooms, &names, mesh, palette, inner, buffer),
        None => draw_cells(rooms, each, palette, inner, buffer),
    }
}

/// The largest way to draw every room edge by edge; `None` if there is no space, or the edges are not known.
fn mesh(rooms: &[LiveRoom], names: &[String], area: Rect) -> Option<Mesh> {
    let size = rooms.iter().map(size).max()?;
    if rooms.iter().any(|room| room.states.is_empty()) || size > area.width {
        return None;
    }
    let name_width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0) as u16;
    let ways = [(2, true), (1, true), (2, false), (1, false)];
    let ways = ways.map(|(step, has_name)| Mesh { step, has_name, size, name_width });
    ways.into_iter().find(|mesh| {
        let (across, down) = mesh.fit(area);
        usize::from(across) * usize::from(down) >= rooms.len()
    })
}

/// The number of peers whose pairs are the room's edges.
fn size(room: &LiveRoom) -> u16 {
    (1..=u16::MAX).find(|size| u32::from(*size) * u32::from(size - 1) / 2 >= room.edges).unwrap_or(1)
}

fn draw_meshes(rooms: &[LiveRoom], names: &[String], mesh: Mesh, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let (across, _) = mesh.fit(area);
    for (index, (room, name)) in (0..).zip(rooms.iter().zip(names)) {
        let (x, mut y) = (area.x + index % across * mesh.width(), area.y + index / across * mesh.height());
        if mesh.has_name {
            let style = if room.failed > 0 { palette.bad() } else { Style::new() };
            buffer.set_stringn(x, y, name, usize::from(area.right().saturating_sub(x)), style);
            y += 1;
        }
        // Seat 1 with seat 0, seat 2 with seats 0 and 1, and so on.
        let pairs = (1..mesh.size).flat_map(|high| (0..high).map(move |low| (low, high)));
        for ((low, high), state) in pairs.zip(&room.states) {
            let (text, style) = edge(*state, palette);
            buffer.set_string(x + low * mesh.step, y + high - 1, text, style);
        }
    }
}

fn edge(state: EdgeState, palette: Palette) -> (&'static str, Style) {
    match state {
        EdgeState::Waiting => ("·", palette.faint()),
        EdgeState::Connecting => ("◦", palette.open()),
        EdgeState::Open => ("■", palette.good()),
        EdgeState::Closed => ("□", palette.good()),
        EdgeState::Lost | EdgeState::Failed | EdgeState::Dropped => ("×", palette.bad()),
    }
}

fn draw_cells(rooms: &[LiveRoom], each: usize, palette: Palette, area: Rect, buffer: &mut Buffer) {
    let cells: Vec<&[LiveRoom]> = rooms.chunks(each).collect();
    let is_sparse = cells.len() * 2 <= usize::from(area.width) * usize::from(area.height);
    let step = if is_sparse { 2 } else { 1 };
    let across = usize::from(area.width / step).max(1);
    for (index, of) in cells.into_iter().enumerate() {
        let (x, y) = (area.x + (index % across) as u16 * step, area.y + (index / across) as u16);
        if y < area.bottom() {
            let (text, style) = cell(of, palette);
            buffer.set_string(x, y, text, style);
        }
    }
}

/// A cell for some rooms: how many of their edges are open, or that one has failed.
fn cell(rooms: &[LiveRoom], palette: Palette) -> (&'static str, Style) {
    let sum = |of: fn(&LiveRoom) -> u32| rooms.iter().map(|room| u64::from(of(room))).sum::<u64>();
    let (edges, opened, failed) = (sum(|room| room.edges), sum(|room| room.opened), sum(|room| room.failed));
    if failed > 0 {
        return ("×", palette.bad());
    }
    match (opened * 8).div_ceil(edges.max(1)) as usize {
        0 => ("·", palette.faint()),
        // Only all of them fill the cell.
        level if opened < edges => (LEVELS[level.min(7) - 1], palette.open()),
        _ => (LEVELS[7], palette.good()),
    }
}
