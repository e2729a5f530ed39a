//! Differences between the plans and the machines of two sides.

use crate::summary::Summary;
use crate::vocabulary::inert_text::inert;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One difference between the sides, with the value of each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    pub what: String,
    pub base: String,
    pub new: String,
}

/// The sections of a profile that the plan's hash covers (docs/spec/interface.md, "What plan_sha256 covers").
const PLANNED: [&str; 7] = ["rooms", "arrivals", "phases", "handshake", "messages", "churn", "engine"];

/// The most characters of a value of a profile that are shown.
const VALUE_CHARS_MAX: usize = 400;

/// The differences between the plans; empty if all runs have the same plan.
pub(super) fn plans(base: &[&Summary], new: &[&Summary]) -> Vec<Difference> {
    let of = |side: &[&Summary]| side.iter().map(|run| run.run.plan_sha256.clone()).collect::<BTreeSet<_>>();
    let (base_plans, new_plans) = (of(base), of(new));
    if base_plans == new_plans && base_plans.len() <= 1 {
        return vec![];
    }
    let sides = (traits_of(base), traits_of(new));
    let names: BTreeSet<&String> = sides.0.keys().chain(sides.1.keys()).collect();
    let shown = |side: &BTreeMap<String, String>, name: &str| side.get(name).cloned().unwrap_or("–".into());
    let mut differences: Vec<Difference> = names
        .into_iter()
        .map(|name| Difference { what: name.clone(), base: shown(&sides.0, name), new: shown(&sides.1, name) })
        .filter(|difference| difference.base != difference.new)
        .collect();
    let is_dialects = sides.0 == sides.1 && has_profiles(base) && has_profiles(new) && versions(base) == versions(new);
    if differences.is_empty() && is_dialects {
        let name = sides.0.get("dialect").cloned().unwrap_or_default();
        let what = "dialect, in its file's text".into();
        differences.push(Difference { what, base: name.clone(), new: name });
    } else if differences.is_empty() {
        let list = |plans: &BTreeSet<String>| plans.iter().cloned().collect::<Vec<_>>().join(", ");
        differences.push(Difference { what: "plan_sha256".into(), base: list(&base_plans), new: list(&new_plans) });
    }
    differences
}

fn has_profiles(side: &[&Summary]) -> bool {
    side.iter().all(|run| run.run.profile.is_some() && !profile_of(run).is_empty())
}

fn versions<'a>(side: &[&'a Summary]) -> BTreeSet<&'a str> {
    side.iter().map(|run| run.meshload.version.as_str()).collect()
}

/// The differences between the machines; empty if all runs had the same CPU and number of cores.
pub(super) fn machines(base: &[&Summary], new: &[&Summary]) -> Vec<Difference> {
    let differing = |what: &str, of: fn(&Summary) -> String| {
        let list = |side: &[&Summary]| {
            let all: BTreeSet<String> = side.iter().map(|run| of(run)).collect();
            all.into_iter().collect::<Vec<_>>().join(", ")
        };
        let (base, new) = (list(base), list(new));
        (base != new).then(|| Difference { what: what.into(), base, new })
    };
    let cpu = differing("cpu", |run| run.run.machine.cpu.clone());
    let cores = differing("cores", |run| run.run.machine.cores.to_string());
    cpu.into_iter().chain(cores).collect()
}

/// The settings and counts that determine a side's plans, by profile key if the summary has the profile.
fn traits_of(side: &[&Summary]) -> BTreeMap<String, String> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for run in side {
        let counts = &run.counts;
        let planned = [
            ("rooms planned", counts.rooms.planned),
            ("peers planned", counts.peers.planned),
            ("edges planned", counts.edges.planned),
        ];
        let words = [("dialect", &run.run.dialect), ("engine", &run.run.engine)];
        let numbers = planned.map(|(name, count)| (name.to_owned(), count.to_string()));
        let words = words.map(|(name, word)| (name.to_owned(), word.clone()));
        for (name, value) in numbers.into_iter().chain(words).chain(profile_of(run)) {
            all.entry(name).or_default().insert(value);
        }
    }
    all.into_iter().map(|(name, values)| (name, values.into_iter().collect::<Vec<_>>().join(" and "))).collect()
}

fn profile_of(run: &Summary) -> Vec<(String, String)> {
    let table = run.run.profile.as_ref().and_then(|text| text.parse::<toml::Table>().ok()).unwrap_or_default();
    let mut leaves = vec![];
    for (name, value) in table.iter().filter(|(name, _)| PLANNED.contains(&name.as_str())) {
        flatten(name, value, &mut leaves);
    }
    leaves
}

/// Collects the leaves of a TOML value; the parser limits the nesting.
fn flatten(path: &str, value: &toml::Value, leaves: &mut Vec<(String, String)>) {
    match value {
        toml::Value::Table(table) => {
            table.iter().for_each(|(name, value)| flatten(&format!("{path}.{name}"), value, leaves));
        }
        // TOML's own escapes may hide in a text what was made inert when the summary was read.
        _ => leaves.push((inert(path, VALUE_CHARS_MAX), inert(&value.to_string(), VALUE_CHARS_MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::Run;

    fn run(plan: &str, profile: &str) -> Summary {
        let run = Run { plan_sha256: plan.into(), profile: Some(profile.into()), ..Run::default() };
        Summary { run, ..Summary::default() }
    }

    fn check(base: &Summary, new: &Summary, expected: &[(&str, &str, &str)]) {
        let found = plans(&[base], &[new]);
        let found: Vec<_> = found.iter().map(|d| (d.what.as_str(), d.base.as_str(), d.new.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn one_plan_is_no_difference_whatever_the_profiles_say() {
        check(&run("a", "name = \"x\""), &run("a", "name = \"y\""), &[]);
    }

    #[test]
    fn plans_that_differ_name_the_keys_of_the_profile() {
        let base = run("a", "name = \"x\"\n[rooms]\ncount = 10\nsize = { min = 2, max = 4 }");
        let new =
            run("b", "name = \"y\"\n[rooms]\ncount = 20\nsize = { min = 2, max = 5 }\n[target]\nurl = \"ws://x\"");
        check(&base, &new, &[("rooms.count", "10", "20"), ("rooms.size.max", "4", "5")]);
    }

    #[test]
    fn plans_of_one_profile_and_one_version_differ_in_the_text_of_the_dialect() {
        let run = |plan| {
            let mut run = run(plan, "[rooms]\ncount = 10");
            run.run.dialect = "mine".into();
            run
        };
        check(&run("a"), &run("b"), &[("dialect, in its file's text", "mine", "mine")]);
        let mut later = run("b");
        later.meshload.version = "9.0.0".into();
        check(&run("a"), &later, &[("plan_sha256", "a", "b")]);
    }

    #[test]
    fn plans_whose_words_are_unknown_differ_by_their_hashes() {
        check(&run("a", "not toml ["), &run("b", ""), &[("plan_sha256", "a", "b")]);
    }
}
