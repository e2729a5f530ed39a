//! `meshload report`: renders the stored result of a run, of repeats, a comparison, a capacity search or a probe again.

pub(super) mod compare;
pub(super) mod files;
pub(super) mod report_dir;
pub(super) mod runs;

use crate::cli::{ReportArgs, ReportFile};
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::gates::baseline::Comparison;
use crate::probe::ProbeReport;
use crate::report::{Reported, render};
use crate::summary::Repeats;
use files::{file_format, files, format};
use report_dir::ReportDir;
use std::path::Path;

pub fn report(args: &ReportArgs) -> Exit {
    match render_result(args) {
        Ok(text) => write_stdout(text),
        Err((why, exit)) => {
            write_stderr([why]);
            exit
        }
    }
}

/// Renders the result in a folder, or in a file of any name.
///
/// # Errors
/// One sentence with the path, and the exit.
fn render_result(args: &ReportArgs) -> Result<String, (String, Exit)> {
    let place = &args.summary;
    let known = [runs::REPEATS_FILE, runs::FILE, runs::SEARCH_FILE, runs::COMPARISON_FILE, runs::PROBE_FILE];
    let path = match known.iter().find(|name| place.join(name).is_file()) {
        _ if !place.is_dir() => place.clone(),
        Some(name) => place.join(name),
        None => {
            return Err((format!("{}: holds none of {}", place.display(), known.join(", ")), Exit::Usage));
        }
    };
    // Content decides, not the name, and the name which error is told.
    let usage = |why: String| (why, Exit::Usage);
    let is_named = |name: &str| path.file_name().is_some_and(|found| found == name);
    match runs::read(&path) {
        Ok(summary) => return rendered(args, &summary),
        Err(why) if is_named(runs::FILE) => return Err(usage(why)),
        Err(_) => {}
    }
    if let Ok(repeats) = runs::read_json::<Repeats>(&path) {
        return rendered(args, &repeats);
    }
    if let Ok(comparison) = runs::read_json::<Comparison>(&path) {
        return rendered(args, &comparison);
    }
    if let Ok(probe) = runs::read_json::<ProbeReport>(&path) {
        return rendered(args, &probe);
    }
    match runs::read_search(&path) {
        Ok(findings) => rendered(args, &findings),
        Err(why) if is_named(runs::SEARCH_FILE) => Err(usage(why)),
        Err(_) => Err(usage(runs::read(&path).err().unwrap_or_default())),
    }
}

/// Renders the result for stdout and writes the requested files; its JSON is the input, and is not written again.
///
/// # Errors
/// One sentence, and the exit: usage for a file that this kind of result does not have.
fn rendered<R: Reported>(args: &ReportArgs, result: &R) -> Result<String, (String, Exit)> {
    let wanted = &args.report.0;
    let has = |file: &ReportFile| R::FILES.iter().any(|(_, format)| *format == file_format(*file));
    let is_all = ReportFile::ALL.iter().all(|report| wanted.contains(report));
    if let Some(other) = wanted.iter().find(|file| !is_all && !has(file)) {
        let has: Vec<&str> = ReportFile::ALL.iter().filter(|file| has(file)).map(|file| file.name()).collect();
        return Err((format!("--report {}: this result has {}", other.name(), has.join(", ")), Exit::Usage));
    }
    if !wanted.is_empty() {
        let folder = args.out.as_deref().unwrap_or_else(|| folder_of(&args.summary));
        let files = files(result, &args.report).into_iter().filter(|(name, _)| !name.ends_with(".json"));
        ReportDir::at(folder).write(files).map_err(|why| (why, Exit::Broken))?;
    }
    Ok(render(format(args.format, args.color, args.verbose > 0), result))
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}
