//! Reasons why a dialect can't work that are found without a server, each with its line.

use super::{Dialect, builtins, names, read, shown};
use std::time::Instant;

/// The flaws of `relay` with one text changed into another.
fn of_relay(from: &str, to: &str) -> String {
    let relay = builtins().iter().find(|built_in| built_in.name == "relay").unwrap().text;
    assert!(relay.contains(from), "{from}");
    flaws_of(&relay.replacen(from, to, 1))
}

fn flaws_of(text: &str) -> String {
    match read("mine.toml", text) {
        Ok(dialect) => shown(&dialect.flaws(Instant::now())),
        Err(problems) => shown(&problems),
    }
}

#[test]
fn the_built_in_ones_have_no_flaw() {
    for name in names() {
        let flaws = Dialect::named(name).unwrap().flaws(Instant::now());
        assert!(flaws.is_empty(), "{name}:\n{}", shown(&flaws));
    }
}

#[test]
fn each_mistake_is_told_with_its_line_and_its_fix() {
    let check = |from: &str, to: &str, expected: &[&str]| {
        let flaws = of_relay(from, to);
        for part in expected {
            assert!(flaws.contains(part), "{from} → {to}: no {part} in\n{flaws}");
        }
    };
    let near = |line: u16| format!("nearest is at mine.toml:{line}:");
    check(
        "offer = { type",
        "offfer = { type",
        &["the dialect has no frame for `offer`", "give `offer` a frame with {sdp} in [say]", "(mine.toml:7)"],
    );
    check(
        "to = \"{peer}\", sdp = \"{sdp}\" } }\nanswer",
        "to = \"{peer}\" } }\nanswer",
        &["the frame of `offer` carries no {sdp}", "(mine.toml:9)"],
    );
    check(
        "match = { type = \"offer\"",
        "match = { type = \"ofer\"",
        &["say.offer: ", &near(21), "\"ofer\" is expected"],
    );
    check("match = { type = \"answer\"", "match = { type = \"awnser\"", &["say.answer: ", &near(25), "(mine.toml:10)"]);
    check("match = { type = \"candidate\"", "match = { type = \"candidat\"", &["say.candidate: ", &near(29)]);
    check(
        "match = { type = \"offer\", channel = \"{room}\", data = { from = \"{from}\", to = \"{me}\"",
        "match = { type = \"offer\", channel = \"{room}\", data = { from = \"{me}\", to = \"{from}\"",
        &["say.offer: ", &near(21), "where this peer has"],
    );
    check("to = \"{peer}\", sdp", "to = \"peer\", sdp", &["say.offer: ", &near(21), "(mine.toml:9)"]);
    check(
        "match = { type = \"join\", channel = \"{room}\"",
        "match = { type = \"join\", channel = \"room\"",
        &["say.join: ", &near(17), "a hole such as {room}"],
    );
    check(
        "[[on]]\nmatch = { type = \"join\"",
        "[[on]]\nmatch = { type = \"{_}\" }\nignore = true\n\n[[on]]\nmatch = { type = \"join\"",
        &[
            "on[1]: is never reached: the rule at mine.toml:17 takes every frame",
            "(mine.toml:21)",
            "took it for something else",
        ],
    );
    check("glare = ", "id = \"server\"\nglare = ", &["id: no step sets `me`", "(mine.toml:4)"]);
    check("glare = ", "connect.url = \"ws://h/{room}\"\nglare = ", &["connect.url: has no {base}", "(mine.toml:4)"]);
    check("initiate = true", "initiate = false", &["initiate is false everywhere"]);
    check("peer = \"{from}\"", "heard = \"{from}\"", &["no rule tells of another peer"]);
    check("\nanswer = { type", "\nanwser = { type", &["the dialect has no frame for `answer`"]);
    check(
        "\ncandidate = { type",
        "\ncandidat = { type",
        &["the dialect has no frame for `candidate`", "or say trickle = false"],
    );
    check(
        "peer = \"{from}\"",
        "do = [{ peer = \"{from}\" }]\ninitiate = true",
        &["initiate beside do means nothing; it belongs into a step of do (mine.toml:20)"],
    );
    check("left = \"{from}\"", "left = \"{from}\"\nsdp = \"{from}\"", &["sdp means nothing beside left"]);
}

#[test]
fn a_server_that_changes_frames_is_described() {
    let unicast = "[say]\noffer = { to = \"{peer}\", sdp = \"{sdp}\" }\nanswer = { to = \"{peer}\", answer = \"{sdp}\" }\n\
                   [[on]]\nmatch = { hello = \"{from}\" }\npeer = \"{from}\"\n\
                   [[on]]\nmatch = { from = \"{from}\", sdp = \"{sdp}\" }\noffer = \"{from}\"\n\
                   [[on]]\nmatch = { from = \"{from}\", answer = \"{sdp}\" }\nanswer = \"{from}\"\n";
    let text = format!("trickle = false\n{unicast}");
    assert!(flaws_of(&text).contains("say in [relayed] how the server changes it"), "{}", flaws_of(&text));
    let relayed =
        "[relayed]\noffer = { from = \"{me}\", sdp = \"{sdp}\" }\nanswer = { from = \"{me}\", answer = \"{sdp}\" }\n";
    assert_eq!(flaws_of(&format!("{text}{relayed}")), "");
    let wrong = format!("{text}[relayed]\nofer = {{}}\n");
    assert!(flaws_of(&wrong).contains("no key is called \"ofer\"; did you mean offer?"), "{}", flaws_of(&wrong));
}

#[test]
fn presence_alone_is_no_flaw() {
    let text = "[say]\nmove = { at = 1 }\n[[every]]\ninterval = \"1s\"\nsay = \"move\"\n\
                [[on]]\nmatch = { at = \"{_}\" }\nignore = true\n";
    assert_eq!(flaws_of(text), "");
}
