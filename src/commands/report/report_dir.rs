//! The folder of a report; each file is written under a temporary name and renamed.

use super::runs::{self, write_whole};
use crate::capacity::CapacityResult;
use crate::gates::baseline::Comparison;
use crate::probe::ProbeReport;
use crate::report::Reported;
use crate::summary::{Repeats, Summary};
use crate::vocabulary::Seed;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};

/// File name of the event log.
pub(crate) const EVENTS_FILE: &str = "events.jsonl.gz";

/// File name of a probe's diagram.
pub(crate) const MERMAID_FILE: &str = "probe.mmd";
/// File name of a share of a run.
pub(crate) const PART_FILE: &str = "part.mesh";

/// Folder of a run's files. `write` creates it, so that a refused run leaves no empty folder.
#[derive(Debug)]
pub(crate) struct ReportDir(PathBuf);

impl ReportDir {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// One sentence if the folder can't be written; checked before a long run rather than after it.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let here = Path::new(".");
        let ancestors = self.0.ancestors().map(|path| if path.as_os_str().is_empty() { here } else { path });
        let (nearest, found) = ancestors.chain([here]).find_map(|path| Some((path, fs::metadata(path).ok()?)))?;
        let why = match found.is_dir() {
            false => "is no folder".to_owned(),
            // Permissions do not tell of a file system that is full or read-only.
            true => runs::try_to_write(nearest).err()?.to_string(),
        };
        Some(format!("--out {}: {}: {why}", self.0.display(), nearest.display()))
    }

    /// Default path of a report: `reports/<name>-<YYYYMMDDTHHMMSSZ>-<seed>`.
    pub(crate) fn usual(name: &str, seed: Seed) -> PathBuf {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        Path::new("reports").join(format!("{name}-{time}-{}", seed.0))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a result's files. If an earlier result of meshload is in the folder, its files that this one neither
    /// writes nor keeps are removed, since they would be taken for this one's; no other file is.
    ///
    /// # Errors
    /// One sentence about the first file that could not be written or removed.
    pub(crate) fn replace(&self, files: Vec<(&'static str, Vec<u8>)>, kept: &[&str]) -> Result<(), String> {
        let is_ours = runs::is_result(&self.0);
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).chain(kept.iter().copied()).collect();
        self.write(files)?;
        if !is_ours {
            return Ok(());
        }
        let results =
            [Summary::FILES, Repeats::FILES, CapacityResult::FILES, Comparison::FILES, ProbeReport::FILES].concat();
        let own = results.into_iter().map(|(name, _)| name).chain([EVENTS_FILE, MERMAID_FILE, PART_FILE]);
        own.filter(|name| !names.contains(name)).try_for_each(|name| {
            let path = self.0.join(name);
            runs::remove(&path).map_err(|error| format!("{}: {error}", path.display()))
        })
    }

    /// Writes every file into the folder, which is created with its parents. A reader sees an old or a new file,
    /// never a partial one.
    ///
    /// # Errors
    /// One sentence about the first file that could not be written; no partial file is left.
    pub(crate) fn write(&self, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Result<(), String> {
        fs::create_dir_all(&self.0).map_err(|error| format!("--out {}: {error}", self.0.display()))?;
        for (name, content) in files {
            let path = self.0.join(name);
            write_whole(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_whole_into_a_folder_made_with_its_parents() {
        let base = tempfile::tempdir().unwrap();
        let folder = ReportDir::at(base.path().join("a/b"));
        assert_eq!((folder.obstacle(), folder.path().exists()), (None, false));
        folder.write([("one", b"1".to_vec()), ("two", b"2".to_vec())]).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["one", "two"]);
    }

    #[test]
    fn an_earlier_results_files_go_and_nobody_elses() {
        let base = tempfile::tempdir().unwrap();
        let folder = ReportDir::at(base.path());
        let result =
            |name| (name, Summary { schema: crate::summary::SCHEMA, ..Summary::default() }.json().into_bytes());
        let left = || {
            let entries = fs::read_dir(base.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort();
            names
        };
        // Files of these names, but no result of ours: they are somebody else's.
        folder.write([("junit.xml", b"<x/>".to_vec()), ("notes.txt", vec![])]).unwrap();
        folder.replace(vec![result("summary.json"), ("report.md", vec![])], &[]).unwrap();
        assert_eq!(left(), ["junit.xml", "notes.txt", "report.md", "summary.json"]);
        folder.write([EVENTS_FILE, "repeats.json", "compare.md"].map(|name| (name, b"{}".to_vec()))).unwrap();
        folder.replace(vec![result("summary.json"), ("profile.toml", vec![])], &[EVENTS_FILE]).unwrap();
        assert_eq!(left(), [EVENTS_FILE, "notes.txt", "profile.toml", "summary.json"]);
    }

    #[test]
    fn a_file_in_the_folders_place_is_told_before_and_after() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("a/b")] {
            let folder = ReportDir::at(&path);
            let obstacle = folder.obstacle().unwrap();
            assert_eq!(obstacle, format!("--out {}: {}: is no folder", path.display(), file.display()));
            assert!(folder.write([("one", vec![])]).unwrap_err().starts_with("--out "));
        }
    }
}
