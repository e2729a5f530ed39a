//! Built-in profiles, to run as they are or to copy.

use super::ProfileSource;

const ALL: &[ProfileSource<'static>] = &[
    ProfileSource { name: "smoke", text: include_str!("../../profiles/smoke.toml") },
    ProfileSource { name: "ci", text: include_str!("../../profiles/ci.toml") },
    ProfileSource { name: "mesh-50", text: include_str!("../../profiles/mesh-50.toml") },
    ProfileSource { name: "thousand", text: include_str!("../../profiles/thousand.toml") },
    ProfileSource { name: "churn", text: include_str!("../../profiles/churn.toml") },
    ProfileSource { name: "spike", text: include_str!("../../profiles/spike.toml") },
    ProfileSource { name: "mixed", text: include_str!("../../profiles/mixed.toml") },
    ProfileSource { name: "capacity", text: include_str!("../../profiles/capacity.toml") },
];

/// All built-in profiles, smallest first.
pub fn all() -> &'static [ProfileSource<'static>] {
    ALL
}

/// The built-in profile of that name.
pub fn find(name: &str) -> Option<ProfileSource<'static>> {
    ALL.iter().copied().find(|source| source.name == name)
}
