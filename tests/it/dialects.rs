//! `meshload dialects check --target` and `--dialect auto` against the reference server, and `--data`.

use std::process::{Command, Output};
use support::serving::Serving;

fn meshload(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meshload")).args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_dialect_file_is_checked_at_its_target_and_the_fitting_built_in_is_found() {
    let server = Serving::start(&[]);
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| {
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, meshload(&["dialects", "show", name]).stdout).unwrap();
        path.display().to_string()
    };
    let good = meshload(&["dialects", "check", &file("dashboard"), "--target", &server.url]);
    let said = printed(&good);
    assert_eq!(good.status.code(), Some(0), "{said}");
    assert!(said.contains(&format!("dialled {}", server.url)) && said.contains("joined after"), "{said}");

    let foreign = meshload(&["dialects", "check", &file("peerjs"), "--target", &server.url]);
    let said = printed(&foreign);
    assert_eq!(foreign.status.code(), Some(96), "{said}");
    assert!(said.contains("?key=peerjs&id=probe") && said.contains("HTTP 404"), "{said}");

    let auto = meshload(&["probe", "--quiet", "--dialect", "auto", "--target", &server.url]);
    let said = printed(&auto);
    assert_eq!(auto.status.code(), Some(0), "{said}");
    assert!(said.contains("first frame is that of dashboard") && said.contains("--dialect dashboard"), "{said}");
}

#[test]
fn a_dialect_is_played_by_two_and_three_peers_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let relay = printed(&meshload(&["dialects", "show", "relay"]));
    let play = |text: &str, code: i32, words: &[&str]| {
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, text).unwrap();
        let output = meshload(&["dialects", "check", &path.display().to_string(), "--play"]);
        let said = printed(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        words.iter().for_each(|words| assert!(said.contains(words), "no {words} in {said}"));
    };
    play(&relay, 0, &["2 peers: 1 of 1 edges", "3 peers: 3 of 3 edges", "each frame to everybody: 3 of 3"]);
    let rule = "match = { type = \"answer\", channel = \"{room}\", data = { from = \"{from}\", to = \"{me}\"";
    assert!(relay.contains(rule));
    play(&relay.replace(rule, &rule.replace("{me}", "{_}")), 0, &["3 of 3", "takes what is for another peer"]);
    let peerjs = printed(&meshload(&["dialects", "show", "peerjs"]));
    play(&peerjs, 0, &["a relay alone lets no peer join: peer 0: step", "taken as given", "3 of 3"]);
}

#[test]
fn a_row_for_each_peer_is_read_and_too_few_are_told_with_both_figures() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("peers.csv");
    std::fs::write(&file, "user,password\nannabel,\"a,b\"\nbob,c\n").unwrap();
    let file = file.display().to_string();
    let check = |target: &str, more: &[&str], code: i32, words: &str| {
        let shape = ["check", "smoke", "--rooms", "1", "--room-size", "3", "--target", target];
        let output = meshload(&[shape.as_slice(), more].concat());
        let said = printed(&output);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(words) && !said.contains("annabel"), "no {words} in {said}");
    };
    let target = "ws://127.0.0.1:1/{data.user}";
    check(target, &["--data", &file, "--data-reuse", "cycle"], 0, "peers");
    check(target, &["--data", &file], 2, "2 rows are too few for 3 peers");
    check("ws://127.0.0.1:1/{data.usr}", &["--data", &file], 2, "there is no such column; did you mean user?");
    check(target, &[], 2, "{data.user} stands for nothing: --data FILE has a row a peer");
}
