//! Runs handshakes of virtual peers one after the other, each with fresh ids and a fresh room.

use super::environment::{Environment, HandshakePlay};
use super::progress::HandshakeProgress;
use super::spec::ProbeSpec;
use crate::diagnosis::{Timeline, Words};
use crate::dialect::Trial;
use crate::vocabulary::{HandshakeSettings, Naming, Trigger};
use std::time::Duration;

/// The pause between two joins: the earlier peer is subscribed when the later one joins.
pub(super) const GAP: Duration = Duration::from_millis(100);

/// Runs handshakes of one probe.
pub(super) struct HandshakeRunner<'a> {
    pub spec: &'a ProbeSpec,
    pub words: Words,
    plays: u32,
}

/// The differences of one handshake from the others.
pub(super) struct Variation {
    /// Begin of each peer, counted from the start.
    pub begins: Vec<Duration>,
    pub trigger: Trigger,
    pub settle: Duration,
    pub trial: Trial,
    /// Time that the trial's own waits take.
    pub more: Duration,
    /// The most time for everything else.
    pub timeout: Duration,
    /// The begin of a silent observer.
    pub observer: Option<Duration>,
}

impl Variation {
    /// `size` peers, `GAP` apart.
    pub(super) fn steady(spec: &ProbeSpec, size: u16) -> Self {
        Self::with_begins(spec, (0..u32::from(size)).map(|seat| GAP * seat).collect())
    }

    pub(super) fn with_begins(spec: &ProbeSpec, begins: Vec<Duration>) -> Self {
        Self {
            begins,
            trigger: spec.handshake.trigger,
            settle: spec.handshake.settle,
            trial: Trial::default(),
            more: Duration::ZERO,
            timeout: spec.handshake.timeout,
            observer: None,
        }
    }
}

impl<'a> HandshakeRunner<'a> {
    pub(super) fn new(spec: &'a ProbeSpec) -> Self {
        Self { spec, words: Words::of(&spec.dialect), plays: 0 }
    }

    /// Runs one handshake.
    pub(super) fn play(
        &mut self,
        environment: &mut dyn Environment,
        variation: Variation,
        on_step: &mut dyn FnMut(&str),
    ) -> Timeline {
        self.plays += 1;
        let spec = self.spec;
        let Variation { begins, trigger, settle, trial, more, timeout, observer } = variation;
        let size = begins.len() as u16;
        let prefix = format!("{}x{}", spec.run_id, self.plays);
        let play = HandshakePlay {
            dialect: spec.dialect.with_trial(Trial { captures: true, ..trial }),
            naming: Naming::new(prefix.clone(), u32::from(size)),
            room: format!("{prefix}-room"),
            begins,
            handshake: HandshakeSettings { trigger, settle, timeout: timeout + settle + more, ..spec.handshake },
            observer,
        };
        let mut progress = HandshakeProgress::new(
            Timeline::new(size, self.words.announcements()),
            environment.now(),
            play.duration_max(),
            on_step,
        );
        environment.play(&play, &mut progress);
        progress.into_timeline()
    }
}
