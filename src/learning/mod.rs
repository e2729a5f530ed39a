//! Learns a dialect from recordings: ids by what differs between peers, the room by what they share, parts by grammar.

mod file;
mod frames;
mod replay;
mod roles;
mod talk;

pub use replay::ReplayResult;

use crate::dialect::{self, Problem};
use crate::recording::{Masker, Recording};
use file::DialectFile;
use file::place::ConnectionPlace;
use file::table::table;
use frames::classes::SortedTalk;
use roles::Roles;
use std::time::Instant;
use talk::Talk;
use talk::values::Values;

/// A dialect that was learned.
#[derive(Debug)]
pub struct LearnedDialect {
    /// The file's text; holes are lines that begin with `# TODO`.
    pub text: String,
    /// The findings as rows for people, each with the frames it rests on.
    pub table: String,
    /// One sentence for each hole.
    pub holes: Vec<String>,
    /// The URL to give as `--target`.
    pub target: String,
    pub replay: ReplayResult,
    /// Problems of the file, as `dialects check` tells them.
    pub problems: Vec<Problem>,
}

/// Learns the dialect that the peers of the recordings' largest room speak. `room` is the room's name, if it is known;
/// `now` is any instant.
///
/// # Errors
/// One sentence: the recordings are not of two peers that met.
pub fn learn(
    mut recordings: Vec<Recording>,
    name: &str,
    room: Option<&str>,
    now: Instant,
) -> Result<LearnedDialect, String> {
    recordings.iter_mut().for_each(Masker::mask);
    let talk = Talk::of(&recordings)?;
    let values = Values::of(&talk, room);
    let sorted = SortedTalk::of(talk, values);
    let roles = Roles::of(&sorted);
    let place = ConnectionPlace::of(&sorted.talk, &sorted.values);
    let mut file = DialectFile::new(&sorted, &roles, &place);
    let body = file.text(name);
    let holes = std::mem::take(&mut file.holes);
    let text = with_holes(&sorted, &body, &holes);
    let (replay, problems) = match dialect::read(name, &for_replay(&text)) {
        // With a hole, `check` would only tell it again.
        Ok(dialect) if holes.is_empty() => (replay::replay(&sorted, &dialect, now), dialect.flaws(now)),
        Ok(dialect) => (replay::replay(&sorted, &dialect, now), vec![]),
        Err(problems) => (ReplayResult::default(), problems),
    };
    let table = table(&sorted, &roles, &place, &file.said_names);
    let holes = holes.into_iter().map(|(why, _)| why).collect();
    Ok(LearnedDialect { text, table, holes, target: place.base.clone(), replay, problems })
}

/// The file with a comment for each hole, and the frame beside it.
fn with_holes(sorted: &SortedTalk, body: &str, holes: &[(String, Option<usize>)]) -> String {
    let mut text =
        "# Learned from a recording by `meshload dialects learn`; docs/dialects.md has the language.\n".to_owned();
    for (why, frame) in holes {
        text += &format!("# TODO {why}\n");
        if let Some(frame) = frame {
            let shown = crate::vocabulary::inert_text::inert(&sorted.shown(*frame), 300);
            text += &format!("#      {} {shown}\n", if sorted.talk.frames[*frame].sent { ">>" } else { "<<" });
        }
    }
    text + body
}

/// The same dialect, in which a peer goes by the id that it is given: that of the recording.
fn for_replay(text: &str) -> String {
    // The keys of the file itself stand before its first section; an `id` in one is a word of the protocol.
    let top = if text.starts_with('[') { 0 } else { text.find("\n[").map_or(text.len(), |at| at + 1) };
    let is_drawn = |line: &&str| line.starts_with("id = ") && *line != "id = \"server\"";
    let own = text[..top].split_inclusive('\n').map(|line| if is_drawn(&line.trim_end()) { "\n" } else { line });
    own.collect::<String>() + &text[top..]
}

#[cfg(test)]
mod tests;
