//! The rooms with the most unopened edges, edge by edge, for the report's mesh pictures.

use crate::metrics::record::edge::{EdgeOutcome, EdgeRecord};
use crate::metrics::record::recorder::Recorder;
use crate::metrics::record::room::RoomRecord;
use crate::summary::RoomMesh;
use crate::vocabulary::RoomIndex;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;

const ROOMS_MAX: usize = 6;
/// Larger rooms make unreadable pictures.
const SIZE_MAX: u16 = 64;

/// A room's picture, with what it is ranked by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::metrics) struct RankedMesh {
    /// The number of edges that did not open.
    lacking: usize,
    index: RoomIndex,
    pub mesh: RoomMesh,
}

/// Measured rooms only.
pub(in crate::metrics) fn worst(recorder: &Recorder) -> Vec<RankedMesh> {
    let edges = |room: &RoomRecord| &recorder.edges[room.edge_range()];
    let lacking = |room: &RoomRecord| edges(room).iter().filter(|edge| edge.fate != EdgeOutcome::Opened).count();
    let measured = recorder.rooms.iter().filter(|room| !room.warmup && room.size <= SIZE_MAX);
    let mut rooms: Vec<(usize, &RoomRecord)> =
        measured.map(|room| (lacking(room), room)).filter(|(lacking, _)| *lacking > 0).collect();
    rooms.sort_by_key(|(lacking, room)| (Reverse(*lacking), room.index));
    rooms.truncate(ROOMS_MAX);
    let shown = |room: &RoomRecord| RoomMesh {
        room: room.label.clone(),
        first_peer: room.first.0,
        size: room.size,
        edges: edges(room).iter().map(outcome_code).collect(),
    };
    let ranked = |(lacking, room): (usize, &RoomRecord)| RankedMesh { lacking, index: room.index, mesh: shown(room) };
    rooms.into_iter().map(ranked).collect()
}

impl RankedMesh {
    pub(crate) fn is_sound(&self) -> bool {
        let size = usize::from(self.mesh.size);
        (2..=usize::from(SIZE_MAX)).contains(&size) && self.mesh.edges.chars().count() == size * (size - 1) / 2
    }

    /// Adds the worst rooms of other shares, and keeps the worst of all.
    pub(crate) fn merge(ours: &mut Vec<Self>, theirs: Vec<Self>) {
        ours.extend(theirs);
        ours.sort_by_key(|room| (Reverse(room.lacking), room.index));
        ours.truncate(ROOMS_MAX);
    }
}

fn outcome_code(edge: &EdgeRecord) -> char {
    match edge.fate {
        EdgeOutcome::Opened => 'o',
        _ if edge.is_one_sided() => 's',
        EdgeOutcome::Failed => 'f',
        EdgeOutcome::Dropped => 'd',
        EdgeOutcome::Undecided | EdgeOutcome::Abandoned => 'u',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::run_time::RunTime;
    use std::time::Instant;

    #[test]
    fn an_edge_reads_as_it_ended() {
        let now = Instant::now();
        let one = [RunTime::of(now, now), RunTime::NEVER];
        let both = [RunTime::of(now, now); 2];
        for (fate, open, expected) in [
            (EdgeOutcome::Opened, both, 'o'),
            (EdgeOutcome::Failed, [RunTime::NEVER; 2], 'f'),
            (EdgeOutcome::Failed, one, 's'),
            (EdgeOutcome::Dropped, [RunTime::NEVER; 2], 'd'),
            (EdgeOutcome::Undecided, [RunTime::NEVER; 2], 'u'),
            (EdgeOutcome::Abandoned, [RunTime::NEVER; 2], 'u'),
        ] {
            assert_eq!(outcome_code(&EdgeRecord { fate, open, ..EdgeRecord::default() }), expected, "{fate:?}");
        }
    }
}
