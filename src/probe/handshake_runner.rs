//! Runs handshakes of virtual peers one after the other, each with fresh ids and a fresh room.

use super::environment::HandshakePlay;
use super::experiments::frames;
use super::experiments::raw_connections::RawConnections;
use super::progress::HandshakeProgress;
use super::spec::ProbeSpec;
use crate::diagnosis::Timeline;
use crate::dialect::Dialect;
use crate::vocabulary::{FrameKind, Naming, Trigger};
use std::time::Duration;

/// The pause between two joins: the earlier peer is subscribed when the later one joins.
const GAP: Duration = Duration::from_millis(100);

/// Runs handshakes of one probe.
pub(super) struct HandshakeRunner<'a> {
    pub spec: &'a ProbeSpec,
    plays: u32,
}

impl<'a> HandshakeRunner<'a> {
    pub(super) fn new(spec: &'a ProbeSpec) -> Self {
        Self { spec, plays: 0 }
    }

    /// Runs one handshake; peer `i` begins `begins[i]` after the start.
    pub(super) fn play(
        &mut self,
        raw: &mut RawConnections<'_>,
        begins: &[Duration],
        trigger: Trigger,
        settle: Duration,
        on_step: &mut dyn FnMut(&str),
    ) -> Timeline {
        self.plays += 1;
        let spec = self.spec;
        let size = begins.len() as u16;
        let prefix = format!("{}x{}", spec.run_id, self.plays);
        let play = HandshakePlay {
            dialect: spec.dialect.clone(),
            naming: Naming::new(prefix.clone(), u32::from(size)),
            room: format!("{prefix}-room"),
            begins: begins.to_vec(),
            trigger,
            initiator: spec.initiator,
            settle,
            approval: spec.approval,
            timeout: spec.timeout + settle,
            trickle: spec.trickle,
        };
        let announcements = frames::ANNOUNCEMENTS.iter().filter_map(|name| kind_of(&spec.dialect, name)).collect();
        let mut progress = HandshakeProgress::new(
            Timeline::new(size, announcements),
            raw.environment.now(),
            play.duration_max(),
            on_step,
        );
        raw.environment.play(&play, &mut progress);
        progress.into_timeline()
    }
}

/// The begins of `size` peers, `GAP` apart.
pub(super) fn steady(size: u16) -> Vec<Duration> {
    (0..u32::from(size)).map(|seat| GAP * seat).collect()
}

/// The message type of that name, if the dialect has it.
pub(super) fn kind_of(dialect: &Dialect, name: &str) -> Option<FrameKind> {
    FrameKind::named(&dialect.kinds(), &[name]).first().copied()
}
