//! `meshload dialects`: lists the built-in dialects, prints one, or checks a dialect file.

use super::learn::{as_path, learn};
use crate::cli::{ChangeArgs, DialectCheckArgs, DialectsAction, DialectsArgs, ShapeArgs};
use crate::commands::inputs::access::access;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::commands::{Exit, inputs};
use crate::controller::{self, Endpoints, try_join};
use crate::dialect::{Dialect, builtins, names};
use crate::profile::nearest;
use crate::vocabulary::{
    Phase,
    inert_text::{inert, visible},
};
use std::time::{Duration, Instant};

/// The most time for a join at the target.
const JOIN_MAX: Duration = Duration::from_secs(5);

pub fn dialects(args: &DialectsArgs) -> Exit {
    match &args.action {
        None => write_stdout(names().filter_map(Dialect::named).map(|dialect| row(&dialect)).collect::<String>()),
        Some(DialectsAction::Show { name }) => show(name),
        Some(DialectsAction::Check(args)) => check(args),
        Some(DialectsAction::Learn(args)) => learn(args),
    }
}

fn row(dialect: &Dialect) -> String {
    format!("{:<19} {}\n{:<19} {}\n", dialect.name(), dialect.description(), "", dialect.sample())
}

fn show(name: &str) -> Exit {
    if let Some(written) = builtins().iter().find(|built_in| built_in.name == name) {
        return write_stdout(written.text);
    }
    let hint = match nearest(name, names()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("built in are {}", names().collect::<Vec<_>>().join(", ")),
    };
    write_stderr([format!("{}: no such dialect; {hint}", name.escape_debug())]);
    Exit::Usage
}

fn check(args: &DialectCheckArgs) -> Exit {
    let file = args.file.as_str();
    let dialect = match inputs::dialect_file(file) {
        Ok(dialect) => dialect,
        Err(exit) => return exit,
    };
    let mut remarks: Vec<String> = dialect.remarks().iter().map(|remark| format!("note: {remark}")).collect();
    remarks.extend(names().find(|name| *name == dialect.name()).map(|name| {
        format!(
            "note: {file}: name = \"{name}\" is a built-in's, and reports would not tell them apart; give it another"
        )
    }));
    write_stderr(remarks);
    let flaws = dialect.flaws(Instant::now());
    if !flaws.is_empty() {
        write_stderr(flaws);
        return Exit::Usage;
    }
    let written = write_stdout(format!("{file}: {}, nothing wrong with it\n", dialect.name().escape_debug()));
    let played = if args.play { play(&dialect) } else { Exit::Passed };
    let joined = args.target.as_ref().map_or(Exit::Passed, |target| check_target(args, target, &dialect));
    joined.first_of(played).first_of(written)
}

/// Plays rooms of two and three, and of three on a server that passes each frame to everybody.
fn play(dialect: &Dialect) -> Exit {
    let (mut lines, mut exit) = (vec![], Exit::Passed);
    for (size, to_all) in [(2, false), (3, false), (3, true)] {
        let played = dialect.play(size, to_all, Instant::now());
        let how = if to_all { ", each frame to everybody" } else { "" };
        lines
            .push(format!("played with {size} peers{how}: {} of {} edges negotiated", played.negotiated, played.edges));
        if !played.met_alone {
            lines.push("  as if joined: the server's part, ids and who is there, was taken as given".to_owned());
        }
        lines.extend(played.notes.iter().map(|note| format!("  {}", inert(note, 240))));
        // A server that passes each frame to its addressee alone needs no dialect that tells them apart.
        if played.negotiated < played.edges && !to_all {
            exit = Exit::Failed;
        }
    }
    let lines: String = lines.iter().map(|line| visible(line) + "\n").collect();
    exit.first_of(write_stdout(lines))
}

/// Joins with one client, and tells the URL that was dialled, and what stopped it.
fn check_target(args: &DialectCheckArgs, target: &str, dialect: &Dialect) -> Exit {
    let dialect_path = as_path(&args.file);
    let change = ChangeArgs { target: Some(target.to_owned()), dialect: Some(dialect_path), ..ChangeArgs::default() };
    let profile = match inputs::profile("smoke", &ShapeArgs::default(), &change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let access = match access(&args.access, &profile, dialect.data_columns(), &[]) {
        Ok(access) => access,
        Err(exit) => return exit,
    };
    let Some(url) = profile.target.url.as_ref().map(|url| url.reveal().to_owned()) else { return Exit::Usage };
    let redactor = controller::redactor(&profile, &access);
    let tried = match try_join(&Endpoints::new(profile.target, url, "check", access), dialect, JOIN_MAX) {
        Ok(tried) => tried,
        Err(error) => {
            write_stderr([error]);
            return Exit::Broken;
        }
    };
    let mut lines = vec![format!("dialled {}", tried.url)];
    for note in &tried.notes {
        let near = note.near.as_ref();
        let near = near.map_or(String::new(), |near| format!("; nearest is {}: {}", near.at, near.why));
        lines.push(format!("{}: {} {}{near}", note.kind.name(), note.shape, note.example));
    }
    let exit = match &tried.result {
        Ok(took) => {
            lines.push(format!("joined after {} ms, {} frames read", took.as_millis(), tried.frames));
            Exit::Passed
        }
        Err(failure) => {
            lines.push(format!("failed: {failure}"));
            if failure.phase == Phase::Connect { Exit::Unreachable } else { Exit::Failed }
        }
    };
    let lines: String = lines.iter().map(|line| visible(&redactor.text(line)) + "\n").collect();
    exit.first_of(write_stdout(lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::DIALECTS;

    #[test]
    fn a_profile_may_name_what_there_is() {
        assert_eq!(DIALECTS, names().collect::<Vec<_>>());
    }
}
