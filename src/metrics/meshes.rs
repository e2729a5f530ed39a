//! The meshes that lack most: which edges of a room opened, and which did not.

use crate::metrics::edge::{Edge, Fate};
use crate::metrics::recorder::Recorder;
use crate::metrics::room::Room;
use crate::summary::rows::RoomMesh;
use std::cmp::Reverse;

const ROOMS_MAX: usize = 6;
/// A picture of more seats shows nothing.
const SIZE_MAX: u16 = 64;

/// Of the measured rooms; warm-up is left out.
pub(super) fn worst(recorder: &Recorder) -> Vec<RoomMesh> {
    let edges = |room: &Room| &recorder.edges[room.edges_at..room.edges_at + room.edges()];
    let lacking = |room: &Room| edges(room).iter().filter(|edge| edge.fate != Fate::Opened).count();
    let measured = recorder.rooms.iter().filter(|room| !room.warmup && room.size <= SIZE_MAX);
    let mut rooms: Vec<(usize, &Room)> =
        measured.map(|room| (lacking(room), room)).filter(|(lacking, _)| *lacking > 0).collect();
    rooms.sort_by_key(|(lacking, room)| (Reverse(*lacking), room.index));
    rooms.truncate(ROOMS_MAX);
    let shown = |room: &Room| RoomMesh {
        room: room.label.clone(),
        first_peer: room.first.0,
        size: room.size,
        edges: edges(room).iter().map(letter).collect(),
    };
    rooms.into_iter().map(|(_, room)| shown(room)).collect()
}

fn letter(edge: &Edge) -> char {
    match edge.fate {
        Fate::Opened => 'o',
        _ if edge.is_one_sided() => 's',
        Fate::Failed => 'f',
        Fate::Dropped => 'd',
        Fate::Undecided | Fate::Abandoned => 'u',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::stamp::Stamp;
    use std::time::Instant;

    #[test]
    fn an_edge_reads_as_it_ended() {
        let now = Instant::now();
        let one = [Stamp::of(now, now), Stamp::NEVER];
        let both = [Stamp::of(now, now); 2];
        for (fate, open, expected) in [
            (Fate::Opened, both, 'o'),
            (Fate::Failed, [Stamp::NEVER; 2], 'f'),
            (Fate::Failed, one, 's'),
            (Fate::Dropped, [Stamp::NEVER; 2], 'd'),
            (Fate::Undecided, [Stamp::NEVER; 2], 'u'),
            (Fate::Abandoned, [Stamp::NEVER; 2], 'u'),
        ] {
            assert_eq!(letter(&Edge { fate, open, ..Edge::default() }), expected, "{fate:?}");
        }
    }
}
