//! The rooms with the most unopened edges, each as a triangle of its pairs.

use crate::report::html::axis::Axis;
use crate::report::html::chart::{Chart, Corner, Mark};
use crate::report::html::palette::{ChartColour, legend};
use crate::report::html::sanitize::sanitize;
use crate::report::html::table::figure;
use crate::summary::{RoomMesh, Summary};
use crate::vocabulary::format;
use maud::{Markup, html};

/// Most pairs drawn on one page; summary.json has the other rooms.
const PAIRS_MAX: usize = 2_500;

pub(crate) fn section(summary: &Summary) -> Markup {
    let mut pairs = 0;
    let drawn: Vec<&RoomMesh> = summary
        .worst_rooms
        .iter()
        .filter(|room| room.size >= 2 && !room.edges.is_empty())
        .take_while(|room| {
            pairs += room.edges.len();
            pairs <= PAIRS_MAX
        })
        .collect();
    let key = legend(&[
        (ChartColour::Opened, "open (pale)"),
        (ChartColour::Failed, "failed (full)"),
        (ChartColour::Label, "one-sided, unfinished or not started (small)"),
    ]);
    html! {
        @if !drawn.is_empty() {
            section {
                h2 { "Rooms that lack edges" }
                p.reading { "A square for each pair of peers; rows and columns are the peers in the order of their arrival." }
                (key)
                div.grid { @for room in &drawn { (mesh(room)) } }
            }
        }
    }
}

fn mesh(room: &RoomMesh) -> Markup {
    let lacking = room.edges.chars().filter(|letter| *letter != 'o').count();
    let lacks = format!("lacks {} of {} edges", format::count(lacking as u64), format::count(room.edges.len() as u64));
    let seats = f64::from(room.size);
    let every = room.size.div_ceil(8).max(1);
    let named = || (0..room.size).step_by(usize::from(every)).map(|seat| (seat, peer(room, seat)));
    let x = Axis { from: 0.0, to: seats, ticks: named().map(|(seat, name)| (f64::from(seat) + 0.5, name)).collect() };
    let y = Axis {
        from: 0.0,
        to: seats,
        ticks: named().map(|(seat, name)| (seats - f64::from(seat) - 0.5, name)).collect(),
    };
    let marks = vec![
        squares(room, ChartColour::Opened, 0.43, 0.4, |letter| letter == 'o'),
        squares(room, ChartColour::Failed, 0.43, 1.0, |letter| letter == 'f'),
        squares(room, ChartColour::Label, 0.2, 1.0, |letter| !matches!(letter, 'o' | 'f')),
    ];
    let says = format!("The mesh of room {} {lacks}", sanitize(&room.room));
    figure(&sanitize(&room.room), &lacks, &html! {}, &Chart { says, height: 700, margin: 90, x, y, marks }.draw())
}

fn peer(room: &RoomMesh, seat: u16) -> String {
    room.first_peer.saturating_add(u32::from(seat)).to_string()
}

fn squares(room: &RoomMesh, role: ChartColour, reach: f64, strength: f64, wanted: fn(char) -> bool) -> Mark {
    let pairs = (1..room.size).flat_map(|high| (0..high).map(move |low| (high, low)));
    let squares = pairs.zip(room.edges.chars()).filter(|(_, letter)| wanted(*letter)).map(|((high, low), _)| {
        let (x, y) = (f64::from(low) + 0.5, f64::from(room.size) - f64::from(high) - 0.5);
        let corners: (Corner, Corner) = ((x - reach, y - reach), (x + reach, y + reach));
        (corners.0, corners.1, strength)
    });
    Mark::Boxes { role, boxes: squares.collect() }
}
