//! Files that a user gives: a profile, a dialect, a summary and what `compare` makes of it. The first byte chooses.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshload::gates::baseline::{ToleranceRule, compare};
use meshload::profile::{self, ProfileSource};
use meshload::summary::{Histogram, Summary};
use meshload::{dialect, gates::Gate};

fuzz_target!(|input: &str| {
    let mut characters = input.chars();
    let Some(mode) = characters.next() else { return };
    let text = characters.as_str();
    match mode {
        'p' => drop(profile::read(ProfileSource { name: "fuzz.toml", text }, &[], &|_| None)),
        'd' => drop(dialect::read("fuzz.toml", text)),
        'g' => drop(text.split_once('\n').map(|(metric, expr)| Gate::parse(metric, expr))),
        // Whatever a blob claims, it is bounded before it is decoded.
        'h' => drop(Histogram::decode(text)),
        _ => {
            let Ok(summary) = Summary::read(text) else { return };
            let again = Summary::read(&summary.to_json());
            assert!(again.is_ok(), "what was read can be read again: {:?}", again.err());
            compare(std::slice::from_ref(&summary), std::slice::from_ref(&summary), &ToleranceRule::default());
        }
    }
});
