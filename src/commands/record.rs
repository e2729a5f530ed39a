//! `meshload record`: a recording proxy in the foreground until a signal, then a HAR file.

use super::Exit;
use super::inputs::access;
use super::report::runs::write_whole;
use super::terminal::write_stderr;
use crate::cli::RecordArgs;
use crate::recording::{self, Recording};
use crate::recording_proxy::{Config, RecordingProxy};
use crate::vocabulary::format::plural;
use crate::vocabulary::shell_quoting;
use jiff::Timestamp;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::LocalSet;

/// Records until a signal and writes the file; exits with 1 if the address can't be bound or the file not written,
/// with 2 if it would record itself.
pub fn record(args: &RecordArgs) -> Exit {
    let tls = match access::server_trust(args.ca.as_deref(), args.insecure) {
        Ok(tls) => tls,
        Err(exit) => return exit,
    };
    let usual = || PathBuf::from(Timestamp::now().strftime("talk-%Y%m%dT%H%M%SZ.har").to_string());
    let path = args.out.clone().unwrap_or_else(usual);
    let RecordArgs { listen, to, max, unmasked, .. } = args;
    let config = Config { listen: *listen, to: to.clone(), tls, bytes_max: *max, unmasked: *unmasked };
    let recording = match record_until_signal(config, args.quiet) {
        Ok(recording) => recording,
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            write_stderr([format!("--to {to} {error}")]);
            return Exit::Usage;
        }
        Err(error) => {
            write_stderr([format!("{listen}: {error}")]);
            return Exit::Broken;
        }
    };
    if let Err(error) = write_whole(&path, recording::write(&recording)) {
        write_stderr([format!("{}: {error}", path.display())]);
        return Exit::Broken;
    }
    write_stderr(summary(&recording, &path));
    Exit::Passed
}

/// Records until SIGHUP, SIGINT or SIGTERM. Prints the URL for clients as the first line on stdout, and a line for each
/// frame after it unless `quiet`.
///
/// # Errors
/// The address can't be bound, or stdout is closed.
fn record_until_signal(config: Config, quiet: bool) -> io::Result<Recording> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        // Handlers come before the first line, so that a script that waits for it may send a signal at once.
        let mut hangup = signal(SignalKind::hangup())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let proxy = RecordingProxy::bind(config).await?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on {}", proxy.url())?;
        stdout.flush()?;
        drop(stdout);
        let stop = async {
            tokio::select! {
                _ = hangup.recv() => {}
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        let print = move |line: &str| {
            // A closed stdout does not stop the recording.
            let _closed = if quiet { Ok(()) } else { writeln!(io::stdout(), "{line}") };
        };
        Ok(proxy.run(stop, print).await)
    })
}

/// The recording in a sentence, and the next command.
fn summary(recording: &Recording, path: &Path) -> Vec<String> {
    let websockets = recording.exchanges.iter().filter_map(|exchange| exchange.frames.as_ref());
    let (connections, frames) =
        websockets.fold((0, 0), |(connections, frames), more| (connections + 1, frames + more.len()));
    let file = shell_quoting::word(&path.display().to_string());
    let mut lines = vec![format!(
        "{}, {}: {}",
        plural(connections, "WebSocket connection"),
        plural(frames as u64, "frame"),
        path.display()
    )];
    lines.extend((!recording.left_out.is_empty()).then(|| recording.left_out.clone()));
    lines.push(match connections {
        0 => "nobody came; point two tabs to the address above, and let them meet".to_owned(),
        1 => "one tab alone tells nothing of how peers meet; record two or three in one room".to_owned(),
        _ => format!("next: meshload dialects learn {file} -o mine.toml"),
    });
    lines
}
