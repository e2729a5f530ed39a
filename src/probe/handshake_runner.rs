//! Handshakes of whole peers, one after the other, each under names of its own.

use super::environment::HandshakePlay;
use super::frames;
use super::progress::HandshakeProgress;
use super::raw_connections::RawConnections;
use super::spec::ProbeSpec;
use crate::diagnosis::Timeline;
use crate::dialect::Dialect;
use crate::vocabulary::ids::Naming;
use crate::vocabulary::message::FrameKind;
use crate::vocabulary::options::Trigger;
use std::time::Duration;

/// Between two peers of the first handshakes: the later one finds the earlier one listening.
const GAP: Duration = Duration::from_millis(100);

/// Puts whole peers on stage, again and again, each time under names of their own.
pub(super) struct HandshakeRunner<'a> {
    pub order: &'a ProbeSpec,
    plays: u32,
}

impl<'a> HandshakeRunner<'a> {
    pub fn new(order: &'a ProbeSpec) -> Self {
        Self { order, plays: 0 }
    }

    pub fn play(
        &mut self,
        raw: &mut RawConnections<'_>,
        begins: &[Duration],
        trigger: Trigger,
        settle: Duration,
        tell: &mut dyn FnMut(&str),
    ) -> Timeline {
        self.plays += 1;
        let order = self.order;
        let size = begins.len() as u16;
        let prefix = format!("{}x{}", order.run_id, self.plays);
        let play = HandshakePlay {
            dialect: order.dialect.clone(),
            naming: Naming::new(prefix.clone(), u32::from(size)),
            room: format!("{prefix}-room"),
            begins: begins.to_vec(),
            trigger,
            initiator: order.initiator,
            settle,
            approval: order.approval,
            timeout: order.timeout + settle,
            trickle: order.trickle,
        };
        let announcements = frames::ANNOUNCEMENTS.iter().filter_map(|name| kind_of(&order.dialect, name)).collect();
        let mut progress =
            HandshakeProgress::new(Timeline::new(size, announcements), raw.environment.now(), play.longest(), tell);
        raw.environment.play(&play, &mut progress);
        progress.into_timeline()
    }
}

/// The host first, the others one gap after each other.
pub(super) fn steady(size: u16) -> Vec<Duration> {
    (0..u32::from(size)).map(|seat| GAP * seat).collect()
}

pub(super) fn kind_of(dialect: &Dialect, name: &str) -> Option<FrameKind> {
    FrameKind::named(&dialect.kinds(), &[name]).first().copied()
}
