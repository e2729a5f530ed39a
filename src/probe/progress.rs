//! Progress of one handshake: shows each phase that all edges have passed, and decides when the handshake is over.

use crate::diagnosis::Timeline;
use crate::vocabulary::Event;
use std::time::{Duration, Instant};

/// The time that late messages have after the last edge is decided.
const LINGER: Duration = Duration::from_millis(300);
/// The time after the peers' own deadlines at which the handshake ends even without a decision.
const GRACE: Duration = Duration::from_millis(200);

/// The events of one handshake so far.
pub struct HandshakeProgress<'a> {
    timeline: Timeline,
    /// The latest end.
    deadline: Instant,
    /// The end, once all edges are decided.
    decided_end: Option<Instant>,
    /// Phases shown so far.
    shown: usize,
    on_step: &'a mut dyn FnMut(&str),
}

impl<'a> HandshakeProgress<'a> {
    /// For a handshake that starts at `now` and takes at most `duration_max`.
    pub fn new(timeline: Timeline, now: Instant, duration_max: Duration, on_step: &'a mut dyn FnMut(&str)) -> Self {
        Self { timeline, deadline: now + duration_max + GRACE, decided_end: None, shown: 0, on_step }
    }

    /// Records an event of a peer.
    pub fn record(&mut self, event: &Event) {
        self.timeline.record(event);
        self.show_phases();
        if self.decided_end.is_some_and(|end| end <= event.at) {
            return;
        }
        if self.timeline.is_decided() {
            let soon = event.at + LINGER;
            let settled = self.timeline.opened() < self.timeline.planned() || self.timeline.is_complete();
            let end = if settled { event.at } else { self.decided_end.unwrap_or(soon) };
            self.decided_end = Some(end);
        }
    }

    /// The end of the handshake, as far as is known by now.
    pub fn ends_at(&self) -> Instant {
        self.decided_end.unwrap_or(self.deadline).min(self.deadline)
    }

    /// Every edge is open, or has failed on both sides.
    pub fn is_decided(&self) -> bool {
        self.decided_end.is_some()
    }

    pub fn into_timeline(self) -> Timeline {
        self.timeline
    }

    fn show_phases(&mut self) {
        let progress = self.timeline.progress();
        while let Some(step) = progress.get(self.shown).filter(|step| step.reached == step.edges) {
            self.shown += 1;
            let took = step.took.unwrap_or_default().as_secs_f64() * 1e3;
            (self.on_step)(&format!("  {:<12} {took:>8.1} ms", step.phase.name()));
        }
    }
}
