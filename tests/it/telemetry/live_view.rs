//! `run --live` in a real terminal: what it shows, that leaving it leaves the run alone, and that the terminal comes back.

use super::{PATIENCE, SMALL};
use crate::common::play::{PROGRAM, start};
use meshload::telemetry::{LiveView, MetricsFeed, PlannedCourse};
use std::path::Path;
use std::process::Command;
use support::closed_port::ClosedPort;
use support::holds_within;
use tempfile::TempDir;

/// Long enough to look at; a signal ends it.
const LONG: [&str; 8] = ["--rooms", "3", "--room-size", "4", "--arrivals", "60/s", "--duration", "10m"];

/// A shell command in a terminal of tmux, which ends when dropped.
struct Pane {
    folder: TempDir,
}

impl Pane {
    /// Plays `run ARGS` in a terminal of that size.
    fn start(columns: u16, rows: u16, variables: &str, args: &[&str]) -> Option<Self> {
        Self::play(columns, rows, &format!("{variables} {PROGRAM} run {} --out report", args.join(" ")))
    }

    /// Plays `command` in a terminal of that size; then the exit code is shown, and the terminal's settings are kept. `None`,
    /// and a word about it, without tmux; in CI there has to be one.
    fn play(columns: u16, rows: u16, command: &str) -> Option<Self> {
        if let Err(error) = Command::new("tmux").arg("-V").output() {
            assert!(std::env::var_os("CI").is_none(), "tmux: {error} (scripts/setup)");
            println!("skipped: tmux: {error} (scripts/setup)");
            return None;
        }
        let pane = Self { folder: tempfile::tempdir().unwrap() };
        let folder = pane.folder.path().display();
        let script = format!("cd {folder}; {command}; echo exit $?; stty -a > stty; echo settings-are-kept; exec cat");
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let session = ["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &rows, &script];
        assert!(pane.command().args(session).status().expect("tmux starts").success());
        Some(pane)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// tmux on a socket of its own, in an environment of its own.
    fn command(&self) -> Command {
        let mut command = Command::new("tmux");
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("LC_ALL", "C.UTF-8").env("TERM", "xterm-256color").env("MESHLOAD_ON_INVALID", "warn");
        command.arg("-S").arg(self.path("socket"));
        command
    }

    fn ask(&self, args: &[&str]) -> String {
        let output = self.command().args(args).output().expect("tmux starts");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The screen, once it has all of `words`.
    #[track_caller]
    fn wait_for(&self, words: &[&str]) -> String {
        let mut screen = String::new();
        let is_shown = holds_within(PATIENCE, || {
            screen = self.ask(&["capture-pane", "-p"]);
            words.iter().all(|word| screen.contains(word))
        });
        assert!(is_shown, "never shown: {words:?}\n{screen}");
        screen
    }

    fn is_coloured(&self) -> bool {
        let screen = self.ask(&["capture-pane", "-p", "-e"]);
        screen.contains("\x1b[38;5;") || (30..38).any(|colour| screen.contains(&format!("\x1b[{colour}m")))
    }

    /// Checks that the terminal is as it was before the run, which ended with `code`.
    #[track_caller]
    fn has_come_back(&self, code: u8) {
        self.wait_for(&[&format!("exit {code}"), "settings-are-kept"]);
        assert_eq!(self.ask(&["display", "-p", "#{alternate_on} #{cursor_flag}"]).trim(), "0 1");
        let settings = std::fs::read_to_string(self.path("stty")).unwrap();
        let settings: Vec<&str> = settings.split([' ', ';', '\n']).collect();
        for name in ["icanon", "echo", "isig", "ixon"] {
            assert!(settings.contains(&name), "{name}: {settings:?}");
        }
    }

    /// The process that the terminal's shell waits for.
    fn child(&self) -> String {
        let shell = self.ask(&["display", "-p", "#{pane_pid}"]);
        let children = Path::new("/proc").join(shell.trim()).join("task").join(shell.trim()).join("children");
        std::fs::read_to_string(children).unwrap().trim().to_owned()
    }
}

impl Drop for Pane {
    fn drop(&mut self) {
        // Fails if it never started.
        let _ = self.command().arg("kill-server").output();
    }
}

#[test]
fn a_run_is_shown_at_two_sizes_and_leaving_the_view_leaves_the_run_alone() {
    let args = [&LONG[..], &["--live", "--gate", "'time_to_open: p(50) < 10s'"]].concat();
    let Some(pane) = Pane::start(80, 24, "", &args) else { return };
    let screen = pane.wait_for(&["3 of 3 rooms whole", "steady", "edges 18 of 18", "✓ time_to_open p(50) < 10s"]);
    assert!(screen.matches('■').count() > 18, "each edge, and one in the legend: {screen}");
    assert!(
        ["to open: p50 ", "negotiation ", "VALID", "q leaves"].iter().all(|word| screen.contains(word)),
        "{screen}"
    );
    assert!(pane.is_coloured());

    pane.ask(&["resize-window", "-x", "140", "-y", "40"]);
    let wide = pane.wait_for(&["failures ──", "room-2", "steady begins", "time to open: p50 "]);
    assert!(wide.lines().any(|line| line.chars().count() == 140), "{wide}");

    pane.ask(&["send-keys", "q"]);
    let bars = pane.wait_for(&["edges", "18/18", "steady"]);
    assert!(!bars.contains("rooms whole") && !bars.contains("exit "), "{bars}");
    assert!(bars.contains("smoke: 12 peers in 3 rooms"), "what was said meanwhile follows: {bars}");
    pane.ask(&["send-keys", "C-c"]);
    pane.has_come_back(130);
    pane.wait_for(&["report: "]);
}

#[test]
fn a_signal_gives_the_terminal_back_and_without_colour_there_is_none() {
    let Some(pane) = Pane::start(80, 24, "NO_COLOR=1", &[&LONG[..], &["--live"]].concat()) else { return };
    pane.wait_for(&["3 of 3 rooms whole", "steady"]);
    assert!(!pane.is_coloured());
    assert!(Command::new("kill").args(["-TERM", &pane.child()]).status().unwrap().success());
    pane.has_come_back(143);
}

#[test]
fn a_run_that_fails_gives_the_terminal_back() {
    let closed = ClosedPort::bind();
    let target = format!("ws://{}/", closed.address);
    let args = [&SMALL[..], &["--live", "--target", &target]].concat();
    let Some(pane) = Pane::start(80, 24, "", &args) else { return };
    pane.has_come_back(96);
}

#[test]
fn a_panic_gives_the_terminal_back_and_its_message_stands_there() {
    // The program has no way to panic on purpose, so this one plays the test below.
    let program = std::env::current_exe().expect("the path of this program");
    let below = "--exact telemetry::live_view::panics_under_the_view --ignored --nocapture";
    let Some(pane) = Pane::play(80, 24, &format!("{} {below}", program.display())) else { return };
    pane.has_come_back(101);
    pane.wait_for(&["panicked at", "on purpose, under the view"]);
}

#[test]
#[ignore = "needs a terminal: the test above plays it in one"]
fn panics_under_the_view() {
    let _view = LiveView::start(MetricsFeed::default(), PlannedCourse::default(), true).expect("a terminal");
    let panics = std::thread::spawn(|| panic!("on purpose, under the view"));
    assert!(panics.join().is_err());
    // The view is not dropped: nothing but the hook gives the screen back.
    std::process::exit(101);
}

#[test]
fn without_a_terminal_there_is_one_sentence_and_no_run() {
    let played = start(&[&SMALL[..], &["--live"]].concat()).end_within(PATIENCE);
    assert_eq!(played.code, Some(2));
    let sentence =
        "--live: stderr is no terminal; without it, progress goes to stderr as bars, or as a line every 5 s\n";
    assert_eq!(played.stderr, sentence);
    assert!(played.summary.is_none());
}
