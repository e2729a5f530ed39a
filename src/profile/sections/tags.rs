//! `[tags]`: the user's own words about a run, which every report and every metric carries.

use crate::profile::section::Section;
use crate::profile::syntax::document::{Node, Value};
use crate::vocabulary::problem::quoted;
use std::collections::BTreeMap;

/// The most tags of a run: each is a label of Prometheus.
const TAGS_MAX: usize = 32;
/// The longest key, in bytes.
const KEY_BYTES_MAX: usize = 64;
/// The longest value, in characters.
const VALUE_CHARS_MAX: usize = 256;

/// Reads the tags, by key.
pub(crate) fn check(root: &Section<'_>) -> BTreeMap<String, String> {
    let section = root.section("tags");
    if section.tree().len() > TAGS_MAX {
        root.problem("tags", format!("{} tags are too many; at most {TAGS_MAX}", section.tree().len()));
    }
    let mut tags = BTreeMap::new();
    for (key, Node { at, value }) in section.tree() {
        let path = section.path_of(key);
        let problem = |message: String| section.reader.problem(&path, at, message);
        if !is_key(key) {
            problem(format!("{} is no name of a tag, which has letters, digits and _ only{}", quoted(key), hint(key)));
            continue;
        }
        let Value::Text(written) = value else {
            problem(format!("expected a text in quotes, not {}", value.kind()));
            continue;
        };
        match section.reader.expand(&path, at, written) {
            Some(text) if text.chars().count() <= VALUE_CHARS_MAX && !text.contains(char::is_control) => {
                tags.insert(key.clone(), text);
            }
            Some(_) => problem(format!("a tag's value is one line of at most {VALUE_CHARS_MAX} characters")),
            None => {}
        }
    }
    tags
}

/// The names of Prometheus' labels, so that a tag is spelled alike everywhere.
fn is_key(key: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.as_bytes()[0].is_ascii_digit() && key.bytes().all(fits)
}

/// The nearest right spelling of a wrong key, if one is left after its foreign characters.
fn hint(key: &str) -> String {
    let word: String = key.trim().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let start = if word.starts_with(|first: char| first.is_ascii_digit()) { "_" } else { "" };
    let right: String = format!("{start}{word}").chars().take(KEY_BYTES_MAX).collect();
    if right.trim_matches('_').is_empty() { String::new() } else { format!("; write {right}") }
}

#[cfg(test)]
mod tests {
    use crate::profile::{Knob, Override, Problem, ProfileSource, read};
    use std::collections::BTreeMap;

    fn tags(text: &str, options: &[&str]) -> Result<BTreeMap<String, String>, Vec<String>> {
        let environment = |name: &str| (name == "COMMIT").then(|| "abc123".to_owned());
        let overrides: Vec<_> = options.iter().map(|option| Override::new(Knob::Tag, *option)).collect();
        let read = read(ProfileSource { name: "p.toml", text }, &overrides, &environment);
        read.map(|profile| profile.tags).map_err(|problems| problems.iter().map(Problem::to_string).collect())
    }

    fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_option_wins_over_the_profile_and_variables_are_filled_in() {
        let profile = "[tags]\nenv = \"staging\"\ncommit = \"${COMMIT}\"\n";
        assert_eq!(tags(profile, &[]), Ok(of(&[("commit", "abc123"), ("env", "staging")])));
        let expected = of(&[("commit", "abc123"), ("env", "a=b"), ("team", "")]);
        assert_eq!(tags(profile, &["env=a=b", "team="]), Ok(expected));
        assert_eq!(tags("", &["env=one", "env=two"]), Ok(of(&[("env", "two")])));
    }

    #[test]
    fn a_wrong_tag_is_told_with_its_right_spelling() {
        let check = |text: &str, options: &[&str], expected: &str| {
            assert_eq!(tags(text, options), Err(vec![expected.to_owned()]), "{text} {options:?}");
        };
        let no_name = "is no name of a tag, which has letters, digits and _ only";
        check("", &["git-sha=1"], &format!("tags.git-sha: \"git-sha\" {no_name}; write git_sha (--tag)"));
        check("", &["1st=x"], &format!("tags.1st: \"1st\" {no_name}; write _1st (--tag)"));
        check("[tags]\n\"é\" = \"x\"\n", &[], &format!("tags.é: \"é\" {no_name} (p.toml:2)"));
        check("", &["env"], "expected KEY=VALUE, such as env=staging (--tag)");
        check("", &["env:staging"], "expected KEY=VALUE: write env=staging (--tag)");
        check("[tags]\nbuild = 7\n", &[], "tags.build: expected a text in quotes, not a number (p.toml:2)");
        check("", &["a=b\nc"], "tags.a: a tag's value is one line of at most 256 characters (--tag)");
        check("", &["a=${NONE}"], "tags.a: the environment variable NONE is not set (--tag)");
    }

    #[test]
    fn as_many_tags_as_fit_and_not_one_more() {
        let text =
            |count: usize| (0..count).fold("[tags]\n".to_owned(), |text, index| text + &format!("t{index} = \"x\"\n"));
        assert_eq!(tags(&text(32), &[]).map(|tags| tags.len()), Ok(32));
        assert!(tags(&text(33), &[]).unwrap_err()[0].starts_with("tags: 33 tags are too many; at most 32"));
    }
}
