//! The command line as a script sees it: what it prints, where, and the code it exits with.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// Runs the program in `folder` with no environment of its own, and tells all that it did.
fn meshload(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> String {
    let output = run(folder, args, environment);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().map_or("none".to_owned(), |code| code.to_string());
    format!("exit {code}\n--- stdout\n{}--- stderr\n{}", text(&output.stdout), text(&output.stderr))
}

fn run(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshload"));
    command.current_dir(folder).args(args).env_clear().envs(environment.iter().copied());
    command.output().expect("the program starts")
}

fn in_a_folder(args: &[&str]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    meshload(folder.path(), args, &[])
}

/// The same, with `profile` written as `mine.toml`.
fn with_profile(profile: &str, args: &[&str], environment: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine.toml"), profile).expect("a file");
    meshload(folder.path(), args, environment)
}

const THREE_MISTAKES: &str = "name = \"mine\"\n[rooms]\nsize = 1\nconut = 5\n\n[phases]\nsteady = 500\n";

#[test]
fn a_check_says_how_much_of_this_machine_the_plan_takes_and_calibrates_it_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let cache = folder.path().join("cache").display().to_string();
    let args = ["check", "smoke", "--rooms", "2", "--engine", "none"];
    let said = |more: &[&str]| meshload(folder.path(), &[&args[..], more].concat(), &[("XDG_CACHE_HOME", &cache)]);
    assert!(!said(&[]).contains("busiest second"), "a pipe is no terminal");
    let (first, second) = (said(&["--calibrate", "always"]), said(&["--calibrate", "always"]));
    assert!(first.contains("calibrating this machine") && !second.contains("calibrating this machine"), "{second}");
    for said in [first, second] {
        assert!(said.starts_with("exit 0") && said.contains("in the busiest second, 12 edges and "), "{said}");
    }
}

#[test]
fn a_header_that_is_typed_is_one_line_and_the_variable_has_one_a_line() {
    let typed = in_a_folder(&["run", "-H", "X-A: s3cret\nX-B: 2"]);
    assert!(
        typed.starts_with("exit 2") && typed.contains("a header is one line") && !typed.contains("s3cret"),
        "{typed}"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let checked = meshload(folder.path(), &["check", "smoke"], &[("MESHLOAD_HEADER", "X-A: 1\nX-B: 2")]);
    assert!(checked.starts_with("exit 0"), "{checked}");
    let wrong = meshload(folder.path(), &["check", "smoke"], &[("MESHLOAD_HEADER", "X-A: 1\nnone")]);
    assert!(wrong.starts_with("exit 2"), "{wrong}");
}

#[test]
fn check_warns_of_a_room_list_that_peers_would_not_accept() {
    let large = ["check", "smoke", "--rooms", "500", "--room-size", "8"];
    let warned = in_a_folder(&large);
    assert!(warned.starts_with("exit 0") && warned.contains("and peers accept 256 KiB"), "{warned}");
    let raised = in_a_folder(&[&large[..], &["--set", "target.message_max=1MiB"]].concat());
    assert!(raised.starts_with("exit 0") && !raised.contains("warning"), "{raised}");
    let wrong = in_a_folder(&["check", "smoke", "--set", "target.message_max=65MiB"]);
    assert!(wrong.starts_with("exit 2") && wrong.contains("is not from 1KiB to 64MiB"), "{wrong}");
}

#[test]
fn a_folder_without_a_name_is_refused() {
    let refused = in_a_folder(&["run", "-o", ""]);
    assert!(refused.starts_with("exit 2") && refused.contains("--out needs a folder"), "{refused}");
}

#[test]
fn a_tolerance_without_a_unit_is_asked_for_one() {
    let refused = in_a_folder(&["compare", "a", "b", "--tolerance", "5"]);
    assert!(refused.starts_with("exit 2") && refused.contains("5 of what? write 5%"), "{refused}");
}

#[test]
fn check_tells_all_three_mistakes_at_once_each_with_its_line() {
    insta::assert_snapshot!(with_profile(THREE_MISTAKES, &["check", "mine.toml"], &[]));
}

#[test]
fn check_tells_a_gate_that_is_none_with_the_other_mistakes() {
    let profile = "[rooms]\nsize = 1\n[gates]\ntime_to_opne = \"p(95) < 1s\"\nconnect = \"p(95) < 500\"\nsignal_delivery.webrtc-offer = \"p(50) < 5ms\"\n[phases]\nsteady = 500\n";
    insta::assert_snapshot!(with_profile(profile, &["check", "mine.toml"], &[]));
}

#[test]
fn check_tells_what_a_plan_costs() {
    insta::assert_snapshot!(in_a_folder(&["check", "ci"]));
    insta::assert_snapshot!(in_a_folder(&["check", "smoke", "--rooms", "2", "--format", "json"]));
}

#[test]
fn check_names_the_profile_that_was_meant() {
    insta::assert_snapshot!(in_a_folder(&["check", "smok"]));
}

#[test]
fn an_option_that_is_wrong_is_named() {
    insta::assert_snapshot!(in_a_folder(&[
        "check",
        "smoke",
        "--set",
        "rooms.size=1",
        "--set",
        "handshake.timeout",
        "--set",
        "message.rate=2/s",
        "--duration",
        "10",
        "-H",
        "no colon",
    ]));
}

#[test]
fn an_environment_variable_is_an_option_and_the_command_line_wins() {
    let rooms = |args: &[&str], environment: &[(&str, &str)]| {
        let shown = with_profile("", args, environment);
        shown.lines().find(|line| line.contains("rooms  ")).map(|line| line.trim().to_owned())
    };
    assert_eq!(rooms(&["check", "mine.toml"], &[]).as_deref(), Some("rooms                                      10"));
    let environment = [("MESHLOAD_ROOMS", "3"), ("MESHLOAD_SET", "rooms.size=2\nname=x")];
    assert!(rooms(&["check", "mine.toml"], &environment).is_some_and(|line| line.ends_with(" 3")));
    assert!(rooms(&["check", "mine.toml", "--rooms", "4"], &environment).is_some_and(|line| line.ends_with(" 4")));
}

#[test]
fn a_missing_variable_is_named_and_a_secret_is_not_told() {
    let profile = "[target]\nurl = \"ws://127.0.0.1:1/\"\nheaders = { A = \"${TOKEN}\", B = \"${NONE}\" }\n[phases]\nsteady = \"${TOKEN}\"\n";
    insta::assert_snapshot!(with_profile(profile, &["check", "mine.toml"], &[("TOKEN", "canary")]));
    let help = with_profile(
        "",
        &["check", "--help"],
        &[("MESHLOAD_TARGET", "ws://canary/"), ("MESHLOAD_HEADER", "A: canary")],
    );
    assert!(help.starts_with("exit 0") && !help.contains("canary"), "{help}");
}

#[test]
fn headers_come_from_a_file_as_well() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("headers"), "# mine\n\nX-A: 1\nUpgrade: no\n").expect("a file");
    let shown = meshload(folder.path(), &["check", "smoke", "-H", "@headers", "-H", "@none"], &[]);
    assert!(shown.starts_with("exit 2") && shown.contains("--header @none: "), "{shown}");
    let shown = meshload(folder.path(), &["check", "smoke", "-H", "@headers"], &[]);
    assert!(
        shown.contains("target.headers.Upgrade: the WebSocket handshake sets this header itself (headers:4)"),
        "{shown}"
    );
}

#[test]
fn a_plan_this_machine_cant_carry_is_refused_with_the_figure() {
    let shown = in_a_folder(&["check", "smoke", "--rooms", "1000000", "--room-size", "1000"]);
    assert!(shown.starts_with("exit 2"), "{shown}");
    assert!(shown.contains("1000000000 peers need 1000000000 local UDP ports"), "{shown}");
}

#[test]
fn a_profile_that_is_no_text_or_too_much_of_it_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("binary"), b"a = 1\n\xff\xfe\n").expect("a file");
    fs::write(folder.path().join("long"), vec![b'#'; 100 << 20]).expect("a file");
    for (name, expected) in
        [("binary", "binary: line 2 is not UTF-8"), ("long", "a profile has at most 1 MiB"), (".", ".: ")]
    {
        let shown = meshload(folder.path(), &["check", name], &[]);
        assert!(shown.starts_with("exit 2") && shown.contains(expected), "{name}: {shown}");
    }
}

#[test]
fn profiles_are_listed_and_shown() {
    insta::assert_snapshot!(in_a_folder(&["profiles"]));
    let shown = run(Path::new("."), &["profiles", "show", "smoke"], &[]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    let (first, rest) = shown.split_once('\n').expect("lines");
    assert!(first.starts_with("#:schema https://") && first.ends_with("profile.schema.json"), "{first}");
    assert_eq!(rest, include_str!("../../profiles/smoke.toml"));
    insta::assert_snapshot!(in_a_folder(&["profiles", "show", "smoek"]));
}

#[test]
fn a_shown_profile_is_one_to_start_from() {
    for name in ["smoke", "ci", "mesh-50", "thousand", "churn"] {
        let text = run(Path::new("."), &["profiles", "show", name], &[]).stdout;
        let shown = with_profile(&String::from_utf8_lossy(&text), &["check", "mine.toml", "--engine", "none"], &[]);
        assert!(shown.starts_with("exit 0"), "{name}: {shown}");
    }
}

#[test]
fn words_are_explained() {
    insta::assert_snapshot!(in_a_folder(&["explain", "time_to_open"]));
    insta::assert_snapshot!(in_a_folder(&["explain", "98"]));
    insta::assert_snapshot!(in_a_folder(&["explain", "amplificaton"]));
    assert!(in_a_folder(&["explain"]).starts_with("exit 0"));
}

#[test]
fn dialects_are_listed_and_shown() {
    insta::assert_snapshot!(in_a_folder(&["dialects"]));
    assert!(in_a_folder(&["dialects", "show", "dashboard"]).contains("webrtc-signaling"));
    assert!(in_a_folder(&["dialects", "show", "peerjs"]).contains("name = \"peerjs\""));
    let misspelt = in_a_folder(&["dialects", "show", "peersj"]);
    assert!(misspelt.starts_with("exit 2") && misspelt.contains("did you mean peerjs?"), "{misspelt}");
}

#[test]
fn a_dialect_file_gets_every_mistake_at_once_each_with_its_line() {
    let twin = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialect/builtin/dashboard.toml");
    assert!(in_a_folder(&["dialects", "check", twin]).starts_with("exit 0"));
    let wrong = concat!(env!("CARGO_MANIFEST_DIR"), "/src/dialect/tests/wrong.toml");
    for arguments in
        [&["dialects", "check", wrong][..], &["check", "smoke", "--dialect", wrong], &["run", "--dialect", wrong]]
    {
        let shown = in_a_folder(arguments);
        assert!(shown.starts_with("exit 2"), "{shown}");
        assert!(shown.matches("wrong.toml:").count() >= 10, "{shown}");
    }
    assert!(in_a_folder(&["dialects", "check", "none.toml"]).starts_with("exit 2"));
}

#[test]
fn a_dialect_of_another_server_wants_a_target() {
    let shown = in_a_folder(&["check", "smoke", "--dialect", "peerjs"]);
    assert!(shown.starts_with("exit 2") && shown.contains("--target ws://127.0.0.1:9000/peerjs"), "{shown}");
    let misspelt = in_a_folder(&["check", "smoke", "--dialect", "peersj"]);
    assert!(misspelt.starts_with("exit 2") && misspelt.contains("did you mean peerjs?"), "{misspelt}");
}

#[test]
fn what_k6_users_type_is_answered() {
    let shown = in_a_folder(&["run", "smoke", "--out", "json=out.json"]);
    assert!(shown.starts_with("exit 2"), "{shown}");
    assert!(shown.contains("--format says what stdout gets, and --report which files are written"), "{shown}");
    for (typed, line) in [
        (&["run", "--vus", "40"][..], "\n\n  meshload run --rooms 10 --room-size 4\n"),
        (&["run", "-n", "8"], "  meshload run --rooms 2 --room-size 4\n"),
        (&["run", "--profile", "ci"], "  meshload run ci\n"),
        (&["probe", "ws://127.0.0.1:9/ws/"], "  meshload probe --target ws://127.0.0.1:9/ws/\n"),
        (&["run", "ws://127.0.0.1:9/ws/"], "write --target ws://127.0.0.1:9/ws/\n"),
        (&["run", "--target", "localhost:9000"], "write ws://localhost:9000 (--target)\n"),
        (&["run", "--room-size", "4-8"], "write --room-size 4..8"),
    ] {
        let shown = in_a_folder(typed);
        assert!(shown.starts_with("exit 2") && shown.contains(line), "{typed:?}: {shown}");
    }
}

#[test]
fn the_help_says_what_there_is() {
    insta::assert_snapshot!(in_a_folder(&["--help"]));
    insta::assert_snapshot!(in_a_folder(&["run", "--help"]));
    insta::assert_snapshot!(in_a_folder(&["serve", "--help"]));
}

#[test]
fn completions_and_the_manual_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let shown = in_a_folder(&["completions", shell]);
        assert!(shown.starts_with("exit 0") && shown.contains("room-size"), "{shell}");
    }
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(folder.path(), &["man", "--out", "man"], &[]).status.success());
    let page = fs::read_to_string(folder.path().join("man/meshload-probe.1")).expect("a page a command");
    assert!(page.contains(".TH meshload-probe") && page.contains(".SH \"EXIT STATUS\""), "{page}");
    let manual = in_a_folder(&["man"]);
    assert!(manual.matches(".SH \"EXIT STATUS\"").count() > 10, "one a command");
    assert!(manual.contains(".TH meshload") && manual.contains("\\-\\-room\\-size"), "{}", &manual[..500]);
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let script = format!("'{}' explain | head -c 1", env!("CARGO_BIN_EXE_meshload"));
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &script]).output().expect("bash starts");
    assert!(output.status.success(), "{output:?}");
}

/// Ten minutes of messages, which nobody waits for.
const ABORTED: &str = r#"
name = "mine"
[rooms]
count = 2
size = 3
[phases]
steady = "10m"
[gates]
time_to_open = [{ expr = "p(50) < 2us", abort = true }]
"#;

#[test]
fn an_abort_gate_ends_a_run_with_99_and_every_report_says_which() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("mine.toml"), ABORTED).expect("a file");
    let output = run(folder.path(), &["run", "mine.toml", "--out", "out", "--on-invalid", "warn"], &[]);
    assert_eq!(output.status.code(), Some(99), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("stopped by the gate time_to_open p(50) < 2us"));
    for (file, words) in [("report.md", "stopped by the gate"), ("report.html", "stopped by the gate")] {
        let report = fs::read_to_string(folder.path().join("out").join(file)).expect("a report");
        assert!(report.contains(words), "{file}");
    }
}
