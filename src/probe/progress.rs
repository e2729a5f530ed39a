//! Follows a play, tells its phases as they pass, and knows when there is nothing more to wait for.

use crate::diagnosis::Timeline;
use crate::vocabulary::event::Event;
use std::time::{Duration, Instant};

/// How long the last words of a play that is decided may be on their way.
const LINGER: Duration = Duration::from_millis(300);
/// Deadlines are the peers' own; this much later the play ends without them.
const GRACE: Duration = Duration::from_millis(200);

pub struct HandshakeProgress<'a> {
    timeline: Timeline,
    ends_at: Instant,
    falls_at: Option<Instant>,
    /// Phases told so far.
    told: usize,
    tell: &'a mut dyn FnMut(&str),
}

impl<'a> HandshakeProgress<'a> {
    /// For a play that starts at `now` and takes at most `longest`.
    pub fn new(timeline: Timeline, now: Instant, longest: Duration, tell: &'a mut dyn FnMut(&str)) -> Self {
        Self { timeline, ends_at: now + longest + GRACE, falls_at: None, told: 0, tell }
    }

    pub fn tell(&mut self, event: &Event) {
        self.timeline.record(event);
        self.announce();
        if self.falls_at.is_some_and(|falls_at| falls_at <= event.at) {
            return;
        }
        if self.timeline.is_decided() {
            let soon = event.at + LINGER;
            let settled = self.timeline.opened() < self.timeline.planned() || self.timeline.is_complete();
            let falls_at = if settled { event.at } else { self.falls_at.unwrap_or(soon) };
            self.falls_at = Some(falls_at);
        }
    }

    /// When the play is over, as far as is known.
    pub fn falls_at(&self) -> Instant {
        self.falls_at.unwrap_or(self.ends_at).min(self.ends_at)
    }

    pub fn into_timeline(self) -> Timeline {
        self.timeline
    }

    fn announce(&mut self) {
        let progress = self.timeline.progress();
        while let Some(step) = progress.get(self.told).filter(|step| step.reached == step.edges) {
            self.told += 1;
            let took = step.took.unwrap_or_default().as_secs_f64() * 1e3;
            (self.tell)(&format!("  {:<12} {took:>8.1} ms", step.phase.name()));
        }
    }
}
