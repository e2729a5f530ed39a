//! The folder of a report: made with its parents, each file written aside and renamed.

use super::runs::write_whole;
use crate::vocabulary::seed::Seed;
use jiff::Timestamp;
use std::fs;
use std::path::{Path, PathBuf};

/// Where a run leaves its files.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Made now: a run whose result has nowhere to go does not start.
    ///
    /// # Errors
    /// One sentence: it is a file, or can't be made.
    pub fn open(path: &Path) -> Result<Self, String> {
        fs::create_dir_all(path).map_err(|error| format!("--out {}: {error}", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// Where a run's report goes that was not told where: `reports/<name>-<YYYYMMDDTHHMMSSZ>-<seed>`.
    pub fn usual(name: &str, seed: Seed) -> PathBuf {
        let time = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        Path::new("reports").join(format!("{name}-{time}-{}", seed.0))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes every file, so that a reader sees the old one or the new one and never half of either.
    ///
    /// # Errors
    /// One sentence about the first file that could not be written; no half-written one is left.
    pub fn write(&self, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) -> Result<(), String> {
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
        let folder = Folder::open(&base.path().join("a/b")).unwrap();
        folder.write([("one", b"1".to_vec()), ("two", b"2".to_vec())]).unwrap();
        let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["one", "two"]);
    }

    #[test]
    fn a_file_in_the_folders_place_is_told() {
        let base = tempfile::tempdir().unwrap();
        let file = base.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Folder::open(&file).unwrap_err().contains("--out"));
    }
}
