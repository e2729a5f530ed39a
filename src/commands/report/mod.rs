//! `meshload report`: renders the stored result of a run or a capacity search again.

pub(super) mod compare;
pub(super) mod files;
pub(super) mod report_dir;
pub(super) mod runs;

use crate::capacity::CapacityResult;
use crate::cli::{ReportArgs, ReportFile};
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::report::capacity;
use crate::report::render;
use crate::summary::Summary;
use files::{files, form, format};
use report_dir::ReportDir;
use std::path::{Path, PathBuf};

pub fn report(args: &ReportArgs) -> Exit {
    let rendered = match read_result(&args.summary) {
        Ok(Renderable::Run(summary)) => {
            // summary.json is the input, so it is not written again.
            let files = files(&summary, &args.report).into_iter().filter(|(name, _)| *name != "summary.json");
            write_files(args, files).map(|()| render(format(args.format, args.color), &summary))
        }
        Ok(Renderable::Search(findings)) => render_search(args, &findings),
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

/// Renders the planning report and writes the requested files.
fn render_search(args: &ReportArgs, findings: &CapacityResult) -> Result<String, (String, Exit)> {
    let wanted = &args.report.0;
    let forms = [(ReportFile::Html, "report.html"), (ReportFile::Md, "report.md")];
    let is_all = ReportFile::ALL.iter().all(|report| wanted.contains(report));
    if let Some(other) = wanted.iter().find(|report| !forms.iter().any(|(form, _)| form == *report) && !is_all) {
        return Err((format!("--report {}: a search is told as html and md", other.name()), Exit::Usage));
    }
    let names: Vec<&str> = forms.iter().filter(|(form, _)| wanted.contains(form)).map(|(_, name)| *name).collect();
    write_files(args, capacity::files(findings).into_iter().filter(|(name, _)| names.contains(name)))?;
    Ok(capacity::render(form(args.format), findings))
}

fn write_files(args: &ReportArgs, files: impl Iterator<Item = (&'static str, Vec<u8>)>) -> Result<(), (String, Exit)> {
    if args.report.0.is_empty() {
        return Ok(());
    }
    let folder = args.out.as_deref().unwrap_or_else(|| folder_of(&args.summary));
    ReportDir::at(folder).write(files).map_err(|why| (why, Exit::Broken))
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}
