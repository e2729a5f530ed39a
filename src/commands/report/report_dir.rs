//! The folder of a report; each file is written under a temporary name and renamed.

use super::runs::{remove, write_whole};
use crate::vocabulary::Seed;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};

/// Folder of a run's files. `write` creates it, so that a refused run leaves no empty folder.
#[derive(Debug)]
pub(crate) struct ReportDir(PathBuf);

impl ReportDir {
    pub(crate) fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// One sentence if a file stands in the folder's way; checked before a long run rather than after it.
    pub(crate) fn obstacle(&self) -> Option<String> {
        let (nearest, found) = self.0.ancestors().find_map(|path| Some((path, fs::metadata(path).ok()?)))?;
        (!found.is_dir()).then(|| format!("--out {}: {} is no folder", self.0.display(), nearest.display()))
    }

    /// Default path of a report: `reports/<name>-<YYYYMMDDTHHMMSSZ>-<seed>`.
    pub(crate) fn usual(name: &str, seed: Seed) -> PathBuf {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        Path::new("reports").join(format!("{name}-{time}-{}", seed.0))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Removes a file that an earlier run left, and that would be taken for this one's.
    ///
    /// # Errors
    /// One sentence if it stays.
    pub(crate) fn remove(&self, name: &str) -> Result<(), String> {
        let path = self.0.join(name);
        remove(&path).map_err(|error| format!("{}: {error}", path.display()))
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
    fn a_file_in_the_folders_place_is_told_before_and_after() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, "").unwrap();
        for path in [file.clone(), file.join("a/b")] {
            let folder = ReportDir::at(&path);
            let obstacle = folder.obstacle().unwrap();
            assert_eq!(obstacle, format!("--out {}: {} is no folder", path.display(), file.display()));
            assert!(folder.write([("one", vec![])]).unwrap_err().starts_with("--out "));
        }
    }
}
