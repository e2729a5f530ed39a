//! action.yml, played step by step as a runner does, with a cache that is a folder, and `gh` the only program stubbed.

mod expression;

use expression::{evaluate, filled};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::serving::Serving;
use yaml_rust2::{Yaml, YamlLoader};

/// A job on one machine: what it is given, and what outlives it.
struct Runner {
    folder: tempfile::TempDir,
    context: BTreeMap<String, String>,
}

/// The end of a job.
struct Job {
    code: i32,
    steps: Vec<String>,
    log: String,
    summary: String,
    comment: String,
}

impl Runner {
    fn new(target: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let given = [
            ("inputs.target", target),
            ("inputs.comment", "true"),
            ("github.action_ref", "main"),
            ("github.action_repository", "them/meshload"),
            ("github.repository", "us/server"),
            ("github.event_name", "pull_request"),
            ("github.base_ref", "main"),
            ("github.ref_name", "7/merge"),
            ("github.event.repository.default_branch", "main"),
            ("github.event.pull_request.number", "7"),
            ("github.event.pull_request.head.repo.full_name", "us/server"),
        ];
        let context = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let runner = Self { folder, context };
        for name in ["action/scripts", "action/src", "action/profiles", "action/docs", "cache", "releases", "bin"] {
            fs::create_dir_all(runner.path(name)).unwrap();
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::copy(root.join("scripts/source-key"), runner.path("action/scripts/source-key")).unwrap();
        runner.write("action/docs/dialect.schema.json", "{}");
        runner.write("action/build.rs", "fn main() {}\n");
        runner.write("action/Cargo.toml", "[package]\nname = \"meshload\"\nversion = \"0.0.1\"\nedition = \"2024\"\n");
        runner.write("action/Cargo.lock", "version = 4\n\n[[package]]\nname = \"meshload\"\nversion = \"0.0.1\"\n");
        runner.write("bin/gh", GH);
        Command::new("chmod").args(["+x", "bin/gh"]).current_dir(&runner.folder).status().unwrap();
        runner
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    fn given(&mut self, values: &[(&str, &str)]) {
        self.context.extend(values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    }

    /// Checks out an action that says `words`, then does as the meshload under test does.
    fn check_out(&self, words: &str) {
        let program = env!("CARGO_BIN_EXE_meshload");
        self.write("action/src/main.rs", &format!(
            "use std::os::unix::process::CommandExt;\nfn main() {{\n    eprintln!(\"built from {words}\");\n    panic!(\"{{}}\", std::process::Command::new({program:?}).args(std::env::args_os().skip(1)).exec());\n}}\n"
        ));
    }

    fn play(&self) -> Job {
        for gone in ["work", "temp"] {
            let _ = fs::remove_dir_all(self.path(gone));
            fs::create_dir_all(self.path(gone)).unwrap();
        }
        let action = &YamlLoader::load_from_str(include_str!("../../../action.yml")).unwrap()[0];
        let mut context = self.context.clone();
        context.insert("runner.temp".to_owned(), self.path("temp").display().to_string());
        for (name, input) in action["inputs"].as_hash().unwrap() {
            let name = format!("inputs.{}", name.as_str().unwrap());
            context.entry(name).or_insert_with(|| input["default"].as_str().unwrap_or_default().to_owned());
        }
        let mut job =
            Job { code: 0, steps: vec![], log: String::new(), summary: String::new(), comment: String::new() };
        for step in action["runs"]["steps"].as_vec().unwrap() {
            let value = |name: &str| context.get(name).cloned().unwrap_or_default();
            let condition = step["if"].as_str().unwrap_or_default();
            let is_wanted = condition.is_empty() || !evaluate(condition, &value).is_empty();
            if !is_wanted || (job.code != 0 && !condition.contains("always()")) {
                continue;
            }
            job.steps.push(step["name"].as_str().unwrap().to_owned());
            let outputs = match step["uses"].as_str() {
                Some(action) => self.used(action, &step["with"], &value),
                None => self.shell(step, &value, &mut job),
            };
            let id = step["id"].as_str().unwrap_or_default();
            context.extend(outputs.into_iter().map(|(name, value)| (format!("steps.{id}.outputs.{name}"), value)));
        }
        let read = |name: &str| fs::read_to_string(self.path(name)).unwrap_or_default();
        (job.summary, job.comment) = (read("temp/summary"), read("temp/comment"));
        job
    }

    /// A step that uses an action: only the caches have an effect.
    fn used(&self, action: &str, with: &Yaml, value: &dyn Fn(&str) -> String) -> Vec<(String, String)> {
        let of = |name: &str| filled(with[name].as_str().unwrap_or_default(), value);
        let (path, key) = (self.path("work").join(of("path")), of("key"));
        assert!(!key.contains('/') || key.contains("/merge"), "{key}");
        let stored = self.path("cache").join(key.replace('/', "_"));
        match action {
            "actions/cache/save@v4" => copy(&path, &stored),
            "actions/cache/restore@v4" if stored.is_dir() => {
                copy(&stored, &path);
                return vec![("cache-hit".to_owned(), "true".to_owned())];
            }
            "actions/cache/restore@v4" => {
                let prefix = of("restore-keys").replace('/', "_");
                let entries = fs::read_dir(self.path("cache")).unwrap().map(|entry| entry.unwrap().path());
                let is_like = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().starts_with(&prefix);
                if let Some(newest) = entries.filter(|path| !prefix.is_empty() && is_like(path)).max() {
                    copy(&newest, &path);
                }
            }
            _ => assert_eq!(action, "actions/upload-artifact@v4"),
        }
        vec![]
    }

    fn shell(&self, step: &Yaml, value: &dyn Fn(&str) -> String, job: &mut Job) -> Vec<(String, String)> {
        self.write("temp/output", "");
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"].as_str().unwrap()]);
        let temp = |name: &str| self.path("temp").join(name);
        let cargo = Path::new(env!("CARGO")).parent().unwrap().display();
        let path = format!("{}:{cargo}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        command.current_dir(self.path("work")).env("PATH", path).env("RELEASES", self.path("releases"));
        command.env("GITHUB_ACTION_PATH", self.path("action")).env("RUNNER_TEMP", self.path("temp"));
        command.env("GITHUB_OUTPUT", temp("output")).env("GITHUB_STEP_SUMMARY", temp("summary"));
        command.env("GITHUB_REPOSITORY", value("github.repository")).env("COMMENTED", temp("comment"));
        command.env("CARGO_TARGET_DIR", temp("target")).env_remove("CARGO_BUILD_TARGET");
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MESHLOAD_")) {
            command.env_remove(name);
        }
        for (name, text) in step["env"].as_hash().into_iter().flatten() {
            command.env(name.as_str().unwrap(), filled(text.as_str().unwrap(), value));
        }
        let output = command.stdin(Stdio::null()).output().unwrap();
        job.log += &[output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        if job.code == 0 {
            job.code = output.status.code().unwrap();
        }
        let outputs = fs::read_to_string(self.path("temp/output")).unwrap();
        let output = |line: &str| line.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        outputs.lines().filter_map(output).collect()
    }
}

/// A `gh` that has the releases of a folder, and keeps the last comment.
const GH: &str = r#"#!/usr/bin/env bash
set -euo pipefail
if [ "$1 $2" = "release download" ]; then
    pattern=""
    while [ $# -gt 0 ]; do if [ "$1" = --pattern ]; then pattern="$2"; fi; shift; done
    cp "$RELEASES/$pattern" .
else
    while [ "$1" != --body-file ]; do shift; done
    cp "$2" "$COMMENTED"
fi
"#;

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    let status = Command::new("cp").arg("-a").args([from, to]).status().unwrap();
    assert!(status.success(), "{} was not kept", from.display());
}

/// As small as a run can be. A busy machine hears two peers late and makes a run INVALID, which is played again.
const OPTIONS: &str = "--rooms=1\n--room-size=2\n--duration=100ms\n--no-gates\n--no-progress\n--timeout=60s
--on-invalid=warn\n--retry-invalid=20\n--set=validity.clock_jump_invalid=600s\n";

#[test]
fn the_action_builds_each_state_of_its_sources_once_and_tells_the_verdict_of_three_runs() {
    let server = Serving::start(&[]);
    let mut runner = Runner::new(&server.url);
    let gated = |gate: &str| format!("{OPTIONS}--gate=edges.opened: count {gate}\n");
    runner.given(&[("inputs.profile", "smoke"), ("inputs.options", &gated("== 1"))]);
    runner.check_out("one");
    let first = runner.play();
    assert_eq!(first.code, 0, "{}", first.log);
    assert!(first.log.contains("built from one") && first.log.contains("Compiling meshload"), "{}", first.log);
    assert!(
        first.summary.starts_with("# meshload: PASSED smoke") && first.summary.contains("3 runs"),
        "{}",
        first.summary
    );
    assert_eq!(first.comment, first.summary, "nothing to compare with yet");

    // The same branch has moved: other sources under the same ref and with the same Cargo.lock.
    runner.check_out("two");
    runner.given(&[("inputs.options", &gated("> 1")), ("inputs.repeat", "1")]);
    let second = runner.play();
    assert_eq!(second.code, 99, "{}", second.log);
    assert!(second.log.contains("built from two") && !second.log.contains("built from one"), "{}", second.log);
    assert!(second.comment.starts_with("# meshload: FAILED smoke"), "{}", second.comment);

    // The gate that failed has not thrown the build away. On the default branch, this run becomes the base.
    runner.given(&[("inputs.options", &gated("== 1")), ("inputs.repeat", ""), ("github.event_name", "push")]);
    runner.given(&[("github.ref_name", "main"), ("github.base_ref", ""), ("github.run_id", "1")]);
    let third = runner.play();
    assert_eq!(third.code, 0, "{}", third.log);
    assert!(third.log.contains("built from two") && !third.log.contains("Compiling"), "{}", third.log);
    assert!(third.log.contains("baseline updated") && third.comment.is_empty(), "{}", third.log);

    // A pull request is compared with it; `compare` has three runs a side.
    runner.given(&[("github.event_name", "pull_request"), ("github.base_ref", "main")]);
    runner.given(&[("github.ref_name", "8/merge"), ("inputs.tolerance", "1000%")]);
    let fourth = runner.play();
    assert!(fourth.summary.contains("meshload compare: ") && fourth.summary.contains("3 runs"), "{}", fourth.log);
}

#[test]
fn a_release_of_the_same_sources_is_taken_and_a_refused_run_still_says_so() {
    let mut runner = Runner::new("ws://127.0.0.1:1/");
    runner.check_out("one");
    let key = Command::new("bash").arg(runner.path("action/scripts/source-key")).output().unwrap().stdout;
    let system = Command::new("uname").args(["-sm"]).output().unwrap().stdout;
    let words = |text: Vec<u8>| String::from_utf8(text).unwrap().trim().replace(' ', "-");
    fs::create_dir_all(runner.path("made/bin")).unwrap();
    runner.write("made/bin/meshload", "#!/bin/sh\necho downloaded; case \"$1\" in --version) exit 0;; esac; exit 2\n");
    let pack = format!(
        "chmod +x made/bin/meshload; tar -czf releases/meshload-{}-{}.tar.gz -C made bin/meshload",
        words(system),
        words(key)
    );
    assert!(Command::new("sh").args(["-c", &pack]).current_dir(&runner.folder).status().unwrap().success());
    runner.given(&[("inputs.profile", "smoke"), ("inputs.compare", "false")]);
    let job = runner.play();
    assert_eq!(job.code, 2, "{}", job.log);
    assert!(job.log.contains("downloaded") && !job.log.contains("Compiling"), "{}", job.log);
    assert!(job.summary.contains("meshload left no report (exit code 2)"), "{}", job.summary);
    assert!(!job.steps.iter().any(|step| step.starts_with("Compare")), "{:?}", job.steps);
}
