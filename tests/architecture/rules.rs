//! Floors and doors: imports point down, outer crates enter by one door, the lower floors touch nothing.

use crate::sources::{Source, root, sources};
use std::fs;

/// Top-level modules, ground floor first. A module imports only from lower floors.
const FLOORS: &[&[&str]] = &[
    &["vocabulary"],
    &["profile", "dialect", "peer", "summary", "recording"],
    &["plan", "metrics", "gates", "capacity", "diagnosis", "learning"],
    &["os"],
    &["report", "signaling", "engine", "server"],
    &["driver", "recording_proxy", "telemetry"],
    &["controller", "probe"],
    &["capacity_run", "cli", "fleet"],
    &["commands"],
];

/// Floors 0 to 2 read no clock, draw no unseeded randomness, open nothing, spawn nothing, hold no lock.
const FLOOR_PURE_MAX: usize = 2;
const IMPURE: &[&str] =
    &["std::fs", "std::process", "std::thread", "tokio", "Mutex", "RwLock", "TcpListener", "TcpStream", "UdpSocket"];
const CLOCKLESS: &str = "#[cfg_attr(not(test), deny(clippy::disallowed_methods))]";

/// Each outer crate is imported only behind these doors.
const DOORS: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("async_nats", &["fleet"]),
    ("tokio_tungstenite", &["signaling", "server"]),
    ("hyper", &["signaling", "telemetry"]),
    ("opentelemetry_proto", &["report"]),
    ("prost", &["report"]),
    ("mqtt_proto", &["signaling"]),
    ("rustls", &["signaling", "server"]),
    ("tokio_rustls", &["signaling", "server"]),
    ("rustls_native_certs", &["signaling"]),
    ("rustls_pki_types", &["vocabulary"]),
    ("rtc", &["engine"]),
    ("webrtc", &["engine"]),
    ("nix", &["os"]),
    ("rustix", &["driver", "os"]),
    ("hdrhistogram", &["summary"]),
    ("indicatif", &["controller"]),
    ("ratatui", &["telemetry"]),
    ("maud", &["report"]),
    ("statrs", &["gates"]),
    ("glob", &["commands"]),
];

const LINES_MAX: usize = 400;

#[test]
fn imports_point_down() {
    check(|source, faults| {
        let Some(own) = floor_of(&source.module) else { return };
        for name in FLOORS.concat() {
            let imported = source.mentions(&format!("crate::{name}"));
            if imported && name != source.module && floor_of(name) >= Some(own) {
                faults.push(format!("imports crate::{name}, which is not below"));
            }
        }
        if source.mentions("crate::{") {
            faults.push("one `use crate::module::…` line per module".into());
        }
    });
}

#[test]
fn the_map_shows_every_module_on_its_floor() {
    let map = fs::read_to_string(root().join("lib.rs")).unwrap();
    let lines: Vec<&str> = map.lines().collect();
    let mut highest = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some(name) = line.strip_prefix("pub mod ").and_then(|rest| rest.strip_suffix(';')) else { continue };
        let floor = floor_of(name).unwrap_or_else(|| panic!("lib.rs: {name} is on no floor of FLOORS"));
        assert!(floor >= highest, "lib.rs: {name} belongs to floor {floor}, and stands after one of floor {highest}");
        highest = floor;
        let pure = floor <= FLOOR_PURE_MAX;
        assert_eq!(lines[at.saturating_sub(1)] == CLOCKLESS, pure, "lib.rs: {CLOCKLESS} above {name}?");
    }
    check(|source, faults| {
        let mapped = ["lib", "main"].contains(&source.module.as_str())
            || lines.contains(&format!("pub mod {};", source.module).as_str());
        if !mapped {
            faults.push("its module is not in lib.rs".into());
        }
    });
}

#[test]
fn outer_crates_enter_by_one_door() {
    check(|source, faults| {
        for (outer, doors) in DOORS {
            if source.mentions(&format!("{outer}::")) && !doors.contains(&source.module.as_str()) {
                faults.push(format!("imports {outer}, whose door is {doors:?}"));
            }
        }
    });
}

#[test]
fn the_lower_floors_touch_nothing() {
    check(|source, faults| {
        if floor_of(&source.module).is_some_and(|floor| floor <= FLOOR_PURE_MAX) {
            faults.extend(IMPURE.iter().filter(|word| source.mentions(word)).map(|word| format!("mentions {word}")));
        }
    });
}

#[test]
fn exceptions_are_expected_and_say_why() {
    check(|source, faults| {
        if ["#[allow(", "#![allow("].iter().any(|allow| source.text.contains(allow)) {
            faults.push("#[expect(…, reason = \"…\")], not #[allow]".into());
        }
    });
}

#[test]
fn files_open_with_their_purpose_and_stay_short() {
    check(|source, faults| {
        if !source.text.starts_with("//! ") {
            faults.push("the first line must be a //! sentence".into());
        }
        if source.code.lines().count() > LINES_MAX {
            faults.push(format!("more than {LINES_MAX} lines above its tests"));
        }
    });
}

/// Applies one rule to every file of `src` and tells all faults at once.
fn check(rule: impl Fn(&Source, &mut Vec<String>)) {
    let mut faults = vec![];
    for source in sources() {
        let mut found = vec![];
        rule(&source, &mut found);
        faults.extend(found.iter().map(|fault| format!("{}: {fault}", source.path.display())));
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|names| names.contains(&module))
}
