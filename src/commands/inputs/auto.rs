//! `--dialect auto`: the built-in dialect whose server says the frame that the target says first.

use super::access::access;
use crate::cli::{AccessArgs, ChangeArgs, ShapeArgs};
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::controller::{Endpoints, first_frame};
use crate::dialect::{Dialect, looks_like, shown_frame};
use crate::profile::{AUTO, Profile};
use crate::vocabulary::inert_text::bounded;
use std::thread;
use std::time::Duration;

/// Dialects of servers that speak first, each with a URL of its own.
const SPEAK_FIRST: [&str; 4] = ["dashboard", "socketio-addpeer", "peerjs", "matchbox"];

/// The most time for the looks, which are at once.
const LOOK_MAX: Duration = Duration::from_secs(1);

/// The longest part of a frame that is shown, in characters.
const FRAME_CHARS_MAX: usize = 60;

/// Reads a profile like `inputs::profile`, with the dialect that fits the target in the place of `auto`.
///
/// # Errors
/// As for `inputs::profile` and `settle_dialect`.
pub(in crate::commands) fn settled_profile(
    name: &str,
    shape: &ShapeArgs,
    change: &ChangeArgs,
    access: &AccessArgs,
) -> Result<Profile, Exit> {
    let mut profile = super::profile(name, shape, change)?;
    settle_dialect(&mut profile, access)?;
    Ok(profile)
}

/// Puts the dialect that fits the target in the place of `auto`, and says so on stderr.
///
/// # Errors
/// The target can't be reached, or its first frames fit no dialect or several; stderr has it already.
fn settle_dialect(profile: &mut Profile, args: &AccessArgs) -> Result<(), Exit> {
    if profile.target.dialect != AUTO {
        return Ok(());
    }
    let Some(url) = profile.target.url.as_ref().map(|url| url.reveal().to_owned()) else {
        "dashboard".clone_into(&mut profile.target.dialect);
        return Ok(());
    };
    let access = access(args, profile, &[], &[])?;
    let endpoints = Endpoints::new(profile.target.clone(), url, "auto", access);
    let look = |name| first_frame(&endpoints, &Dialect::named(name).expect("a built-in"), LOOK_MAX);
    let looks = thread::scope(|scope| {
        let looks = SPEAK_FIRST.map(|name| scope.spawn(move || look(name)));
        looks.map(|look| look.join().expect("a look does not panic"))
    });
    let mut failures = vec![];
    for looked in looks {
        let frame = match looked {
            Ok(Some(frame)) => frame,
            Ok(None) => continue,
            Err(failure) => {
                failures.push(failure.to_string());
                continue;
            }
        };
        let Some(likeness) = looks_like(&frame) else { continue };
        let protocol = likeness.protocol;
        let shown = shown_frame(&frame);
        let shown = bounded(&shown, FRAME_CHARS_MAX);
        let said = format!("--dialect auto: the target's first frame is that of {protocol}: {shown}");
        return match likeness.dialects {
            [one] => {
                write_stderr([format!("note: {said}; it is spoken to with --dialect {one}")]);
                (*one).clone_into(&mut profile.target.dialect);
                Ok(())
            }
            [] => refuse(format!("{said}; no built-in dialect speaks it")),
            several => refuse(format!(
                "{said}; its events are not known by that: --dialect {}",
                several.join(" or --dialect ")
            )),
        };
    }
    if failures.len() == SPEAK_FIRST.len() {
        write_stderr([format!("--dialect auto: the target takes no connection: {}", failures[0])]);
        return Err(Exit::Unreachable);
    }
    refuse("--dialect auto: the target says nothing by which it could be told; name its dialect, or write one: docs/dialects.md".to_owned())
}

fn refuse(why: String) -> Result<(), Exit> {
    write_stderr([why]);
    Err(Exit::Usage)
}
