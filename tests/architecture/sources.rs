//! The files of `src`, and their text without comments and tests.

use std::fs;
use std::path::{Path, PathBuf};

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

pub struct Source {
    pub path: PathBuf,
    /// The top-level module the file belongs to.
    pub module: String,
    pub text: String,
    pub of_tests: bool,
    /// The text above the inline tests, without line comments; nothing for a file of tests.
    pub code: String,
}

impl Source {
    /// As whole words: `crate::engineer` is no mention of `crate::engine`.
    pub fn mentions(&self, words: &str) -> bool {
        let of_a_name = |near: char| near.is_alphanumeric() || near == '_';
        self.code.match_indices(words).any(|(at, _)| {
            let runs_on = words.ends_with(of_a_name) && self.code[at + words.len()..].starts_with(of_a_name);
            !self.code[..at].ends_with(of_a_name) && !runs_on
        })
    }
}

pub fn sources() -> Vec<Source> {
    let root = root();
    rust_files(&root).into_iter().map(|path| source(&root, path)).collect()
}

/// The Rust files in and below a folder, without those of packages that the tests install.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = vec![];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") && !path.ends_with("target") {
                folders.push(path);
            // Data that is compiled in, such as src/profile/defaults.toml, has no imports.
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn source(root: &Path, path: PathBuf) -> Source {
    let text = fs::read_to_string(&path).unwrap();
    let below = path.strip_prefix(root).unwrap();
    let top = Path::new(below.iter().next().unwrap());
    let module = top.file_stem().unwrap().to_string_lossy().into_owned();
    let of_tests = below.iter().any(|part| part == "tests" || part == "tests.rs");
    let code = if of_tests { String::new() } else { without_comments(above_tests(&text)) };
    Source { path, module, text, of_tests, code }
}

fn above_tests(text: &str) -> &str {
    text.find("#[cfg(test)]\nmod tests {").map_or(text, |at| &text[..at])
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap()).collect::<Vec<_>>().join("\n")
}
