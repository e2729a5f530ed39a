//! `meshload manifest`: the files with which a scheduler, or a person, starts the agents of a run and their controller.

use super::bus::run_name;
use crate::cli::{ChangeArgs, ManifestArgs, ManifestKind, ShapeArgs};
use crate::commands::Exit;
use crate::commands::inputs;
use crate::commands::terminal::{write_stderr, write_stdout};
use crate::fleet::RunName;
use crate::plan::Cost;
use crate::profile::{Profile, to_toml};
use crate::vocabulary::shell_quoting;

const KUBERNETES: &str = include_str!("kubernetes.yaml");
const SLURM: &str = include_str!("slurm.sh");
const SHELL: &str = include_str!("shell.sh");

/// Memory of an agent besides its peers and edges.
const OWN_MIB: u64 = 64;

pub fn manifest(args: &ManifestArgs) -> Exit {
    let change = ChangeArgs { target: args.target.clone(), ..ChangeArgs::default() };
    let profile = match inputs::profile(&args.profile, &ShapeArgs::default(), &change) {
        Ok(profile) => profile,
        Err(exit) => return exit,
    };
    let run = match run_name(args.run.as_deref()) {
        Ok(run) => run,
        Err(exit) => return exit,
    };
    if let Some(why) = obstacle(args, &profile, &run) {
        write_stderr([why]);
        return Exit::Usage;
    }
    write_stdout(filled(args, &profile, &run))
}

fn obstacle(args: &ManifestArgs, profile: &Profile, run: &RunName) -> Option<String> {
    if profile.target.url.is_none() {
        return Some("the profile has no target: name the --target that all agents load".to_owned());
    }
    if profile.room_count < args.agents {
        let (agents, rooms) = (args.agents, profile.room_count);
        return Some(format!("--agents {agents}: the plan has {rooms} rooms, and a room is never split"));
    }
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let name = run.to_string();
    if args.kind == ManifestKind::Kubernetes
        && (!name.bytes().all(fits) || name.starts_with('-') || name.ends_with('-'))
    {
        return Some(
            "--run: it becomes part of names in Kubernetes: small letters, digits and - between them".to_owned(),
        );
    }
    None
}

/// The file of the kind, with the run's values.
fn filled(args: &ManifestArgs, profile: &Profile, run: &RunName) -> String {
    let allowed = args.allow_target.iter().flat_map(|host| ["--allow-target".to_owned(), host.clone()]);
    let mut agent: Vec<String> = ["agent", "--run"].map(str::to_owned).into();
    agent.push(run.to_string());
    agent.extend(allowed);
    let is_mounted = args.kind == ManifestKind::Kubernetes;
    let path = if is_mounted { "/profile/profile.toml".to_owned() } else { args.profile.clone() };
    let mut lead = vec!["run".to_owned(), path, "--run".to_owned(), run.to_string()];
    lead.extend(["--agents".to_owned(), args.agents.to_string()]);
    // The mounted profile has the target already.
    lead.extend(args.target.iter().filter(|_| !is_mounted).flat_map(|target| ["--target".to_owned(), target.clone()]));
    if is_mounted {
        [&mut agent, &mut lead].into_iter().for_each(|words| words.extend(["--out", "/out"].map(str::to_owned)));
    }
    let memory = OWN_MIB + Cost::of_share(profile, args.agents).memory_bytes.div_ceil(1 << 20);
    let values = [
        ("{NAME}", run.to_string()),
        ("{AGENTS}", args.agents.to_string()),
        ("{IMAGE}", json(&args.image)),
        ("{MEMORY}", json(&format!("{memory}Mi"))),
        ("{AGENT_ARGS}", json(&agent)),
        ("{RUN_ARGS}", json(&lead)),
        ("{AGENT}", shell_line(&agent)),
        ("{RUN}", shell_line(&lead)),
        // Last, since a profile may hold any text.
        ("{PROFILE_TEXT}", json(to_toml(profile))),
    ];
    let template = match args.kind {
        ManifestKind::Kubernetes => KUBERNETES,
        ManifestKind::Slurm => SLURM,
        ManifestKind::Shell => SHELL,
    };
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
}

/// A value as JSON, which is YAML too.
fn json(value: &(impl serde::Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("a text has a JSON form")
}

fn shell_line(words: &[String]) -> String {
    let words: Vec<String> = words.iter().map(|word| shell_quoting::word(word)).collect();
    format!("meshload {}", words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use crate::profile::ProfileSource;
    use clap::Parser;

    fn parsed(kind: &str, more: &[&str]) -> ManifestArgs {
        let words = ["meshload", "manifest", kind, "ci", "--agents", "3", "--run", "nightly"];
        let cli = Cli::try_parse_from(words.iter().chain(more)).unwrap();
        let Command::Manifest(args) = cli.command else { panic!("it is a manifest") };
        args
    }

    fn profile(target: &str) -> Profile {
        let text = format!("name = \"x\"\n[rooms]\ncount = 3\n{target}");
        crate::profile::read(ProfileSource { name: "x.toml", text: &text }, &[], &|_| None).unwrap()
    }

    #[test]
    fn each_kind_starts_agents_and_their_controller() {
        let profile = profile(
            "[target]\nurl = \"wss://signal.example.org/ws/\"\nheaders = { Authorization = \"Bearer secret\" }",
        );
        let more = ["--allow-target", "signal.example.org", "--target", "wss://signal.example.org/it's/"];
        for kind in ["kubernetes", "slurm", "shell"] {
            let text = filled(&parsed(kind, &more), &profile, &"nightly".parse().unwrap());
            assert!(!text.contains("secret\"") && !text.contains("Bearer secret"), "{text}");
            insta::assert_snapshot!(format!("manifest_{kind}"), text);
        }
    }

    #[test]
    fn what_no_run_over_a_bus_takes_is_told() {
        let run = |name: &str| name.parse::<RunName>().unwrap();
        let (with, without) = (profile("[target]\nurl = \"ws://127.0.0.1:9/\""), profile(""));
        let why = |args: &ManifestArgs, profile, name| obstacle(args, profile, &run(name)).unwrap_or_default();
        assert_eq!(why(&parsed("kubernetes", &[]), &with, "nightly-1"), "");
        assert!(why(&parsed("shell", &[]), &without, "x").contains("no target"));
        assert!(why(&parsed("kubernetes", &[]), &with, "Nightly_1").contains("small letters"));
        assert_eq!(why(&parsed("slurm", &[]), &with, "Nightly_1"), "");
        let four = ManifestArgs { agents: 4, ..parsed("shell", &[]) };
        assert!(why(&four, &with, "x").contains("the plan has 3 rooms"));
    }
}
