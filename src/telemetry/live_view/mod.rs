//! The live view of a run: the snapshots of the feed, drawn on the whole screen until a key leaves it.

mod course;
mod curve;
mod draw;
mod fit;
mod news;
mod palette;
mod panels;
mod rooms;
#[cfg(test)]
mod tests;

pub use course::PlannedCourse;

use super::MetricsFeed;
use crate::os::{Keyboard, Screen, hold_screen, kept_lines, release_screen, release_screen_soon, screen_is_held};
use course::LiveCourse;
use draw::draw;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use std::io::{self, BufWriter};
use std::panic;
use std::sync::Once;
use std::thread;
use std::time::Instant;

/// A frame of the largest terminal, about.
const FRAME_BYTES: usize = 64 * 1024;

/// Holds the screen until it is dropped, or a key, a signal or a panic takes it away earlier. The run does not notice.
pub struct LiveView(());

impl LiveView {
    /// Shows the runs that `feed` tells of. `colour`: in colours, too.
    ///
    /// # Errors
    /// One sentence: stderr is no terminal that can be drawn on, or there is no thread for it.
    pub fn start(feed: MetricsFeed, planned: PlannedCourse, colour: bool) -> Result<Self, String> {
        let keyboard = hold_screen()?;
        let view = Self(());
        release_on_panic();
        let show = move || {
            // A terminal that is gone is left, as by a key.
            let _ = show(&feed, LiveCourse::new(planned, colour), keyboard);
            release_screen();
        };
        thread::Builder::new().name("live view".to_owned()).spawn(show).map_err(|error| error.to_string())?;
        Ok(view)
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        release_screen();
    }
}

/// Installs a hook, so that the message of a panic stands on the terminal's own screen.
fn release_on_panic() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |why| {
            release_screen_soon();
            before(why);
        }));
    });
}

/// Draws until the screen is not held any more.
///
/// # Errors
/// The terminal is gone.
fn show(feed: &MetricsFeed, mut course: LiveCourse, mut keyboard: Keyboard) -> io::Result<()> {
    let mut terminal = Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(FRAME_BYTES, Screen)))?;
    while screen_is_held() {
        let now = Instant::now();
        feed.latest().into_iter().for_each(|snapshot| course.take(now, snapshot));
        course.told(kept_lines(course.lines_told()));
        course.tick(now);
        terminal.draw(|frame| draw(&course, frame))?;
        if leaves(&keyboard.read()?) {
            return Ok(());
        }
    }
    Ok(())
}

/// True for q and for Escape alone: an arrow begins with the same byte, and goes on.
fn leaves(keys: &[u8]) -> bool {
    keys == [0x1b] || keys.iter().any(|key| b"qQ".contains(key)) && !keys.contains(&0x1b)
}
