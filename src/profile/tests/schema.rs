//! The schema for editors agrees with the reader, on profiles that are generated.

use super::super::schema::json_schema;
use super::*;
use proptest::prelude::*;
use regex_lite::Regex;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&json_schema()).unwrap());

/// The keywords that the schema uses, as JSON Schema 2020-12 reads them.
fn holds(schema: &Value, value: &Value) -> bool {
    let keywords = schema.as_object().unwrap();
    keywords.iter().all(|(keyword, means)| match keyword.as_str() {
        "type" => match means.as_str().unwrap() {
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "object" => value.is_object(),
            "array" => value.is_array(),
            other => panic!("the type {other}"),
        },
        "pattern" => value.as_str().is_none_or(|text| fits(means.as_str().unwrap(), text)),
        "minimum" => value.as_i64().is_none_or(|number| number >= means.as_i64().unwrap()),
        "maximum" => value.as_i64().is_none_or(|number| number <= means.as_i64().unwrap()),
        "enum" => means.as_array().unwrap().contains(value),
        "anyOf" => means.as_array().unwrap().iter().any(|one| holds(one, value)),
        "required" => means.as_array().unwrap().iter().all(|key| value.get(key.as_str().unwrap()).is_some()),
        "minItems" => value.as_array().is_none_or(|items| items.len() as u64 >= means.as_u64().unwrap()),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| holds(means, item))),
        "properties" => value.as_object().is_none_or(|object| {
            object.iter().all(|(key, value)| means.get(key).is_none_or(|means| holds(means, value)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|object| {
            let own = keywords.get("properties").and_then(Value::as_object);
            let mut others = object.iter().filter(|(key, _)| own.is_none_or(|own| !own.contains_key(*key)));
            others.all(|(_, value)| if means.is_object() { holds(means, value) } else { means.as_bool().unwrap() })
        }),
        "$ref" => holds(&SCHEMA["$defs"][means.as_str().unwrap().rsplit('/').next().unwrap()], value),
        "$schema" | "$id" | "title" | "$defs" | "description" | "default" => true,
        other => panic!("the keyword {other}"),
    })
}

fn fits(pattern: &str, text: &str) -> bool {
    thread_local! {
        static PATTERNS: RefCell<BTreeMap<String, Regex>> = RefCell::default();
    }
    PATTERNS.with_borrow_mut(|patterns| {
        let compiled = patterns.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).unwrap());
        compiled.is_match(text)
    })
}

fn is_taken(text: &str) -> Option<bool> {
    let value = toml::from_str::<toml::Table>(text).ok()?;
    Some(holds(&SCHEMA, &serde_json::to_value(value).unwrap()))
}

/// Values of every kind, right and wrong, for a key of any section.
fn any_value() -> impl Strategy<Value = String> {
    let number = prop_oneof!["[0-9]{1,5}", "[0-9]{0,3}\\.[0-9]{1,2}"];
    let unit = prop::sample::select(vec!["ms", "s", "m", "h", "us", "/s", "/min", "%", "%/min", "B", "KiB", "", "x"]);
    let measured = (number, "[ ]?", unit).prop_map(|(number, blank, unit)| format!("\"{number}{blank}{unit}\""));
    let words = prop::sample::select(vec![
        "constant",
        "poisson",
        "burst",
        "steps",
        "stages",
        "ramp",
        "room-list",
        "lower-id",
        "newcomer",
        "off",
        "ping-pong",
        "none",
        "barrier",
        "lean",
        "webrtc",
        "relay",
        "shared",
        "per-peer",
        "warn",
        "fail",
        "pass",
        "wrong",
        "${TOKEN}",
    ]);
    let fixed = prop::sample::select(vec![
        "true",
        "false",
        "{}",
        "[]",
        "1.5",
        "-3",
        "[\"timing\"]",
        "[1]",
        "[{ rate = \"3/s\", for = \"2s\" }, { rate = \"1/s\" }]",
        "{ min = 2, max = 8 }",
        "{ min = \"30s\", max = \"3m\" }",
        "{ min = \"64B\", max = \"1KiB\" }",
        "{ min = 3 }",
        "{ x-key = \"k\" }",
        "[\"stun:10.0.0.1\"]",
        "[{ urls = \"stun:10.0.0.1\" }]",
        "[{ expr = \"p(50) < 1s\", abort = true }]",
        "{ expr = \"p(50) < 1s\", after = \"9s\" }",
        "{ expr = 3 }",
    ]);
    prop_oneof![
        4 => measured,
        3 => words.prop_map(|word| format!("\"{word}\"")),
        3 => fixed.prop_map(str::to_owned),
        2 => (0u32..12_000).prop_map(|number| number.to_string()),
    ]
}

/// Sections with one to three of their keys, a tenth of them misspelled.
fn any_profile() -> impl Strategy<Value = String> {
    let sections: Vec<(&str, Vec<&str>)> = keys::PROFILE
        .iter()
        .map(|section| (section.name, section.takes.names().unwrap_or_else(|| vec!["time_to_open", "edges_failed"])))
        .filter(|(name, _)| !["name", "description"].contains(name))
        .collect();
    let section = prop::sample::select(sections).prop_flat_map(|(name, keys)| {
        let count = keys.len().min(3);
        let keys = prop::sample::subsequence(keys, 1..=count);
        let values = prop::collection::vec((any_value(), 0..10u8), 3);
        (Just(name), keys, values).prop_map(|(name, keys, values)| {
            let line = |(key, (value, slip)): (&str, (String, u8))| {
                format!("{key}{} = {value}", if slip == 0 { "x" } else { "" })
            };
            let header = if name == "scenarios" { "[[scenarios]]".to_owned() } else { format!("[{name}]") };
            format!("{header}\n{}", keys.into_iter().zip(values).map(line).collect::<Vec<_>>().join("\n"))
        })
    });
    prop::collection::vec(section, 1..3).prop_map(|sections| sections.join("\n"))
}

/// Problems that no schema of one value at a time can tell: limits of times and amounts, and what several keys say together.
fn is_beyond_a_schema(problem: &Problem) -> bool {
    const BEYOND: [&str; 29] = [
        "too short",
        "too long",
        "too low",
        "too high",
        "too large",
        "is past",
        "is missing",
        "not a key of the shape",
        "leaves no time",
        "would leave",
        "together",
        "given too",
        "is above max",
        "leave one of them",
        "either max_retransmits",
        "leave target.url out",
        "one id",
        "is no dialect",
        "${",
        "is not between",
        "is no rate",
        "whole ms",
        "is too small",
        "leave in the steady",
        "write kind",
        "needs a TURN",
        "add up to",
        "some of the run's",
        "a scenario before",
    ];
    let of_texts = [
        "target.url",
        "target.origin",
        "target.subprotocol",
        "target.headers",
        "engine.ice_servers",
        "target.message_max",
        "scenarios[0].name",
        "scenarios[0].target",
    ];
    BEYOND.iter().any(|words| problem.message.contains(words))
        || of_texts.iter().any(|path| problem.path.starts_with(path))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]
    #[test]
    fn the_schema_takes_what_is_read_and_refuses_what_it_can(text in any_profile()) {
        let Some(is_taken) = is_taken(&text) else { return Ok(()) };
        match profile(&text, &[]) {
            Ok(_) => prop_assert!(is_taken, "read, but not taken:\n{text}"),
            Err(problems) => prop_assert!(!is_taken || problems.iter().all(is_beyond_a_schema), "taken, but:\n{text}\n{problems:?}"),
        }
    }
}

#[test]
fn every_built_in_profile_is_taken_and_the_committed_schema_is_the_tables() {
    for builtin in builtin::all() {
        assert_eq!(is_taken(builtin.text), Some(true), "{}", builtin.name);
        assert_eq!(is_taken(to_toml(&read(*builtin, &[], &environment).unwrap())), Some(true), "{}", builtin.name);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/reports/profile.schema.json");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, json_schema()).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap_or_default() == json_schema(), "run this test with UPDATE=1");
}
