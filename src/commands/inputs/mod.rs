//! Fetches what the user named: a profile or a dialect by path or name, headers from a file, the environment.

pub mod access;
pub mod faults;
pub mod gates;

use crate::cli::{ChangeArgs, ShapeArgs};
use crate::commands::Exit;
use crate::commands::terminal::complain;
use crate::dialect::{self, Dialect};
use crate::gates::Gate;
use crate::profile::{self, Checks, Knob, Override, Problem, Profile, ProfileSource, Target, builtin, nearest};
use crate::vocabulary::options::Approval;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The checked profile of that path or built-in name, with the options' changes. What is wrong has been told
/// on stderr when this fails.
pub fn profile(name: &str, shape: &ShapeArgs, change: &ChangeArgs) -> Result<Profile, Exit> {
    let mut overrides = shape.overrides();
    overrides.extend(change.overrides());
    let text = text_of(name);
    let headers = headers(&change.header);
    // Both are asked before either is complained about, so that all is told at once.
    let (text, headers) = match (text, headers) {
        (Ok(text), Ok(headers)) => (text, headers),
        (text, headers) => {
            complain(text.err().into_iter().chain(headers.err()));
            return Err(Exit::Usage);
        }
    };
    overrides.extend(headers);
    let source = ProfileSource { name, text: &text };
    let gate = |metric: &str, expr: &str| Gate::parse(metric, expr).map(|_| ());
    let checks = Checks { environment: &variable, gate: &gate };
    profile::read_with(source, &overrides, checks).map_err(|problems| {
        complain(problems);
        Exit::Usage
    })
}

/// The dialect that the profile names: a file wins over a built-in. What is wrong has been told on stderr when
/// this fails.
pub fn dialect(profile: &Profile) -> Result<Dialect, Exit> {
    let dialect = named_dialect(profile)?;
    if profile.handshake.approval != Approval::Off && !dialect.supports_join_request() {
        let name = dialect.name();
        let message = format!("the dialect {name} has no join-request, so nobody would ask; leave it off");
        complain([Problem {
            path: "handshake.approval".to_owned(),
            message,
            at: profile.handshake.approval_at.clone(),
        }]);
        return Err(Exit::Usage);
    }
    Ok(dialect)
}

fn named_dialect(profile: &Profile) -> Result<Dialect, Exit> {
    let Target { dialect: name, dialect_at, url, .. } = &profile.target;
    match Dialect::named(name).filter(|_| !Path::new(name).is_file()) {
        // A file may say what the embedded server understands; of the built-ins only the dashboard does.
        Some(dialect) if url.is_none() && dialect.name() != "dashboard" => {
            let sample = dialect.sample().to_owned();
            let message = format!("the embedded server doesn't speak {name}; name yours, such as --target {sample}");
            complain([Problem { path: "target.dialect".to_owned(), message, at: dialect_at.clone() }]);
            Err(Exit::Usage)
        }
        Some(dialect) => Ok(dialect),
        None => dialect_file(name),
    }
}

/// The dialect of a file. What is wrong has been told on stderr when this fails.
pub fn dialect_file(file: &str) -> Result<Dialect, Exit> {
    let text = read_text(Path::new(file)).map_err(|error| {
        complain([format!("{}: {error}", file.escape_debug())]);
        Exit::Usage
    })?;
    dialect::read(file, &text).map_err(|problems| {
        complain(problems);
        Exit::Usage
    })
}

/// A variable of the process's environment.
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The text of a profile: a path wins over a built-in name. Errors: one sentence.
fn text_of(name: &str) -> Result<String, String> {
    match read_text(Path::new(name)) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => match builtin::find(name) {
            Some(source) => Ok(source.text.to_owned()),
            None => Err(unknown(name)),
        },
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// What to say about a name that is neither a file nor a built-in profile.
pub fn unknown(name: &str) -> String {
    let names = builtin::all().iter().map(|source| source.name);
    let hint = match nearest(name, names.clone()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("built in are {}", names.collect::<Vec<_>>().join(", ")),
    };
    format!("{}: neither a file nor a built-in profile; {hint}", name.escape_debug())
}

/// Reads one byte more than a profile or a dialect may have, so that the reader can refuse it, and never more.
fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = vec![];
    File::open(path)?.take(profile::TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|&&byte| byte == b'\n').count() + 1;
        io::Error::new(io::ErrorKind::InvalidData, format!("line {line} is not UTF-8"))
    })
}

/// `K: V` as it is; `@FILE` is one header a line, blank lines and `#` comments left out.
fn headers(given: &[String]) -> Result<Vec<Override>, String> {
    let mut headers = vec![];
    for header in given {
        let Some(path) = header.strip_prefix('@') else {
            headers.push(Override::new(Knob::Header, header));
            continue;
        };
        let text = read_text(Path::new(path)).map_err(|error| format!("--header @{path}: {error}"))?;
        let lines = (1..).zip(text.lines().map(str::trim));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        headers.extend(lines.map(|(number, line)| Override::new(Knob::Header, line).out_of(path, number)));
    }
    Ok(headers)
}
