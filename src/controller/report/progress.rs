//! Progress of a run on stderr: bars on a terminal, a line every 5 s elsewhere.

use super::super::run::phases::RunPhase;
use crate::gates::LiveStatus;
use crate::metrics::Tally;
use crate::os::screen_is_held;
use crate::plan::{Plan, Share};
use crate::vocabulary::format;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(5);

/// The form of progress on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Bars { colour: bool },
    Lines,
    Nothing,
}

/// The run at `now`.
pub(crate) struct RunSnapshot<'a> {
    pub now: Instant,
    pub start: Instant,
    pub phase: RunPhase,
    /// The begin of the phase, and its planned length (none for the ramp).
    pub current: (Instant, Option<Duration>),
    pub tally: Tally,
    pub recent_p99_us: Option<u32>,
    /// Of `message_latency`, in the last seconds.
    pub latency_p99_us: Option<u64>,
    /// The gates' status, once a worker has published timers.
    pub gates: Option<&'a LiveStatus>,
}

/// The display of one run.
pub(crate) struct Progress {
    shown: Shown,
}

enum Shown {
    Bars(Bars),
    /// `last`: the time of the last line.
    Lines {
        last: Option<Instant>,
    },
    Nothing,
}

struct Bars {
    all: MultiProgress,
    /// The whole run, in seconds of its plan.
    run: ProgressBar,
    peers: ProgressBar,
    edges: ProgressBar,
    phase: ProgressBar,
    gates: ProgressBar,
}

impl Progress {
    pub(crate) fn new(show: Show, plan: &Plan, share: &Share) -> Self {
        let shown = match show {
            Show::Bars { colour } => Shown::Bars(Bars::new(plan, share, colour)),
            Show::Lines => Shown::Lines { last: None },
            Show::Nothing => Shown::Nothing,
        };
        Self { shown }
    }

    /// True if `draw` has something to show; what it shows takes some work to sum up.
    pub(crate) fn is_due(&self, now: Instant, start: Instant) -> bool {
        match self.shown {
            _ if screen_is_held() => false,
            Shown::Bars(_) => true,
            Shown::Lines { last } => now.saturating_duration_since(last.unwrap_or(start)) >= LINE_EVERY,
            Shown::Nothing => false,
        }
    }

    pub(crate) fn draw(&mut self, view: &RunSnapshot<'_>) {
        match &mut self.shown {
            Shown::Bars(bars) => bars.draw(view),
            Shown::Lines { last } => {
                *last = Some(view.now);
                // A closed stderr is no reason to stop the run.
                let _ = writeln!(io::stderr(), "{}", line(view));
            }
            Shown::Nothing => {}
        }
    }

    pub(crate) fn finish(&mut self) {
        if let Shown::Bars(bars) = &self.shown
            && !screen_is_held()
        {
            // A terminal that is gone needs no clearing.
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn new(plan: &Plan, share: &Share, colour: bool) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bar = |length: u64, name: &str, hue: &str| {
            let hue = if colour { format!(".{hue}") } else { String::new() };
            let template = format!("{{prefix:>8}} {{bar:32{hue}}} {{pos:>6}}/{{len:<6}} {{wide_msg}}");
            styled(all.add(ProgressBar::new(length)), &template).with_prefix(name.to_owned())
        };
        // `wide_msg` cuts a line at the terminal's edge: a line that wraps could not be drawn over.
        let line = || styled(all.add(ProgressBar::new(0)), "{prefix:>8} {wide_msg}");
        let planned = plan.cost().duration.as_secs_f64().ceil() as u64;
        let run = bar(planned.max(1), "seconds", "white");
        let (peers, edges) = (bar(share.peers(), "peers", "cyan"), bar(share.edges(), "edges", "green"));
        let (phase, gates) = (line(), line());
        Self { all, run, peers, edges, phase, gates }
    }

    fn draw(&self, view: &RunSnapshot<'_>) {
        let tally = &view.tally;
        let elapsed = view.now.saturating_duration_since(view.start).as_secs();
        let planned = self.run.length().unwrap_or(0);
        self.run.set_position(elapsed.min(planned));
        self.run.set_message(remaining(elapsed, planned));
        self.peers.set_position(tally.peers_joined);
        self.peers.set_message(failed(tally.peers_failed, tally.peers_dropped));
        self.edges.set_position(tally.edges_opened);
        let p99 = view.recent_p99_us.map(|us| format!("time to open p99 {}", format::duration(us.into())));
        let failures = failed(tally.edges_failed, tally.edges_dropped);
        self.edges.set_message([failures, p99.unwrap_or_default()].join("  ").trim().to_owned());
        self.phase.set_prefix(view.phase.name());
        self.phase.set_message(format!("{}  {}", time_in_phase(view), messages(view)).trim_end().to_owned());
        if let Some(gates) = view.gates {
            self.gates.set_prefix("gates");
            self.gates.set_message(gates_line(gates));
        }
    }
}

fn styled(bar: ProgressBar, template: &str) -> ProgressBar {
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style.progress_chars("━╸ ")),
        // Falls back to the crate's own style.
        Err(_) => bar,
    }
}

/// `2 hold, 1 fails (edges_failed rate < 1%, observed 4.20 %), 1 not enough samples yet`.
fn gates_line(gates: &LiveStatus) -> String {
    let mut parts = vec![];
    if gates.holding > 0 {
        parts.push(format!("{} hold{}", gates.holding, if gates.holding == 1 { "s" } else { "" }));
    }
    if let Some(first) = &gates.first_failing {
        let verb = if gates.failing == 1 { "fails" } else { "fail" };
        parts.push(format!("{} {verb} ({})", gates.failing, first.in_words()));
    }
    if gates.undecided > 0 {
        parts.push(format!("{} not enough samples yet", gates.undecided));
    }
    parts.join(", ")
}

fn failed(failed: u64, dropped: u64) -> String {
    match (failed, dropped) {
        (0, 0) => String::new(),
        (failed, 0) => format!("{failed} failed"),
        (0, dropped) => format!("{dropped} not started (generator late)"),
        (failed, dropped) => format!("{failed} failed, {dropped} not started (generator late)"),
    }
}

fn messages(view: &RunSnapshot<'_>) -> String {
    let tally = &view.tally;
    if tally.messages_sent == 0 {
        return String::new();
    }
    let p99 = view.latency_p99_us.map_or(String::new(), |us| format!(", p99 {}", format::duration(us)));
    format!("messages {} sent, {} delivered{p99}", tally.messages_sent, tally.messages_delivered)
}

/// The time to the planned end of the run, which timeouts and the drain move.
fn remaining(elapsed: u64, planned: u64) -> String {
    match planned.checked_sub(elapsed) {
        Some(left) if left > 0 => format!("about {left} s left"),
        _ => "past its planned end: it waits for what is open".to_owned(),
    }
}

/// Time since the phase began, and its planned length.
fn time_in_phase(view: &RunSnapshot<'_>) -> String {
    let (since, length) = view.current;
    let lasted = view.now.saturating_duration_since(since).as_secs();
    match length {
        Some(length) => format!("{lasted} s of {} s", length.as_secs()),
        None => format!("{lasted} s"),
    }
}

/// The whole progress as one line.
fn line(view: &RunSnapshot<'_>) -> String {
    let tally = &view.tally;
    let elapsed = view.now.saturating_duration_since(view.start).as_secs();
    let mut parts = vec![
        format!("{elapsed:>4} s  {}", view.phase.name()),
        format!("peers {}/{}", tally.peers_joined, tally.peers_planned),
        format!("edges {}/{}", tally.edges_opened, tally.edges_planned),
    ];
    parts.extend(
        [failed(tally.edges_failed, tally.edges_dropped), messages(view)].into_iter().filter(|part| !part.is_empty()),
    );
    if let Some(us) = view.recent_p99_us {
        parts.push(format!("p99 {}", format::duration(us.into())));
    }
    parts.extend(view.gates.map(|gates| format!("gates: {}", gates_line(gates))));
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gates::Gate;
    use crate::gates::judge;
    use crate::summary::Summary;

    fn check(holding: u64, failing: u64, undecided: u64, shown: &str) {
        let gate = Gate::parse_line("edges.opened: count > 4").unwrap();
        let first_failing = judge(&[gate], &Summary::default()).pop().filter(|_| failing > 0);
        assert_eq!(gates_line(&LiveStatus { holding, failing, undecided, first_failing }), shown);
    }

    #[test]
    fn what_is_left_is_told_until_the_planned_end() {
        assert_eq!(remaining(3, 10), "about 7 s left");
        assert!(remaining(10, 10).starts_with("past its planned end"));
    }

    #[test]
    fn while_messages_flow_their_latency_is_told() {
        let now = Instant::now();
        let tally =
            Tally { peers_planned: 4, peers_joined: 4, messages_sent: 8, messages_delivered: 7, ..Tally::default() };
        let view = RunSnapshot {
            now,
            start: now,
            phase: RunPhase::Steady,
            current: (now, None),
            tally,
            recent_p99_us: None,
            latency_p99_us: Some(1_500),
            gates: None,
        };
        let expected = "   0 s  steady  peers 4/4  edges 0/0  messages 8 sent, 7 delivered, p99 1.50 ms";
        assert_eq!(line(&view), expected);
    }

    #[test]
    fn gates_are_shown_in_one_short_line() {
        check(3, 0, 0, "3 hold");
        check(1, 1, 2, "1 holds, 1 fails (edges.opened count > 4, observed 0), 2 not enough samples yet");
        check(0, 2, 0, "2 fail (edges.opened count > 4, observed 0)");
    }
}
