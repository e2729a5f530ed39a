//! What a person sees while it runs: bars on a terminal, a line every 5 s elsewhere.

use super::conductor::Part;
use crate::metrics::Tally;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{self, Write};
use std::time::{Duration, Instant};

const LINE_EVERY: Duration = Duration::from_secs(5);

/// How progress is shown, on stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    Bars { colour: bool },
    Lines,
    Nothing,
}

/// The run at one moment.
pub struct View {
    pub now: Instant,
    pub start: Instant,
    pub part: Part,
    /// When the part began, and how long it lasts where that is known.
    pub place: (Instant, Option<Duration>),
    pub tally: Tally,
    pub recent_p99_us: Option<u32>,
}

/// The display of one run.
pub struct Progress {
    shown: Shown,
}

enum Shown {
    Bars(Bars),
    Lines { last: Option<Instant> },
    Nothing,
}

struct Bars {
    all: MultiProgress,
    peers: ProgressBar,
    edges: ProgressBar,
    part: ProgressBar,
}

impl Progress {
    pub fn new(show: Show, peers: u64, edges: u64) -> Self {
        let shown = match show {
            Show::Bars { colour } => Shown::Bars(Bars::new(peers, edges, colour)),
            Show::Lines => Shown::Lines { last: None },
            Show::Nothing => Shown::Nothing,
        };
        Self { shown }
    }

    pub fn draw(&mut self, view: &View) {
        match &mut self.shown {
            Shown::Bars(bars) => bars.draw(view),
            Shown::Lines { last } => {
                let since = last.unwrap_or(view.start);
                if view.now.saturating_duration_since(since) >= LINE_EVERY {
                    *last = Some(view.now);
                    // A closed stderr is no reason to stop the run.
                    let _ = writeln!(io::stderr(), "{}", line(view));
                }
            }
            Shown::Nothing => {}
        }
    }

    pub fn finish(&mut self) {
        if let Shown::Bars(bars) = &self.shown {
            // A terminal that is gone needs no clearing.
            let _ = bars.all.clear();
        }
    }
}

impl Bars {
    fn new(peers: u64, edges: u64, colour: bool) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let bar = |length: u64, name: &str, hue: &str| {
            let hue = if colour { format!(".{hue}") } else { String::new() };
            let template = format!("{{prefix:>8}} {{bar:32{hue}}} {{pos:>6}}/{{len:<6}} {{msg}}");
            let bar = all.add(ProgressBar::new(length));
            if let Ok(style) = ProgressStyle::with_template(&template) {
                bar.set_style(style.progress_chars("━╸ "));
            }
            bar.with_prefix(name.to_owned())
        };
        let (peers, edges) = (bar(peers, "peers", "cyan"), bar(edges, "edges", "green"));
        let part = all.add(ProgressBar::new(0));
        if let Ok(style) = ProgressStyle::with_template("{prefix:>8} {msg}") {
            part.set_style(style);
        }
        Self { all, peers, edges, part }
    }

    fn draw(&self, view: &View) {
        let tally = &view.tally;
        self.peers.set_position(tally.peers_joined);
        self.peers.set_message(failed(tally.peers_failed, tally.peers_dropped));
        self.edges.set_position(tally.edges_opened);
        let p99 = view.recent_p99_us.map(|us| format!("time to open p99 {:.1} ms", f64::from(us) / 1_000.0));
        let failures = failed(tally.edges_failed, tally.edges_dropped);
        self.edges.set_message([failures, p99.unwrap_or_default()].join("  ").trim().to_owned());
        self.part.set_prefix(view.part.name());
        self.part.set_message(format!("{}  {}", place(view), messages(tally)).trim_end().to_owned());
    }
}

fn failed(failed: u64, dropped: u64) -> String {
    match (failed, dropped) {
        (0, 0) => String::new(),
        (failed, 0) => format!("{failed} failed"),
        (0, dropped) => format!("{dropped} not started (generator late)"),
        (failed, dropped) => format!("{failed} failed, {dropped} not started (generator late)"),
    }
}

fn messages(tally: &Tally) -> String {
    if tally.messages_sent == 0 {
        return String::new();
    }
    format!("messages {} sent, {} delivered", tally.messages_sent, tally.messages_delivered)
}

/// How far the part is.
fn place(view: &View) -> String {
    let (since, length) = view.place;
    let lasted = view.now.saturating_duration_since(since).as_secs();
    match length {
        Some(length) => format!("{lasted} s of {} s", length.as_secs()),
        None => format!("{lasted} s"),
    }
}

/// One line for a log.
fn line(view: &View) -> String {
    let tally = &view.tally;
    let elapsed = view.now.saturating_duration_since(view.start).as_secs();
    let mut parts = vec![
        format!("{elapsed:>4} s  {}", view.part.name()),
        format!("peers {}/{}", tally.peers_joined, tally.peers_planned),
        format!("edges {}/{}", tally.edges_opened, tally.edges_planned),
    ];
    parts.extend(
        [failed(tally.edges_failed, tally.edges_dropped), messages(tally)].into_iter().filter(|part| !part.is_empty()),
    );
    if let Some(us) = view.recent_p99_us {
        parts.push(format!("p99 {:.1} ms", f64::from(us) / 1_000.0));
    }
    parts.join("  ")
}
