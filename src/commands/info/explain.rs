//! `meshload explain`: prints the glossary of report terms and exit codes.

use crate::cli::ExplainArgs;
use crate::commands::Exit;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::diagnosis::Cause;
use crate::profile::nearest;
use crate::vocabulary::{GlossaryEntry, glossary};
use std::sync::LazyLock;

/// Glossary entries for the causes that `meshload probe` names.
static CAUSES: LazyLock<Vec<GlossaryEntry>> = LazyLock::new(|| {
    let entry = |cause: Cause| GlossaryEntry {
        word: cause.name(),
        kind: "cause",
        means: cause.meaning(),
        unit: "",
        pays: "",
        advice: cause.remedy(),
    };
    Cause::ALL.map(entry).into()
});

pub fn explain(args: &ExplainArgs) -> Exit {
    let Some(word) = &args.word else { return write_stdout(index()) };
    let found: Vec<_> = find(word).map(text).collect();
    if !found.is_empty() {
        return write_stdout(found.join("\n"));
    }
    let near = nearest(word, entries().map(|entry| entry.word));
    let hint = near.map_or("`meshload explain` lists all words".to_owned(), |near| format!("did you mean {near}?"));
    write_stderr([format!("{}: no such word; {hint}", word.escape_debug())]);
    Exit::Usage
}

/// Entries of the report glossary, then the causes.
fn entries() -> impl Iterator<Item = &'static GlossaryEntry> {
    glossary::entries().chain(&*CAUSES)
}

fn find(word: &str) -> impl Iterator<Item = &'static GlossaryEntry> {
    let cause = word.trim().to_lowercase();
    glossary::find(word).chain(CAUSES.iter().filter(move |entry| entry.word == cause))
}

fn text(entry: &GlossaryEntry) -> String {
    let mut text = format!("{} ({})\n  {}\n", entry.word, entry.kind, entry.means);
    for (name, value) in [("unit", entry.unit), ("pays", entry.pays), ("do", entry.advice)] {
        if !value.is_empty() {
            text += &format!("  {name:<5} {value}\n");
        }
    }
    text
}

/// Lists all words by kind; kinds keep the order of their first entry.
fn index() -> String {
    let mut kinds: Vec<&str> = vec![];
    for entry in entries() {
        if !kinds.contains(&entry.kind) {
            kinds.push(entry.kind);
        }
    }
    let line = |kind: &&str| {
        let words: Vec<_> = entries().filter(|entry| entry.kind == *kind).map(|entry| entry.word).collect();
        format!("{kind}\n  {}\n", words.join(" "))
    };
    kinds.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_is_explained() {
        for cause in Cause::ALL {
            assert!(find(cause.name()).any(|entry| entry.kind == "cause"), "{}", cause.name());
        }
    }

    #[test]
    fn what_stands_in_reports_is_explained() {
        for word in ["p99", "compare", "same", "bracket", "VALID", "undecided", "amplification"] {
            assert!(find(word).next().is_some(), "{word}");
        }
    }

    #[test]
    fn every_exit_code_is_explained() {
        for exit in Exit::ALL {
            let code = exit.code().to_string();
            assert!(find(&code).any(|entry| entry.kind == "exit code"), "{code}");
        }
    }
}
