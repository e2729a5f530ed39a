//! Every page and section that anything cites exists, and the pages of docs/spec name every key that they promise.

use std::fs;
use std::path::{Path, PathBuf};

/// Pages that commands write: their names in code are no citations.
const GENERATED: &[&str] = &["report.md", "compare.md"];

/// The places of citations, from the root of the repository.
const PLACES: &[&str] = &[
    "src",
    "tests",
    "benches",
    "fuzz",
    "scripts",
    "profiles",
    "reports",
    "docs",
    ".ci",
    ".config",
    "action.yml",
    "build.rs",
    "Cargo.toml",
    "clippy.toml",
    "deny.toml",
    "justfile",
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
];

/// Folders of other projects, and of what commands write.
const FOREIGN: &[&str] =
    &["node_modules", "python", "target", "cargo", "corpus", "seeds", "artifacts", "sample", "sample-capacity"];

const TEXTS: &[&str] = &["rs", "toml", "md", "json", "yml", "js", "cjs", "mjs", "css", "html", "sh", "py", ""];

/// A page as a text names it, and what of it.
#[derive(Debug, PartialEq)]
struct Citation {
    page: String,
    section: Option<String>,
    item: Option<u32>,
}

#[test]
fn every_page_and_section_that_is_cited_exists() {
    let mut faults = vec![];
    let mut seen = 0;
    for path in texts() {
        let found = citations(&fs::read_to_string(&path).unwrap());
        seen += found.len();
        let problems = found.iter().filter_map(|citation| problem(&path, citation));
        faults.extend(problems.map(|problem| format!("{}: {problem}", shown(&path))));
    }
    assert!(faults.is_empty(), "{} of {seen} citations lead nowhere:\n{}", faults.len(), faults.join("\n"));
    assert!(seen > 100, "only {seen} citations were found");
}

#[test]
fn every_link_of_a_page_leads_somewhere() {
    let mut faults = vec![];
    let mut seen = 0;
    for path in texts().into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "md")) {
        let text = fs::read_to_string(&path).unwrap();
        for target in links(&text) {
            seen += 1;
            let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
            let page = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let leads = match (anchor, fs::read_to_string(&page)) {
                (Some(anchor), Ok(text)) => headings(&text).any(|heading| slug(heading) == anchor),
                (Some(_), Err(_)) => false,
                (None, _) => page.exists(),
            };
            if !leads {
                faults.push(format!("{}: {target}", shown(&path)));
            }
        }
    }
    assert!(faults.is_empty(), "links that lead nowhere:\n{}", faults.join("\n"));
    assert!(seen > 30, "only {seen} links were found");
}

#[test]
fn every_key_of_a_profile_and_of_a_summary_stands_in_the_spec() {
    let read = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    let pages = read("docs/spec/interface.md") + &read("docs/spec/measurement.md");
    let schema: serde_json::Value = serde_json::from_str(&read("reports/summary.schema.json")).unwrap();
    let defaults = read("src/profile/defaults.toml");
    let of_summary = schema["properties"].as_object().unwrap().keys().map(String::as_str);
    let of_profile = defaults.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key);
    let keys: Vec<&str> = of_summary.chain(of_profile).collect();
    let missing: Vec<&&str> = keys.iter().filter(|key| !words(&pages).any(|word| word == **key)).collect();
    assert!(missing.is_empty(), "not in docs/spec: {missing:?}");
    assert!(keys.len() > 50, "only {} keys were found", keys.len());
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
}

#[test]
fn a_citation_is_found_with_its_section_and_its_number() {
    let check = |text: &str, page: &str, section: Option<&str>, item: Option<u32>| {
        let expected = Citation { page: page.to_owned(), section: section.map(str::to_owned), item };
        assert_eq!(citations(text), [expected], "{text}");
    };
    check("/// See docs/a.md.", "docs/a.md", None, None);
    check("/// (docs/a.md, \"Load model\").", "docs/a.md", Some("Load model"), None);
    check("/// (docs/a.md,\n    /// \"Load\n    /// model\").", "docs/a.md", Some("Load model"), None);
    check("\"By name (docs/a.md, \\\"Metrics\\\")\"", "docs/a.md", Some("Metrics"), None);
    check("// (docs/a.md 11).", "docs/a.md", None, Some(11));
    check("[a.md](docs/a.md), \"Metrics\"", "docs/a.md", Some("Metrics"), None);
    for text in ["*.md", "{name}.md", "https://example.org/a.md", "a.mdx", "docs/report.md"] {
        assert_eq!(citations(text), [], "{text}");
    }
}

#[test]
fn what_does_not_exist_is_a_problem() {
    let here = root().join("src/lib.rs");
    let problem = |page: &str, section: Option<&str>, item| {
        problem(&here, &Citation { page: page.to_owned(), section: section.map(str::to_owned), item })
    };
    assert_eq!(problem("ARCHITECTURE.md", Some("Invariants"), Some(11)), None);
    assert!(problem("nowhere.md", None, None).is_some());
    assert!(problem("ARCHITECTURE.md", Some("Nothing of that name"), None).is_some());
    assert!(problem("ARCHITECTURE.md", None, Some(99)).is_some());
}

/// Every citation of a page in `text`; comment signs at the starts of its lines are left out.
fn citations(text: &str) -> Vec<Citation> {
    let text = joined(text);
    let mut found = vec![];
    for (at, _) in text.match_indices(".md") {
        let (before, after) = (&text[..at], &text[at + 3..]);
        let is_path = |letter: char| letter.is_ascii_alphanumeric() || "_./-".contains(letter);
        let stem = before.rsplit(|letter| !is_path(letter)).next().unwrap_or_default();
        let page = format!("{stem}.md");
        let name = page.rsplit('/').next().unwrap_or_default();
        let goes_on = after.starts_with(|letter: char| letter.is_ascii_alphanumeric() || letter == '_');
        // The words of a link are not where it leads.
        if goes_on
            || after.starts_with("](")
            || stem.is_empty()
            || stem.ends_with('/')
            || stem.starts_with("//")
            || GENERATED.contains(&name)
        {
            continue;
        }
        let behind = after.strip_prefix(')').unwrap_or(after);
        let section =
            behind.strip_prefix(", \"").and_then(|rest| rest.split_once('"')).map(|(name, _)| name.to_owned());
        let number = after.strip_prefix(' ').unwrap_or_default();
        let number = number.split(|letter: char| !letter.is_ascii_digit()).next().unwrap_or_default();
        found.push(Citation { page, section, item: number.parse().ok() });
    }
    found
}

/// The text as one line, without the signs that begin lines of comments, and with JSON's quotes as they are read.
fn joined(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = line.trim();
        ["///", "//!", "//", "#"].iter().find_map(|sign| line.strip_prefix(sign)).unwrap_or(line).trim()
    });
    lines.collect::<Vec<_>>().join(" ").replace("\\\"", "\"")
}

/// Why the citation that stands in the file at `path` leads nowhere.
fn problem(path: &Path, Citation { page, section, item }: &Citation) -> Option<String> {
    let places = [root().join(page), path.parent()?.join(page)];
    let Some(text) = places.iter().find_map(|place| fs::read_to_string(place).ok()) else {
        return Some(format!("there is no {page}"));
    };
    if let Some(section) = section
        && !headings(&text).any(|heading| heading == section)
    {
        return Some(format!("{page} has no section {section:?}"));
    }
    match item {
        Some(item) if !text.lines().any(|line| line.starts_with(&format!("{item}. "))) => {
            Some(format!("{page} has no item {item}"))
        }
        _ => None,
    }
}

/// The text of every heading.
fn headings(page: &str) -> impl Iterator<Item = &str> {
    page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim())
}

/// The anchor that a page on the web has for a heading.
fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter));
    kept.map(|letter| if letter == ' ' { '-' } else { letter.to_ascii_lowercase() }).collect()
}

/// The targets of the links and pictures of a page, except other machines.
fn links(page: &str) -> impl Iterator<Item = &str> {
    let targets = page.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    targets.filter(|target| !target.contains("://") && !target.contains(char::is_whitespace))
}

/// Every text in which somebody may cite a page; this one, whose examples lead nowhere, is left out.
fn texts() -> Vec<PathBuf> {
    let mut found = vec![];
    let mut left: Vec<PathBuf> = PLACES.iter().map(|place| root().join(place)).filter(|path| path.exists()).collect();
    while let Some(path) = left.pop() {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !FOREIGN.contains(&name.as_str()) {
            left.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() && TEXTS.contains(&extension.as_str()) && name != "citations.rs" {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}
