//! Reads what the arguments name: profiles and dialects by path or name, header files, environment variables.

pub(super) mod access;
pub(super) mod auto;
pub(super) mod faults;
pub(super) mod gates;
pub(super) mod headroom;
pub(super) mod named_file;
mod peer_rows;
mod tokens;
pub(super) mod watched;

use crate::cli::{ChangeArgs, ShapeArgs};
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::dialect::{self, Dialect};
use crate::gates::Gate;
use crate::profile::{
    self, Checks, Knob, Override, Problem, Profile, ProfileSource, Scenario, Target, builtin, nearest,
};
use crate::vocabulary::Approval;
use std::io;
use std::path::Path;

/// Reads and checks the profile of a path or built-in name, with the changes of the options.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(super) fn profile(name: &str, shape: &ShapeArgs, change: &ChangeArgs) -> Result<Profile, Exit> {
    let mut overrides = shape.overrides();
    overrides.extend(change.overrides());
    let text = text_of(name);
    let headers = headers(&change.header);
    // Both are read before either fails, so that one run reports every problem.
    let (text, headers) = match (text, headers) {
        (Ok(text), Ok(headers)) => (text, headers),
        (text, headers) => {
            write_stderr(text.err().into_iter().chain(headers.err()));
            return Err(Exit::Usage);
        }
    };
    overrides.extend(headers);
    read_profile(ProfileSource { name, text: &text }, &overrides)
}

/// Reads and checks the text of a profile, with variables of the environment.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(super) fn read_profile(source: ProfileSource<'_>, overrides: &[Override]) -> Result<Profile, Exit> {
    let gate = |metric: &str, expr: &str, known: &[String]| Gate::parse(metric, expr)?.check_scenario(known);
    let checks = Checks { environment: &variable, gate: &gate };
    profile::read_with(source, overrides, checks).map_err(|problems| {
        write_stderr(problems);
        Exit::Usage
    })
}

/// Reads the dialect that the profile names: a file wins over a built-in.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(super) fn dialect(profile: &Profile) -> Result<Dialect, Exit> {
    let dialect = named_dialect(profile)?;
    let asks = |scenario: &&Scenario| scenario.handshake.approval != Approval::Off && !dialect.supports_join_request();
    let Some(scenario) = profile.scenarios.iter().find(asks) else { return Ok(dialect) };
    let name = dialect.name();
    let message = format!("the dialect {name} has no join-request, so nobody would ask; leave it off");
    write_stderr([Problem { path: "handshake.approval".to_owned(), message, at: scenario.approval_at.clone() }]);
    Err(Exit::Usage)
}

fn named_dialect(profile: &Profile) -> Result<Dialect, Exit> {
    let Target { dialect: name, dialect_at, url, .. } = &profile.target;
    match Dialect::named(name).filter(|_| !Path::new(name).is_file()) {
        // A file's dialect may fit the embedded server; of the built-ins only the dashboard does.
        Some(dialect) if url.is_none() && dialect.name() != "dashboard" => {
            let sample = dialect.sample().to_owned();
            let message = format!("the embedded server doesn't speak {name}; name yours, such as --target {sample}");
            write_stderr([Problem { path: "target.dialect".to_owned(), message, at: dialect_at.clone() }]);
            Err(Exit::Usage)
        }
        Some(dialect) => Ok(dialect),
        None => dialect_file(name),
    }
}

/// Reads the dialect of a file.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(super) fn dialect_file(file: &str) -> Result<Dialect, Exit> {
    let text = read_text(Path::new(file)).map_err(|error| {
        write_stderr([format!("{}: {error}", file.escape_debug())]);
        Exit::Usage
    })?;
    dialect::read(file, &text).map_err(|problems| {
        write_stderr(problems);
        Exit::Usage
    })
}

/// Reads an environment variable; `None` if it is unset or not UTF-8.
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Reads the text of a profile: a file wins over a built-in name, a folder does not.
///
/// # Errors
/// One sentence.
fn text_of(name: &str) -> Result<String, String> {
    let error = match read_text(Path::new(name)) {
        Ok(text) => return Ok(text),
        Err(error) => error,
    };
    match (error.kind(), builtin::find(name)) {
        (io::ErrorKind::NotFound | io::ErrorKind::IsADirectory, Some(source)) => Ok(source.text.to_owned()),
        (io::ErrorKind::NotFound, None) => Err(unknown(name)),
        _ => Err(format!("{name}: {error}")),
    }
}

/// Error message for a name that is neither a file nor a built-in profile.
pub(super) fn unknown(name: &str) -> String {
    if name.contains("://") {
        return format!("{0}: a target is an option; write --target {0}", name.escape_debug());
    }
    let names = builtin::all().iter().map(|source| source.name);
    let hint = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("built in are {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("{}: neither a file nor a built-in profile; {hint}", name.escape_debug())
}

/// Reads the text of a profile or a dialect; one that is too long is left to its parser.
fn read_text(path: &Path) -> io::Result<String> {
    let bytes = named_file::bounded(path, profile::TEXT_BYTES_MAX as u64)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// Expands `--header` values: `K: V` as it is, `@FILE` to one header a line without blank lines and `#` comments. A value
/// of `MESHLOAD_HEADER` has one a line too; one that was typed is a single header, since a line break would smuggle in
/// another.
fn headers(given: &[String]) -> Result<Vec<Override>, String> {
    let from_environment = variable("MESHLOAD_HEADER");
    if given.iter().any(|header| header.contains('\n') && from_environment.as_ref() != Some(header)) {
        // The header is not shown: it may be a secret.
        return Err("--header: a header is one line, and one of these has several; repeat the option".to_owned());
    }
    let mut headers = vec![];
    for header in given.iter().flat_map(|header| header.split('\n')) {
        let Some(path) = header.strip_prefix('@') else {
            headers.push(Override::new(Knob::Header, header));
            continue;
        };
        let text = read_text(Path::new(path)).map_err(|error| format!("--header @{path}: {error}"))?;
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        headers.extend(lines.map(|(number, line)| Override::new(Knob::Header, line).from_file(path, number)));
    }
    Ok(headers)
}
