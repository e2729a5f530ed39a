//! The findings of a probe: its handshakes, folded as the rooms of one run are, and concluded from by the same rules.

use super::spec::ProbeSpec;
use crate::diagnosis::Timeline;
use crate::diagnosis::findings::{RunRecord, dialect_facts, findings};
use crate::metrics::{Recorder, RoomFacts, TraceSample, of_figures};
use crate::summary::{Run, RunFinding, Summary};
use crate::vocabulary::{PeerIndex, RoomIndex};
use std::time::Duration;

/// The findings of these handshakes, worst first.
pub(super) fn conclude(timelines: &[Timeline], spec: &ProbeSpec) -> Vec<RunFinding> {
    let Some(start) = timelines.iter().filter_map(Timeline::start).min() else { return vec![] };
    let mut peers = 0;
    let room = |(index, timeline): (usize, &Timeline)| {
        let first = PeerIndex(peers);
        peers += u32::from(timeline.size());
        RoomFacts {
            index: RoomIndex(index as u32),
            first,
            due: vec![Duration::ZERO; timeline.size().into()],
            warmup: false,
            meshes: true,
            scenario: 0,
            timeout: spec.handshake.timeout,
            guests: 0,
            label: format!("handshake {}", index + 1),
        }
    };
    let rooms: Vec<RoomFacts> = timelines.iter().enumerate().map(room).collect();
    let sample = TraceSample::of(rooms.iter().map(|room| (room.index, room.due.len() as u16)), 0);
    let facts = dialect_facts(&spec.dialect);
    let mut recorder = Recorder::new(&rooms, start, facts.kinds.len()).tracing(&sample);
    for (room, timeline) in rooms.iter().zip(timelines) {
        for event in timeline.events() {
            let mut event = event.clone();
            event.place.room = room.index;
            event.place.peer = PeerIndex(room.first.0 + u32::from(event.place.seat.0));
            recorder.record(&event);
        }
    }
    let run = Run { dialect: spec.dialect.name().to_owned(), ..Run::default() };
    let figures = recorder.into_figures(false);
    let summary = Summary { run, ..of_figures(&figures, &facts.kinds, &[]) };
    let evidence = figures.evidence(facts);
    findings(&RunRecord { summary: &summary, evidence: &evidence })
}
