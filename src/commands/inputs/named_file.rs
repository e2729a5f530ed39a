//! Reads files of a bounded length, such as that of an option.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest file of certificates, tokens or rows, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Reads a file; of one longer than `most` bytes, one byte more, so that its parser refuses it.
///
/// # Errors
/// The file system's error.
pub(in crate::commands) fn bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    File::open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a file of at most 64 MiB.
///
/// # Errors
/// One sentence, with the option and the path.
pub(super) fn read(option: &str, path: &Path) -> Result<Vec<u8>, String> {
    let read = bounded(path, FILE_BYTES_MAX).and_then(|bytes| match bytes.len() as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other("more than 64 MiB")),
        false => Ok(bytes),
    });
    read.map_err(|error| file_problem(option, path, &error.to_string()))
}

pub(super) fn file_problem(option: &str, path: &Path, why: &str) -> String {
    format!("{option} {}: {why}", shown(path))
}

pub(super) fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
