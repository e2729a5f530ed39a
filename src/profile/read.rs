//! Reads a profile: merges defaults, text and overrides, and checks every section.

use super::section::{Checks, Section, SectionReader};
use super::sections::scenarios::{self, OtherSections};
use super::sections::target::{self, faults, reconnect};
use super::sections::verdict::{gates, validity};
use super::sections::{arrivals, engine, messages, phases, rooms, tags};
use super::syntax::{document, keys};
use super::{Override, Problem, Profile, VariableLookup, export, overrides};

pub(super) const DEFAULTS: &str = include_str!("defaults.toml");

/// A profile's text and its name in messages: a path, or a built-in profile's name.
#[derive(Clone, Copy, Debug)]
pub struct ProfileSource<'a> {
    pub name: &'a str,
    pub text: &'a str,
}

/// Reads a profile without checking the grammar of its gates.
///
/// # Errors
/// As [`read_with`].
pub fn read(
    source: ProfileSource<'_>,
    overrides: &[Override],
    environment: VariableLookup<'_>,
) -> Result<Profile, Vec<Problem>> {
    read_with(source, overrides, Checks { environment, gate: &|_, _, _| Ok(()) })
}

/// Reads a profile: merges the text over the defaults and `overrides` over both, and checks the result.
///
/// # Errors
/// Every problem, each with the line or the option of its value.
pub fn read_with(
    source: ProfileSource<'_>,
    overrides: &[Override],
    checks: Checks<'_>,
) -> Result<Profile, Vec<Problem>> {
    let mut tree = document::parse("the defaults", DEFAULTS)?;
    document::mark_as_defaults(&mut tree);
    document::merge(&mut tree, document::parse(source.name, source.text)?);
    let problems = overrides::apply(&mut tree, overrides);
    if let Some(table) = document::table_mut(&mut tree, "arrivals") {
        arrivals::drop_overridden(table);
    }
    if let Some(table) = document::table_mut(&mut tree, "messages") {
        messages::drop_overridden(table);
    }
    scenarios::drop_overridden(&mut tree);
    tree.entry("name".to_owned()).or_insert_with(|| document::default_text(&name_of(source.name)));

    let reader = SectionReader::new(source.name, checks, problems);
    let at = document::At::Default;
    let root = Section::new(&reader, String::new(), &at, &tree, &keys::ROOT);
    let phases = phases::check(&root);
    let (engine, room_count) = (engine::check(&root), rooms::count(&root));
    let others = OtherSections { steady: phases.steady, engine: engine.kind, room_count };
    let scenarios = scenarios::check(&root, others);
    let profile = Profile {
        name: name(&root),
        description: root.text("description").unwrap_or_default(),
        target: target::check(&root),
        reconnect: reconnect::check(&root),
        room_count,
        arrivals: arrivals::check(&root),
        phases,
        engine,
        validity: validity::check(&root),
        gates: gates::check(&root, &scenarios::names(&scenarios)),
        scenarios,
        faults: faults::check(&root),
        tags: tags::check(&root),
        written: export::write(&tree),
    };
    let problems = reader.problems();
    if problems.is_empty() { Ok(profile) } else { Err(problems) }
}

/// The checked name; it becomes part of the report's path.
fn name(root: &Section<'_>) -> String {
    let name = root.text("name").unwrap_or_default();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(fits) {
        root.problem("name", "a name has from 1 to 64 letters, digits, -, _ and . and goes into the report's path");
    }
    name
}

/// The default name of a profile: its file's name without `.toml`.
fn name_of(source: &str) -> String {
    let file = source.rsplit(['/', '\\']).next().unwrap_or(source);
    let stem = file.strip_suffix(".toml").unwrap_or(file);
    let name: String =
        stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).take(64).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() { "profile".to_owned() } else { name.to_owned() }
}
