//! `meshload check`: reports every mistake in a profile, or else the cost of its plan.

use super::arrivals_line::arrivals_line;
use crate::cli::{CheckArgs, SeedChoice, StdoutFormat};
use crate::commands::Exit;
use crate::commands::inputs::access::access;
use crate::commands::inputs::headroom::headroom;
use crate::commands::inputs::{self, faults};
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::dialect::Dialect;
use crate::os::machine_limits;
use crate::plan::{Cost, Plan, RoomPlan};
use crate::profile::Profile;
use crate::vocabulary::Seed;
use std::time::Duration;

pub fn check(args: &CheckArgs) -> Exit {
    let profile = match inputs::profile(&args.profile, &args.shape, &args.change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let faults = faults::read(profile.faults.iter().map(|line| (line.rule.as_str(), line.at.as_str())));
    let dialect = match inputs::dialect(&profile).and_then(|dialect| faults.map(|_| dialect)) {
        Ok(dialect) => dialect,
        Err(exit) => return exit,
    };
    let machine = machine_limits();
    let too_much = Cost::of(&profile).check(&machine);
    if !too_much.is_empty() {
        write_stderr(too_much);
        let several = Cost::machines(&profile, &machine);
        write_stderr(
            several.map(|count| format!("{count} machines like this one carry it: --bus or --share (docs/fleet.md)")),
        );
        return Exit::Usage;
    }
    // The draws of a random seed are not known yet; any seed gives the order of magnitude.
    let seed = match args.change.seed {
        SeedChoice::Number(seed) => Seed(seed),
        SeedChoice::Random => Seed(1),
    };
    let plan = Plan::new(profile, seed);
    let problems = plan.problems();
    if !problems.is_empty() {
        write_stderr(problems);
        return Exit::Usage;
    }
    if let Err(exit) = access(&args.access, &plan.profile, dialect.data_columns(), &plan.peers_of_scenarios()) {
        return exit;
    }
    write_stderr(headroom(args.calibrate.calibrate, &plan));
    let cost = plan.cost();
    write_stderr(long_list(&plan.profile, &cost));
    match args.format {
        StdoutFormat::Text => write_stdout(table(&plan, &cost, &dialect)),
        StdoutFormat::Md => write_stdout(format!("```text\n{}```\n", table(&plan, &cost, &dialect))),
        StdoutFormat::Json => match serde_json::to_string_pretty(&cost) {
            Ok(json) => write_stdout(json + "\n"),
            Err(error) => {
                write_stderr([error]);
                Exit::Broken
            }
        },
    }
}

/// The warning that a registry's room list is longer than peers accept.
fn long_list(profile: &Profile, cost: &Cost) -> Option<String> {
    let kib = |bytes: u64| bytes.div_ceil(1024);
    let accepted = profile.target.message_bytes_max as u64;
    (profile.target.dialect == "dashboard" && cost.room_list_bytes > accepted).then(|| {
        format!(
            "warning: a registry's list of these rooms has about {} KiB, and peers accept {} KiB; \
             raise [target] message_max, or plan fewer peers",
            kib(cost.room_list_bytes),
            kib(accepted)
        )
    })
}

fn table(plan: &Plan, cost: &Cost, dialect: &Dialect) -> String {
    let profile = &plan.profile;
    let dues: Vec<_> = plan.rooms.iter().flat_map(|room| room.due.iter().copied()).collect();
    let mut lines = vec![profile.name.clone()];
    if !profile.description.is_empty() {
        lines[0] += &format!(": {}", profile.description.escape_debug());
    }
    let rows = [
        ("rooms", grouped(cost.rooms)),
        ("peers", grouped(cost.peers)),
        ("arrivals", arrivals_line(&dues)),
        ("edges", grouped(cost.edges)),
        ("signaling frames sent", grouped(cost.frames_sent)),
        ("  delivered, each to those it concerns", grouped(cost.frames_addressed)),
        ("  delivered, each to everybody (at most)", grouped(cost.frames_broadcast)),
        ("messages a second", grouped(cost.messages_per_second.round() as u64)),
        ("file descriptors", grouped(cost.descriptors)),
        ("local ports, UDP and TCP", format!("{} + {}", grouped(cost.udp_ports), grouped(cost.tcp_ports))),
        ("memory", format!("{} MiB", grouped(cost.memory_bytes.div_ceil(1 << 20)))),
        ("duration", format!("{} (at most {})", seconds(cost.duration), seconds(cost.duration_max))),
        ("gates", profile.gates.len().to_string()),
    ];
    if cost.guest_edges > 0 {
        lines.push(format!("  {:<42} {}", "edges with guests", grouped(cost.guest_edges)));
    }
    lines.extend(rows.iter().map(|(name, figure)| format!("  {name:<42} {figure}")));
    lines.extend(scenarios(plan));
    for (kind, every) in dialect.repeated_frames() {
        let rate = cost.peers as f64 / every.as_secs_f64();
        lines.push(format!("  {:<42} {}", format!("{kind} frames sent a second"), grouped(rate.round() as u64)));
    }
    if !dialect.negotiates() {
        lines.push("  the dialect has no word of an offer: no edge is meant, and no frame of one is sent".to_owned());
    }
    lines.join("\n") + "\n"
}

/// The rooms, peers and edges of each scenario; empty without `[[scenarios]]`.
fn scenarios(plan: &Plan) -> Vec<String> {
    let names = plan.profile.scenario_names();
    let line = |(index, (name, peers)): (usize, (&String, u64))| {
        let own = || plan.rooms.iter().filter(|room| room.scenario == index);
        let (rooms, edges) = (own().count() as u64, own().map(RoomPlan::edges).sum());
        let figures = format!("{} rooms, {} peers, {} edges", grouped(rooms), grouped(peers), grouped(edges));
        format!("  {:<42} {figures}", format!("scenario {name}"))
    };
    names.iter().zip(plan.peers_of_scenarios()).enumerate().map(line).collect()
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

/// Formats as `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_by_three() {
        for (number, expected) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
    }
}
