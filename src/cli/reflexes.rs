//! Options of other load testers, typed by reflex: each gets the line to paste.

use crate::vocabulary::inert_text::visible;
use crate::vocabulary::shell_quoting;

/// Peers of a room when a number of virtual users becomes rooms.
const ROOM_SIZE: u64 = 4;

/// The right command line, and why, for one whose argument `wrong` is unknown; `None` if nothing is known about it.
pub(super) fn instead(args: &[String], wrong: &str) -> Option<String> {
    let at = args.iter().position(|arg| arg == wrong || arg.split_once('=').is_some_and(|(name, _)| name == wrong))?;
    let inline = args[at].split_once('=').map(|(_, value)| value.to_owned());
    let taken = usize::from(inline.is_none());
    let value = inline.or_else(|| args.get(at + 1).cloned());
    let command = args.first()?.as_str();
    let (put, len, why) = match (wrong, value) {
        ("--vus" | "--users" | "-u" | "-c" | "--connections" | "--concurrency" | "-n" | "--requests", Some(value)) => {
            let rooms = value.parse::<u64>().ok()?.div_ceil(ROOM_SIZE).max(1);
            let put = vec!["--rooms".to_owned(), rooms.to_string(), "--room-size".to_owned(), ROOM_SIZE.to_string()];
            (put, 1 + taken, "a virtual user is a peer, and peers meet in rooms")
        }
        ("--profile" | "-f" | "--config", Some(value)) if command != "probe" => {
            (vec![value], 1 + taken, "the profile has no option")
        }
        ("--url" | "--host" | "-t", Some(value)) => {
            (vec!["--target".to_owned(), value], 1 + taken, "the server is the target")
        }
        (address, _) if !address.starts_with('-') && (address.contains("://") || address.contains(':')) => {
            let scheme = if address.contains("://") { "" } else { "ws://" };
            (vec!["--target".to_owned(), format!("{scheme}{address}")], 1, "the server is an option")
        }
        _ => return None,
    };
    let mut line: Vec<String> = args.to_vec();
    line.splice(at..(at + len).min(args.len()), put);
    let line = line.iter().map(|word| visible(&shell_quoting::word(word))).collect::<Vec<_>>().join(" ");
    Some(format!("{why}; write\n\n  meshload {line}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reflex_of_another_tool_gets_the_line_to_paste() {
        let check = |typed: &str, wrong: &str, line: &str| {
            let args: Vec<String> = typed.split(' ').map(str::to_owned).collect();
            let instead = instead(&args, wrong).unwrap_or_default();
            assert!(instead.contains(&format!("\n\n  meshload {line}\n")), "{typed}: {instead}");
        };
        check("run ci --vus 41 -d 5s", "--vus", "run ci --rooms 11 --room-size 4 -d 5s");
        check("run --vus=8", "--vus", "run --rooms 2 --room-size 4");
        check("run -n 100", "-n", "run --rooms 25 --room-size 4");
        check("run -c 0", "-c", "run --rooms 1 --room-size 4");
        check("run --profile mine.toml -q", "--profile", "run mine.toml -q");
        check("probe ws://127.0.0.1:9/ws/", "ws://127.0.0.1:9/ws/", "probe --target ws://127.0.0.1:9/ws/");
        check("probe localhost:9000", "localhost:9000", "probe --target ws://localhost:9000");
        check("run --vus 4 --set a.b=\"x\"", "--vus", "run --rooms 1 --room-size 4 --set 'a.b=\"x\"'");
        let typed = ["run", "--vus", "4", "--gate", "a: p(95) < 1s"].map(str::to_owned);
        assert!(instead(&typed, "--vus").unwrap().contains(" --gate 'a: p(95) < 1s'"));
        assert_eq!(instead(&typed, "--tolerance"), None);
    }
}
