//! The exit codes as the help and the manual list them (docs/spec/interface.md, "Exit codes").

use crate::profile::{DIALECTS, builtin};

/// Each code with its meaning; the first that holds, in the order 2, 95, 1, 96, 97, a signal, 98, 99, 0, is the exit.
pub const EXIT_CODES: [(&str, &str); 9] = [
    ("0", "it ran, and its gates passed"),
    ("1", "meshload could not do its work, or its output could not be written"),
    ("2", "bad arguments, profile, dialect or summary, or a plan that this machine can't carry"),
    ("95", "refused: a public target that --allow-target did not name"),
    ("96", "the target could not be reached at all"),
    ("97", "part of the run's data is missing"),
    ("98", "the run is INVALID: the generator, not the target, was the limit"),
    ("99", "it ran, and a gate failed"),
    ("129, 130, 143", "stopped by SIGHUP, SIGINT, SIGTERM"),
];

/// The end of `run --help`.
pub(super) fn run_help() -> String {
    let codes = EXIT_CODES.iter().map(|(code, means)| format!("\n  {code:<14} {means}")).collect::<String>();
    format!(
        "Examples:
  meshload run --rooms 20 --room-size 2..8 --duration 30s
  meshload run ci --target wss://127.0.0.1:9000/ws/ -H 'Authorization: Bearer ${{TOKEN}}'
  meshload run mine.toml --gate 'time_to_open: p(95) < 800ms' --report md,junit

Built-in profiles: {}. `meshload profiles show NAME` prints one to start from.
--dialect takes the path of a file of your own, auto (what fits the target's first frame), or a built-in's name: {}.
Every option can also be set in the environment, as MESHLOAD_<OPTION>.

Exit codes:{codes}",
        builtin::all().iter().map(|profile| profile.name).collect::<Vec<_>>().join(", "),
        DIALECTS.join(", ")
    )
}

/// The section of a manual page, in roff.
pub(super) fn section() -> String {
    let codes = EXIT_CODES.iter().map(|(code, means)| format!(".TP\n{code}\n{}\n", means.replace('-', "\\-")));
    format!(".SH \"EXIT STATUS\"\n{}", codes.collect::<String>())
}
