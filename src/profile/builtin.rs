//! The profiles that come with the program, to run as they are or to start one's own from.

use super::Source;

const ALL: &[Source<'static>] = &[
    Source { name: "smoke", text: include_str!("../../profiles/smoke.toml") },
    Source { name: "ci", text: include_str!("../../profiles/ci.toml") },
    Source { name: "mesh-50", text: include_str!("../../profiles/mesh-50.toml") },
    Source { name: "thousand", text: include_str!("../../profiles/thousand.toml") },
    Source { name: "churn", text: include_str!("../../profiles/churn.toml") },
    Source { name: "capacity", text: include_str!("../../profiles/capacity.toml") },
];

/// All built-in profiles, smallest first.
pub fn all() -> &'static [Source<'static>] {
    ALL
}

/// The built-in of that name.
pub fn find(name: &str) -> Option<Source<'static>> {
    ALL.iter().copied().find(|source| source.name == name)
}
