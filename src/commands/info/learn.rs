//! `meshload dialects learn`: a dialect file from recordings, and what was understood of them.

use crate::cli::LearnArgs;
use crate::commands::Exit;
use crate::commands::report::runs::{text, write_whole};
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::learning::{self, LearnedDialect};
use crate::recording;
use crate::vocabulary::inert_text::inert;
use crate::vocabulary::shell_quoting;
use std::path::Path;
use std::time::Instant;

/// Largest HAR file, in bytes.
const HAR_BYTES_MAX: u64 = 256 << 20;
/// Faults of the replay that are shown.
const FAULTS_SHOWN: usize = 5;

/// Learns and writes a dialect; exits with 2 if the recordings are none of peers that met.
pub(super) fn learn(args: &LearnArgs) -> Exit {
    let read = |path: &std::path::PathBuf| {
        let text = text(path, HAR_BYTES_MAX)?;
        recording::read(&text).map_err(|why| format!("{}: {why}", path.display()))
    };
    let (recordings, problems): (Vec<_>, Vec<_>) = args.recordings.iter().map(read).partition(Result::is_ok);
    if !problems.is_empty() {
        write_stderr(problems.into_iter().filter_map(Result::err));
        return Exit::Usage;
    }
    let recordings = recordings.into_iter().filter_map(Result::ok).collect();
    let stem = args.out.as_deref().and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
    let name = stem.unwrap_or_else(|| "mine".to_owned());
    let learned = match learning::learn(recordings, &name, args.room.as_deref(), Instant::now()) {
        Ok(learned) => learned,
        Err(why) => {
            write_stderr([why]);
            return Exit::Usage;
        }
    };
    let written = match &args.out {
        None => write_stdout(&learned.text),
        Some(path) => match write_whole(path, &learned.text) {
            Ok(()) => Exit::Passed,
            Err(error) => {
                write_stderr([format!("{}: {error}", path.display())]);
                Exit::Broken
            }
        },
    };
    write_stderr([learned.table.trim_end()]);
    write_stderr(closing(&learned, args.out.as_deref()));
    written
}

/// The outcome of the replay, the holes, and the next command.
fn closing(learned: &LearnedDialect, out: Option<&Path>) -> Vec<String> {
    let replay = &learned.replay;
    let mut lines = vec![String::new()];
    if learned.problems.is_empty() {
        lines.push(format!(
            "replayed: {} of {} frames understood, {} of {} offers, answers and candidates written again",
            replay.understood, replay.heard, replay.written, replay.said
        ));
        lines.extend(replay.faults.iter().take(FAULTS_SHOWN).map(|fault| format!("  {}", inert(fault, 240))));
        let more = replay.faulty().saturating_sub(FAULTS_SHOWN);
        lines.extend((more > 0).then(|| format!("  and {more} more")));
    }
    lines.extend(learned.problems.iter().map(ToString::to_string));
    lines.extend(learned.holes.iter().map(|hole| format!("TODO: {hole}")));
    let Some(out) = out else { return lines };
    let path = as_path(&out.display().to_string());
    let (file, target) = (shell_quoting::word(&path), shell_quoting::word(&learned.target));
    lines.push(match learned.holes.is_empty() && learned.problems.is_empty() {
        true => format!("next: meshload probe --dialect {file} --target {target}"),
        false => format!(
            "next: fill the TODO lines of {file}, then meshload probe --dialect {file} --target {target} --frames"
        ),
    });
    lines
}

/// A dialect's file as `--dialect` takes it: without a slash it could be the name of a built-in.
pub(super) fn as_path(file: &str) -> String {
    if file.contains('/') { file.to_owned() } else { format!("./{file}") }
}
