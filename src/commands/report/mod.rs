//! `meshload report`: renders the stored result of a run or a capacity search again.

pub(super) mod compare;
pub(super) mod files;
pub(super) mod report_dir;
pub(super) mod runs;

use crate::capacity::CapacityResult;
use crate::cli::{ReportArgs, ReportFile};
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::report::{Reported, render};
use crate::summary::Summary;
use files::{file_format, files, format};
use report_dir::ReportDir;
use std::path::{Path, PathBuf};

pub fn report(args: &ReportArgs) -> Exit {
    let rendered = match read_result(&args.summary) {
        Ok(Renderable::Run(summary)) => rendered(args, &*summary),
        Ok(Renderable::Search(findings)) => rendered(args, &*findings),
        Err(why) => Err((why, Exit::Usage)),
    };
    match rendered {
        Ok(text) => write_stdout(text),
        Err((why, exit)) => {
            write_stderr([why]);
            exit
        }
    }
}

/// A stored result.
enum Renderable {
    Run(Box<Summary>),
    Search(Box<CapacityResult>),
}

/// Reads the result in a folder, or in a file of any name.
///
/// # Errors
/// One sentence with the path.
fn read_result(place: &Path) -> Result<Renderable, String> {
    let run = |path: &Path| runs::read(path).map(|summary| Renderable::Run(Box::new(summary)));
    let search = |path: &Path| runs::read_search(path).map(|findings| Renderable::Search(Box::new(findings)));
    if !place.is_dir() {
        let is_named = place.file_name().is_some_and(|name| name == runs::SEARCH_FILE);
        // Content decides, not the name: a summary first, then a capacity search.
        return if is_named { search(place) } else { run(place).or_else(|why| search(place).map_err(|_| why)) };
    }
    let (summary, findings): (PathBuf, PathBuf) = (place.join(runs::FILE), place.join(runs::SEARCH_FILE));
    match (summary.is_file(), findings.is_file()) {
        (true, _) => run(&summary),
        (false, true) => search(&findings),
        (false, false) => Err(format!(
            "{}: holds neither the {} of a run nor the {} of a search",
            place.display(),
            runs::FILE,
            runs::SEARCH_FILE
        )),
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
    Ok(render(format(args.format, args.color), result))
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}
