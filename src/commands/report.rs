//! `meshload report`: renders a summary again.

use super::Exit;
use super::files::{files, format};
use super::folder::Folder;
use super::runs;
use super::stdout::{complain, write};
use crate::cli::ReportArgs;
use crate::report::render;
use std::path::Path;

pub fn report(args: &ReportArgs) -> Exit {
    let file = if args.summary.is_dir() { args.summary.join("summary.json") } else { args.summary.clone() };
    let summary = match runs::read(&file) {
        Ok(summary) => summary,
        Err(why) => {
            complain([why]);
            return Exit::Usage;
        }
    };
    if !args.report.0.is_empty() {
        let folder = args.out.as_deref().unwrap_or_else(|| folder_of(&args.summary));
        // The summary itself is there already, and is not ours to write again.
        let files = files(&summary, &args.report).into_iter().filter(|(name, _)| *name != "summary.json");
        if let Err(why) = Folder::at(folder).write(files) {
            complain([why]);
            return Exit::Broken;
        }
    }
    write(render(format(args.format, args.color), &summary))
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}
