//! `meshload report`: renders a summary again.

use super::Exit;
use super::files::{files, format};
use super::folder::Folder;
use super::stdout::{complain, write};
use crate::cli::ReportArgs;
use crate::report::render;
use crate::summary::Summary;
use std::fs;
use std::path::Path;

/// More than any summary that meshload writes; in bytes.
const SUMMARY_BYTES_MAX: u64 = 64 * 1024 * 1024;

pub fn report(args: &ReportArgs) -> Exit {
    let summary = match read(&args.summary) {
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

/// The summary in a report's folder, or in the file itself.
///
/// # Errors
/// One sentence with the path.
pub fn read(path: &Path) -> Result<Summary, String> {
    let file = if path.is_dir() { path.join("summary.json") } else { path.to_owned() };
    let say = |why: String| format!("{}: {why}", file.display());
    let size = fs::metadata(&file).map_err(|error| say(error.to_string()))?.len();
    if size > SUMMARY_BYTES_MAX {
        return Err(say(format!("{size} bytes are more than a summary has")));
    }
    let text = fs::read_to_string(&file).map_err(|error| say(error.to_string()))?;
    Summary::read(&text).map_err(|error| say(error.to_string()))
}

fn folder_of(path: &Path) -> &Path {
    if path.is_dir() { path } else { path.parent().unwrap_or(Path::new(".")) }
}
