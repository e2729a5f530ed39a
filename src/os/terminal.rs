//! The terminal that stdout is, if it is one.

use std::io::IsTerminal;

/// The width of the terminal in characters; `None` if stdout is none, or does not tell.
pub fn terminal_columns() -> Option<usize> {
    let stdout = std::io::stdout();
    let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten()?;
    (size.ws_col > 0).then_some(size.ws_col.into())
}
