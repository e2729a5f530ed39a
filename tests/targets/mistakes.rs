//! Mistakes in a dialect file, played against a healthy relay: each is named as the dialect's, with its place in the file.

use super::changed::changed;
use super::probed::{probe, report};
use super::relay;
use std::{fs, thread};
use support::target::{Running, Target};

/// A mistake: its name, and what of the file becomes what.
const MISTAKES: [(&str, &[(&str, &str)]); 12] = [
    ("no offer template", &[("offer = { type = \"offer\"", "offfer = { type = \"offer\"")]),
    ("an offer without {sdp}", &[("to = \"{peer}\", sdp = \"{sdp}\" } }\nanswer", "to = \"{peer}\" } }\nanswer")]),
    ("a misspelt offer rule", &[("match = { type = \"offer\"", "match = { type = \"ofer\"")]),
    ("a misspelt answer rule", &[("match = { type = \"answer\"", "match = { type = \"awnser\"")]),
    ("a misspelt candidate rule", &[("match = { type = \"candidate\"", "match = { type = \"candidat\"")]),
    (
        "addresses swapped in a rule",
        &[(
            "match = { type = \"offer\", channel = \"{room}\", data = { from = \"{from}\", to = \"{me}\"",
            "match = { type = \"offer\", channel = \"{room}\", data = { from = \"{me}\", to = \"{from}\"",
        )],
    ),
    (
        "addresses swapped in a frame",
        &[(
            "offer = { type = \"offer\", channel = \"{room}\", data = { from = \"{me}\", to = \"{peer}\"",
            "offer = { type = \"offer\", channel = \"{room}\", data = { from = \"{peer}\", to = \"{me}\"",
        )],
    ),
    (
        "a literal for a hole in a rule",
        &[(
            "match = { type = \"answer\", channel = \"{room}\", data = { from = \"{from}\", to = \"{me}\"",
            "match = { type = \"answer\", channel = \"{room}\", data = { from = \"{from}\", to = \"me\"",
        )],
    ),
    (
        "a literal for a hole in a frame",
        &[(
            "answer = { type = \"answer\", channel = \"{room}\", data = { from = \"{me}\", to = \"{peer}\"",
            "answer = { type = \"answer\", channel = \"{room}\", data = { from = \"{me}\", to = \"peer\"",
        )],
    ),
    (
        "a literal for the room",
        &[("match = { type = \"join\", channel = \"{room}\"", "match = { type = \"join\", channel = \"room\"")],
    ),
    (
        "a catch-all before the others",
        &[(
            "[[on]]\nmatch = { type = \"join\"",
            "[[on]]\nmatch = { type = \"{_}\" }\nignore = true\n\n[[on]]\nmatch = { type = \"join\"",
        )],
    ),
    ("the server's id that nothing sets", &[("glare = ", "id = \"server\"\nglare = ")]),
];

/// Probes that run at once: each mostly waits.
const AT_ONCE: usize = 6;

/// The judgement on one mistake, if it is wrong.
fn misjudged(server: &Running, target: &Target, (name, changes): &(&str, &[(&str, &str)])) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.toml");
    fs::write(&file, changed("relay", changes)).unwrap();
    let output = probe(file.to_str().unwrap(), target, server, &[]);
    let report = report(&output);
    let diagnosis = &report["diagnosis"];
    println!("{name}: {diagnosis}");
    let is_placed = diagnosis["evidence"].to_string().contains("mine.toml:");
    let is_right = diagnosis["cause"] == "dialect" && is_placed && output.status.code() == Some(99);
    (!is_right).then(|| format!("{name}: {report:#}"))
}

#[test]
fn each_mistake_on_a_healthy_relay_is_the_dialects_with_file_and_line() {
    let target = relay("channel");
    let Some(server) = target.start() else { return };
    let mut wrong = vec![];
    for some in MISTAKES.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let probes = some.iter().map(|mistake| scope.spawn(|| misjudged(&server, &target, mistake)));
            let probes: Vec<_> = probes.collect();
            wrong.extend(probes.into_iter().filter_map(|probe| probe.join().unwrap()));
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
