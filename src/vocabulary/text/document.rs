//! TOML parsing that keeps the line of every value and reports every syntax error.

use crate::vocabulary::problem::{PROBLEMS_MAX, Problem};
use toml::de::DeTable;

/// The longest profile or dialect that is read, in bytes (docs/spec/faults.md 15).
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Parses `text` of `file` into its table and the line numbers of its offsets. `what` names the kind of text in
/// messages: `a profile`.
///
/// # Errors
/// Every syntax error with its line, at most [`PROBLEMS_MAX`]; or one problem if the text is too long.
pub fn read<'t>(file: &str, text: &'t str, what: &str) -> Result<(DeTable<'t>, Lines), Vec<Problem>> {
    let problem = |line: usize, message: String| Problem { path: String::new(), message, at: format!("{file}:{line}") };
    if text.len() > TEXT_BYTES_MAX {
        return Err(vec![problem(1, format!("{} bytes are too many; {what} has at most 1 MiB", text.len()))]);
    }
    let lines = Lines::of(text);
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok((table.into_inner(), lines));
    }
    let errors = errors.iter().take(PROBLEMS_MAX).map(|error| {
        let line = lines.at(error.span().map_or(0, |span| span.start));
        problem(line, format!("not TOML: {}", error.message()))
    });
    Err(errors.collect())
}

/// The offsets at which lines end, so that the line of an offset is a binary search.
#[derive(Debug)]
pub struct Lines {
    ends: Vec<usize>,
}

impl Lines {
    fn of(text: &str) -> Self {
        Self { ends: text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(offset, _)| offset).collect() }
    }

    /// The line of a byte offset, from 1.
    pub fn at(&self, offset: usize) -> usize {
        self.ends.partition_point(|&end| end < offset) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_syntax_error_has_its_line() {
        let problems = read("p.toml", "a = \nb = 1\nc = = 2\n", "a profile").unwrap_err();
        let at: Vec<_> = problems.iter().map(|problem| problem.at.as_str()).collect();
        assert!(at.contains(&"p.toml:1") && at.contains(&"p.toml:3"), "{problems:?}");
    }

    #[test]
    fn the_longest_text_is_read_and_one_byte_more_is_not() {
        assert!(read("p", &"#".repeat(TEXT_BYTES_MAX), "a profile").is_ok());
        assert!(read("p", &"#".repeat(TEXT_BYTES_MAX + 1), "a profile").is_err());
    }

    #[test]
    fn a_text_without_bottom_is_refused() {
        let check = |text: &str| assert!(read("p", text, "a profile").is_err());
        check(&format!("a = {}", "[".repeat(100_000)));
        check(&format!("a = {}1", "{b=".repeat(100_000)));
        check(&format!("{}a = 1", "a.".repeat(100_000)));
    }
}
