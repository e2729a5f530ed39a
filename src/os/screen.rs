//! The screen of this process's terminal, held by a full-screen view; what others say meanwhile is kept for afterwards.

use rustix::process::getpgrp;
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

/// The alternate screen without a cursor, and back (xterm's private modes 1049 and 25).
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[0m\x1b[?25h\x1b[?1049l";

/// The most lines that are kept while the screen is held; later ones are counted.
const LINES_MAX: usize = 1_000;

/// The most time for which the process waits on a terminal that takes nothing more.
const RELEASE_MAX: Duration = Duration::from_millis(250);

/// The time without a key after which `Keyboard::read` returns, in tenths of a second.
const KEY_TENTHS: u8 = 2;

/// A process has one terminal.
static HELD: Mutex<Option<HeldScreen>> = Mutex::new(None);

struct HeldScreen {
    terminal: File,
    /// The terminal's settings as they were.
    before: Termios,
    lines: Vec<String>,
    refused: u64,
}

/// The keys of a terminal whose screen is held.
pub struct Keyboard(File);

/// Draws on stderr while the screen is held; what is written afterwards is dropped.
#[derive(Clone, Copy, Debug)]
pub struct Screen;

/// Takes the whole screen of stderr, and the keys as they are pressed; Ctrl-C still interrupts the process.
///
/// # Errors
/// One sentence: stderr is no terminal, or not this process's to draw on.
pub fn hold_screen() -> Result<Keyboard, String> {
    if !io::stderr().is_terminal() {
        return Err("stderr is no terminal".to_owned());
    }
    if std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb") {
        return Err("the terminal can't draw a screen (TERM)".to_owned());
    }
    let held = take_terminal().map_err(|error| format!("the terminal can't be used: {error}"))?;
    let keys = held.terminal.try_clone().map_err(|error| error.to_string())?;
    if tcgetpgrp(&held.terminal).ok() != Some(getpgrp()) {
        return Err("this process is in the terminal's background".to_owned());
    }
    let mut own = held.before.clone();
    // ISIG stays, so that Ctrl-C is the same signal as ever. A process stopped by Ctrl-Z, or ended by Ctrl-\, would leave
    // the terminal as the view had it; output stopped by Ctrl-S would stop the view.
    own.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO);
    own.input_modes.remove(InputModes::IXON);
    for (code, value) in [
        (SpecialCodeIndex::VSUSP, 0),
        (SpecialCodeIndex::VQUIT, 0),
        (SpecialCodeIndex::VMIN, 0),
        (SpecialCodeIndex::VTIME, KEY_TENTHS),
    ] {
        own.special_codes[code] = value;
    }
    tcsetattr(&held.terminal, OptionalActions::Flush, &own).map_err(|error| error.to_string())?;
    // Fails if the terminal is gone; then there is nothing to draw on, and the next write tells.
    let _ = io::stderr().write_all(ENTER.as_bytes());
    *lock() = Some(held);
    Ok(Keyboard(keys))
}

fn take_terminal() -> io::Result<HeldScreen> {
    let terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    Ok(HeldScreen { terminal, before, lines: vec![], refused: 0 })
}

fn lock() -> MutexGuard<'static, Option<HeldScreen>> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

pub fn screen_is_held() -> bool {
    lock().is_some()
}

/// Gives the terminal back as it was, and writes the lines that were kept; nothing if the screen is not held.
pub fn release_screen() {
    let mut held = lock();
    let Some(HeldScreen { terminal, before, lines, refused }) = held.take() else { return };
    let mut stderr = io::stderr().lock();
    // A terminal that is gone needs nothing.
    let _ = stderr.write_all(LEAVE.as_bytes());
    let _ = tcsetattr(&terminal, OptionalActions::Now, &before);
    let more = (refused > 0).then(|| format!("… and {refused} more lines"));
    for line in lines.into_iter().chain(more) {
        let _ = writeln!(stderr, "{line}");
    }
}

/// The same within a quarter of a second, from a thread of its own: for the end of the process, which a terminal that takes
/// no output must not hold up.
pub fn release_screen_soon() {
    let (done, over) = mpsc::channel();
    let spawned = thread::Builder::new().name("terminal".to_owned()).spawn(move || {
        release_screen();
        // Fails if it took too long.
        let _ = done.send(());
    });
    if spawned.is_ok() {
        // Times out.
        let _ = over.recv_timeout(RELEASE_MAX);
    }
}

/// Writes a line to stderr, or keeps it while the screen is held. A closed stderr is ignored.
pub fn tell(line: &str) {
    match &mut *lock() {
        Some(held) if held.lines.len() < LINES_MAX => held.lines.push(line.to_owned()),
        Some(held) => held.refused += 1,
        None => {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// The lines kept so far, from `index` on.
pub fn kept_lines(index: usize) -> Vec<String> {
    lock().as_ref().and_then(|held| held.lines.get(index..)).unwrap_or_default().to_vec()
}

impl Keyboard {
    /// The bytes of the keys that were pressed; empty after a fifth of a second without any.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut keys = [0; 64];
        let count = self.0.read(&mut keys)?;
        Ok(keys[..count].to_vec())
    }
}

impl Write for Screen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match *lock() {
            Some(_) => io::stderr().write(bytes),
            None => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
