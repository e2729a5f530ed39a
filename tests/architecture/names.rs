//! The ratchets on names and prose: one type a name, doc sentences with a subject, folders that fit on a screen.

use crate::sources::{root, rust_files, sources};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names that are used with their module (`peer::Input`), and so may be defined in several.
const USED_WITH_THEIR_MODULE: &[&str] = &["Config", "Input", "Output", "State", "Error"];

/// Words that open a clause in the place of a subject.
const NO_SUBJECT: &[&str] = &["Who", "Whom", "Whoever", "What", "Where", "Whether"];

/// Files and folders of a folder; the root of `src` holds one entry a room.
const ENTRIES_MAX: usize = 12;

#[test]
fn a_top_level_type_name_is_defined_once() {
    let mut defined: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in source.code.lines().filter_map(type_defined) {
            defined.entry(name.to_owned()).or_default().push(source.path.display().to_string());
        }
    }
    defined.retain(|name, places| places.len() > 1 && !USED_WITH_THEIR_MODULE.contains(&name.as_str()));
    assert!(defined.is_empty(), "one name, several types: {defined:#?}");
}

#[test]
fn a_doc_sentence_opens_with_its_subject() {
    let mut faults = vec![];
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for path in ["src", "tests", "benches", "fuzz"].into_iter().flat_map(|folder| rust_files(&package.join(folder))) {
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let doc = line.trim_start();
            let Some(text) = doc.strip_prefix("/// ").or_else(|| doc.strip_prefix("//! ")) else { continue };
            if sentences(text).any(opens_without_subject) {
                faults.push(format!("{}:{}: {text}", path.display(), number + 1));
            }
        }
    }
    assert!(faults.is_empty(), "doc sentences without a subject:\n{}\n", faults.join("\n"));
}

#[test]
fn a_folder_fits_on_a_screen() {
    let mut faults = vec![];
    let entries = |folder: &Path| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let mut paths = entries(&root());
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            let inside = entries(&path);
            if inside.len() > ENTRIES_MAX {
                faults.push(format!("{}: {} entries", path.display(), inside.len()));
            }
            paths.extend(inside);
        }
    }
    assert!(faults.is_empty(), "more than {ENTRIES_MAX} entries:\n{}\n", faults.join("\n"));
}

#[test]
fn definitions_and_openings_are_told_from_what_only_looks_like_them() {
    let cases = [
        ("pub(super) struct Peer<'a> {", Some("Peer")),
        ("enum Fate {", Some("Fate")),
        ("pub type Text = Arc<str>;", Some("Text")),
    ];
    for (line, expected) in cases.into_iter().chain([("    struct Inner;", None), ("fn typed() {}", None)]) {
        assert_eq!(type_defined(line), expected, "{line}");
    }
    assert!(sentences("The frame of a peer. What it says is read.").any(opens_without_subject));
    assert!(!sentences("Whatever is left. The rest: What.").any(opens_without_subject));
}

/// The name that a line at the file's own level defines a type by.
fn type_defined(line: &str) -> Option<&str> {
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1,
        Some(rest) => rest,
        None => line,
    };
    let (word, rest) = rest.strip_prefix(' ').unwrap_or(rest).split_once(' ')?;
    let is_type = !line.starts_with(' ') && ["struct", "enum", "trait", "type", "union"].contains(&word);
    let end = rest.find(|near: char| !near.is_alphanumeric() && near != '_').unwrap_or(rest.len());
    is_type.then_some(&rest[..end])
}

/// The sentences that begin in a line: its start, if that is a capital, and what follows a full stop.
fn sentences(text: &str) -> impl Iterator<Item = &str> {
    let later = text.match_indices(". ").map(|(at, stop)| &text[at + stop.len()..]);
    std::iter::once(text).chain(later)
}

fn opens_without_subject(sentence: &str) -> bool {
    let word = sentence.split(|near: char| !near.is_alphanumeric()).next().unwrap_or("");
    NO_SUBJECT.contains(&word)
}
