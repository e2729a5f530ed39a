//! Properties of profiles with generated texts and overrides.

use super::*;
use proptest::prelude::*;

/// The profile without the gates' places, which an exported profile can't keep.
fn without_lines(mut profile: Profile) -> Profile {
    profile.gates.iter_mut().for_each(|gate| gate.at.clear());
    for scenario in &mut profile.scenarios {
        scenario.approval_at.clear();
        scenario.target.tokens.iter_mut().for_each(|tokens| tokens.at.clear());
    }
    profile.target.dialect_at.clear();
    profile
}

fn any_override() -> impl Strategy<Value = Override> {
    let change = |knob: Knob, value: &str| Override::new(knob, value);
    prop_oneof![
        (1u32..5000).prop_map(|count| Override::new(Knob::Rooms, count.to_string())),
        (2u16..9, 0u16..9).prop_map(|(min, more)| Override::new(Knob::RoomSize, format!("{min}..{}", min + more))),
        (1u32..900).prop_map(|rate| Override::new(Knob::Arrivals, format!("{rate}/s"))),
        (0u32..900).prop_map(|millis| Override::new(Knob::Duration, format!("{millis}ms"))),
        "[a-zA-Z0-9 '\"\\\\#äöü]{0,30}".prop_map(|text| Override::new(Knob::Set, format!("description={text}"))),
        Just(change(Knob::Set, "arrivals.shape=burst")),
        Just(change(Knob::Set, "arrivals={shape=\"steps\", steps=[{rate=\"3/s\", for=\"2s\"}, {rate=\"1/s\"}]}")),
        Just(change(Knob::Set, "messages.max_retransmits=2")),
        Just(change(
            Knob::Set,
            "scenarios=[{name=\"a\",share=\"40%\",messages={reliable=true}},{name=\"b\",share=\"60%\"}]"
        )),
        Just(change(Knob::Set, "churn.leave=2%/min")),
        Just(change(Knob::Header, "X-Key: k3y")),
        Just(change(Knob::Header, "Authorization: Bearer ${TOKEN}")),
        Just(change(Knob::Target, "wss://u:p4ss@a.example/ws/?q=1")),
        Just(change(Knob::Gate, "time_to_open.began: p(50) < 1s")),
        Just(change(Knob::NoGates, "")),
    ]
}

proptest! {
    #[test]
    fn a_profile_written_out_reads_back_to_the_same(
        builtin in 0..builtin::all().len(),
        overrides in prop::collection::vec(any_override(), 0..6),
    ) {
        let Ok(first) = read(builtin::all()[builtin], &overrides, &environment) else { return Ok(()) };
        let source = ProfileSource { name: "again.toml", text: to_toml(&first) };
        let again = read(source, &[], &environment).map_err(|problems| TestCaseError::fail(format!("{problems:?}\n{}", source.text)))?;
        prop_assert_eq!(without_lines(first), without_lines(again));
    }

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC{0,200}", set in "\\PC{0,40}") {
        let _ = profile(&text, &[Override::new(Knob::Set, set)]);
    }

    #[test]
    fn no_lines_of_a_profile_in_any_order_make_reading_panic(
        lines in prop::collection::vec(prop::sample::select(LINES), 0..12),
    ) {
        let _ = profile(&lines.join("\n"), &[]);
    }
}

const LINES: &[&str] = &[
    "[rooms]",
    "count = 0",
    "size = { min = 9, max = 2 }",
    "size = {}",
    "size = []",
    "id = \"\\u0000\"",
    "[arrivals]",
    "shape = \"steps\"",
    "shape = 3",
    "steps = [1, {}]",
    "steps = []",
    "[[arrivals.steps]]",
    "rate = \"1/s\"",
    "for = 1979-05-27",
    "[gates]",
    "a = [[]]",
    "a.b.c = { expr = 1 }",
    "x = { threshold = 1 }",
    "[target]",
    "url = \"ws://{\"",
    "headers = 1",
    "headers = { \"a b\" = \"\", Upgrade = \"x\", ok = 1 }",
    "[messages]",
    "max_lifetime = \"1us\"",
    "max_retransmits = -1",
    "reliable = false",
    "name = \"../x\"",
    "target = 5",
    "[gates.x]",
    "rate = inf",
];
