//! Summaries and search results on disk: finds, reads and replaces them by file, folder, folder of repeats or pattern.

use crate::capacity::CapacityResult;
use crate::commands::inputs::named_file::bounded;
use crate::gates::baseline::Comparison;
use crate::probe::ProbeReport;
use crate::summary::{Repeats, Summary};
use crate::vocabulary::inert_text::inert_json;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// File name of a run's summary in its folder.
pub(crate) const FILE: &str = "summary.json";
/// File name of the list of repeats in the folder above theirs.
pub(crate) const REPEATS_FILE: &str = "repeats.json";
/// File name of a comparison in its folder.
pub(crate) const COMPARISON_FILE: &str = "compare.json";
/// File name of a capacity search's result in its folder.
pub(crate) const SEARCH_FILE: &str = "capacity.json";
/// File name of a probe's result in its folder.
pub(crate) const PROBE_FILE: &str = "probe.json";
/// Summaries of one side of a comparison; bounds a pattern that matches the whole disk.
const RUNS_MAX: usize = 1_000;
/// Largest summary that `Summary::read` takes, in bytes.
const BYTES_MAX: u64 = 64 << 20;

/// Paths of the summaries at `place`, sorted by name with numbers in numeric order; empty if there are none.
///
/// # Errors
/// One sentence about a path or pattern that can't be read.
pub(crate) fn find(place: &str) -> Result<Vec<PathBuf>, String> {
    let path = Path::new(place);
    let mut found = match path.try_exists() {
        Err(error) => return Err(format!("{place}: {error}")),
        Ok(true) => summaries_in(path)?,
        Ok(false) if place.contains(['*', '?', '[']) => matches(place)?,
        Ok(false) => vec![],
    };
    if found.len() > RUNS_MAX {
        return Err(format!("{place}: more than {RUNS_MAX} summaries"));
    }
    found.sort_by_cached_key(|path| natural(path));
    Ok(found)
}

fn matches(pattern: &str) -> Result<Vec<PathBuf>, String> {
    let paths = glob::glob(pattern).map_err(|error| format!("{pattern}: {error}"))?;
    let mut found = vec![];
    for path in paths.take(RUNS_MAX + 1) {
        let path = path.map_err(|error| format!("{pattern}: {error}"))?;
        found.extend(summaries_in(&path)?);
    }
    Ok(found)
}

/// Expands a path: a file to itself, a folder to the summaries of the repeats that its `repeats.json` lists, to its
/// summary, or to the summaries of its folders. Folders of an earlier `--repeat` are in no list, and don't count.
fn summaries_in(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    if path.join(REPEATS_FILE).is_file() {
        return listed(path);
    }
    if path.join(FILE).is_file() {
        return Ok(vec![path.join(FILE)]);
    }
    let in_words = |error: io::Error| format!("{}: {error}", path.display());
    let entries = fs::read_dir(path).map_err(in_words)?.take(100 * RUNS_MAX).collect::<Result<Vec<_>, _>>();
    let repeats = entries.map_err(in_words)?.into_iter().map(|entry| entry.path().join(FILE));
    Ok(repeats.filter(|path| path.is_file()).collect())
}

/// The summaries that `repeats.json` lists.
fn listed(folder: &Path) -> Result<Vec<PathBuf>, String> {
    #[derive(Deserialize)]
    struct List {
        runs: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        folder: String,
    }
    let path = folder.join(REPEATS_FILE);
    let foreign = |why: &dyn fmt::Display| format!("{}: not a list of repeats: {why}", path.display());
    let list: List = serde_json::from_str(&text(&path, BYTES_MAX)?).map_err(|error| foreign(&error))?;
    // The list may be hostile: a repeat's folder is a number, beside the list.
    match list.runs.iter().all(|run| run.folder.parse::<u16>().is_ok()) {
        true => Ok(list.runs.iter().map(|run| folder.join(&run.folder).join(FILE)).collect()),
        false => Err(foreign(&"a repeat's folder is a number")),
    }
}

/// Sort key that puts `10` after `9`.
fn natural(path: &Path) -> Vec<(u64, String)> {
    let number = |part: &str| part.parse().unwrap_or(u64::MAX);
    path.iter().map(|part| part.to_string_lossy()).map(|part| (number(&part), part.into_owned())).collect()
}

/// Reads one summary.
///
/// # Errors
/// One sentence with the path.
pub(crate) fn read(path: &Path) -> Result<Summary, String> {
    let text = text(path, BYTES_MAX)?;
    Summary::read(&text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Writes a file into a folder, and removes it.
///
/// # Errors
/// The system's own.
pub(crate) fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".meshload-{}", std::process::id()));
    fs::write(&path, "")?;
    fs::remove_file(&path)
}

/// True if the folder holds a result that meshload wrote.
pub(crate) fn is_result(folder: &Path) -> bool {
    read(&folder.join(FILE)).is_ok()
        || read_json::<Repeats>(&folder.join(REPEATS_FILE)).is_ok()
        || read_search(folder).is_ok()
        || read_json::<Comparison>(&folder.join(COMPARISON_FILE)).is_ok()
        || read_json::<ProbeReport>(&folder.join(PROBE_FILE)).is_ok()
}

/// Reads a result that has no checks of its own, such as repeats.json.
///
/// # Errors
/// One sentence with the path.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    // Its texts are foreign: a target said them, or whoever wrote the file.
    let text = inert_json(&text(path, BYTES_MAX)?);
    serde_json::from_str(&text).map_err(|error| format!("{}: not a result of meshload: {error}", path.display()))
}

/// Reads the result of a capacity search from its folder or file.
///
/// # Errors
/// One sentence with the path.
pub(crate) fn read_search(place: &Path) -> Result<CapacityResult, String> {
    let path = if place.is_dir() { place.join(SEARCH_FILE) } else { PathBuf::from(place) };
    let text = text(&path, CapacityResult::BYTES_MAX)?;
    CapacityResult::read(&text).map_err(|why| format!("{}: {why}", path.display()))
}

/// Reads a file's text; of a file longer than `most` bytes, one byte more, so that its parser refuses it.
///
/// # Errors
/// One sentence with the path.
pub(crate) fn text(path: &Path, most: u64) -> Result<String, String> {
    let bytes = bounded(path, most).map_err(|error| format!("{}: {error}", path.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{}: not UTF-8", path.display()))
}

/// Writes a file atomically and creates its folder: a reader sees the old or the new content, never a part.
///
/// # Errors
/// The file system's error; no temporary file is left.
pub(crate) fn write_whole(path: &Path, content: impl AsRef<[u8]>) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = folder.join(format!(".{name}.{}", std::process::id()));
    let written = File::create(&aside).and_then(|mut file| {
        file.write_all(content.as_ref())?;
        file.sync_all()
    });
    let renamed = written.and_then(|()| fs::rename(&aside, path));
    if renamed.is_err() {
        // The first error is the one to report; a temporary file that can't be removed matters less.
        let _ = fs::remove_file(&aside);
    }
    renamed
}

/// Removes a file of an earlier run, if it is there.
///
/// # Errors
/// The file system's error.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Err(error),
        _ => Ok(()),
    }
}

/// Writes `runs` to `place`, removes the summaries in `old` that they don't overwrite, and returns the written paths.
/// A `place` that is a folder, or names no `.json`, gets one folder for each of several runs.
///
/// # Errors
/// The file system's error, or several runs for one file.
pub(crate) fn replace(place: &Path, old: &[PathBuf], runs: &[&Summary]) -> io::Result<Vec<PathBuf>> {
    let is_file = place.is_file() || place.extension().is_some_and(|extension| extension == "json");
    let paths: Vec<PathBuf> = match runs {
        [_] if is_file => vec![place.to_owned()],
        [_] => vec![place.join(FILE)],
        _ if is_file => return Err(io::Error::other("one file can't hold several runs: name a folder")),
        _ => (1..=runs.len()).map(|repeat| place.join(repeat.to_string()).join(FILE)).collect(),
    };
    for (path, run) in paths.iter().zip(runs) {
        write_whole(path, run.to_json())?;
    }
    for stale in old.iter().filter(|old| !paths.contains(old)) {
        fs::remove_file(stale)?;
    }
    remove(&place.join(REPEATS_FILE))?;
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for repeat in ["10", "9", "1"] {
            write_whole(&folder.path().join(repeat).join(FILE), "{}").unwrap();
        }
        let names = |place: &str| -> Vec<String> {
            let found = find(place).unwrap();
            let inside = found.iter().map(|path| path.strip_prefix(folder.path()).unwrap().display().to_string());
            inside.collect()
        };
        let root = folder.path().to_str().unwrap();
        assert_eq!(names(root), ["1/summary.json", "9/summary.json", "10/summary.json"]);
        assert_eq!(names(&format!("{root}/1*")), ["1/summary.json", "10/summary.json"]);
        assert_eq!(names(&format!("{root}/9/summary.json")), ["9/summary.json"]);
        assert_eq!(names(&format!("{root}/none")), [""; 0]);
    }

    #[test]
    fn repeats_are_those_of_the_list() {
        let folder = tempfile::tempdir().unwrap();
        for repeat in ["1", "2", "3"] {
            write_whole(&folder.path().join(repeat).join(FILE), "{}").unwrap();
        }
        write_whole(&folder.path().join(FILE), "{}").unwrap();
        let check = |list: &str, expected: Option<usize>| {
            write_whole(&folder.path().join(REPEATS_FILE), list).unwrap();
            assert_eq!(find(folder.path().to_str().unwrap()).ok().map(|found| found.len()), expected, "{list}");
        };
        check(r#"{"runs": [{"folder": "1"}, {"folder": "2"}]}"#, Some(2));
        check(r#"{"runs": [{"folder": "../1"}]}"#, None);
        check(r#"{"runs": [{"folder": "/1"}]}"#, None);
        check("{}", None);
    }

    #[test]
    fn replaced_runs_leave_no_older_repeat_behind() {
        let folder = tempfile::tempdir().unwrap();
        let run = Summary { schema: crate::summary::SCHEMA, ..Summary::default() };
        let three = replace(folder.path(), &[], &[&run, &run, &run]).unwrap();
        let two = replace(folder.path(), &three, &[&run, &run]).unwrap();
        assert_eq!(find(folder.path().to_str().unwrap()).unwrap(), two);
        assert_eq!(read(&two[0]), Ok(run));
    }
}
