//! The rooms with the most unopened edges, each as a triangle of its pairs.

use crate::report::document::{Axis, Bar, Block, Chart, ChartColour, Mark, MarkShape, Style, StyledText};
use crate::summary::{RoomMesh, Summary};
use crate::vocabulary::format::{count, plural};

/// Most pairs drawn on one page; summary.json has the other rooms.
const PAIRS_MAX: usize = 2_500;

pub(super) fn blocks(summary: &Summary) -> Vec<Block> {
    let mut pairs = 0;
    let rooms = summary.worst_rooms.iter().filter(|room| room.size >= 2 && !room.edges.is_empty());
    let drawn = rooms.take_while(|room| {
        pairs += room.edges.len();
        pairs <= PAIRS_MAX
    });
    let drawn: Vec<&RoomMesh> = drawn.collect();
    if drawn.is_empty() {
        return vec![];
    }
    let says = "A square for each pair of peers; rows and columns are the peers in the order of their arrival.";
    let lacks = drawn.iter().map(|room| StyledText::from(format!("{}: {}", room.room, lacking(room))));
    vec![
        Block::Details("The rooms in words".into(), vec![Block::List(lacks.collect())]),
        Block::Details("How to read the squares".into(), vec![Block::Paragraph(StyledText::new(Style::Note, says))]),
        Block::Charts(drawn.into_iter().map(mesh).collect()),
    ]
}

/// `lacks 3 of 45 edges`
fn lacking(room: &RoomMesh) -> String {
    let lacking = room.edges.chars().filter(|letter| *letter != 'o').count();
    format!("lacks {} of {}", count(lacking as u64), plural(room.edges.len() as u64, "edge"))
}

fn mesh(room: &RoomMesh) -> Chart {
    let seats = f64::from(room.size);
    let every = usize::from(room.size.div_ceil(8).max(1));
    let axis = |place: fn(f64, f64) -> f64| {
        let named = (0..room.size).step_by(every);
        let ticks = named.map(|seat| (place(f64::from(seat) + 0.5, seats), peer(room, seat))).collect();
        Axis { from: 0.0, to: seats, ticks, words: |_| String::new() }
    };
    let marks = vec![
        squares(room, ChartColour::Opened, "open (pale)", 0.43, 0.4, |letter| letter == 'o'),
        squares(room, ChartColour::Failed, "failed (full)", 0.43, 1.0, |letter| letter == 'f'),
        squares(room, ChartColour::Undecided, "one-sided, unfinished or not started (small)", 0.2, 1.0, |letter| {
            !matches!(letter, 'o' | 'f')
        }),
    ];
    let says = format!("The mesh of room {} {}", room.room, lacking(room));
    let axes = [axis(|at, _| at), axis(|at, seats| seats - at)];
    Chart { height: 350, ..Chart::new(&room.room, lacking(room), says, axes, marks) }
}

fn peer(room: &RoomMesh, seat: u16) -> String {
    room.first_peer.saturating_add(u32::from(seat)).to_string()
}

fn squares(
    room: &RoomMesh,
    colour: ChartColour,
    name: &'static str,
    reach: f64,
    strength: f64,
    wanted: fn(char) -> bool,
) -> Mark {
    let pairs = (1..room.size).flat_map(|high| (0..high).map(move |low| (high, low)));
    let squares = pairs.zip(room.edges.chars()).filter(|(_, letter)| wanted(*letter)).map(|((high, low), _)| {
        let (x, y) = (f64::from(low) + 0.5, f64::from(room.size) - f64::from(high) - 0.5);
        let says = format!("peers {} and {}: {name}", peer(room, low), peer(room, high));
        Bar { from: (x - reach, y - reach), to: (x + reach, y + reach), strength, says }
    });
    let squares: Vec<Bar> = squares.collect();
    Mark::new(colour, if squares.is_empty() { "" } else { name }, MarkShape::Boxes(squares))
}
