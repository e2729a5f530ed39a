//! Commands in the documents are accepted, snippets for other programs can be read, and the sample
//! report is today's.

use meshload::capacity::CapacityResult;
use meshload::cli::{Command, SchemaName, parse_from};
use meshload::commands::schema;
use meshload::gates::Gate;
use meshload::profile::{self, ProfileSource};
use meshload::report;
use meshload::summary::Summary;
use std::fs;
use std::path::{Path, PathBuf};
use yaml_rust2::{Yaml, YamlLoader};

/// README.md, action.yml, and all of docs/.
fn documents() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = fs::read_dir(root.join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let pages = docs.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    let mut paths: Vec<PathBuf> = [root.join("README.md"), root.join("action.yml")].into_iter().chain(pages).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The fenced blocks of a page: their language and their lines.
fn blocks(page: &str) -> Vec<(&str, String)> {
    let mut blocks: Vec<(&str, String)> = vec![];
    let mut is_inside = false;
    for line in page.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            is_inside = !is_inside;
            if is_inside {
                blocks.push((language.trim(), String::new()));
            }
        } else if let Some((_, lines)) = blocks.last_mut().filter(|_| is_inside) {
            lines.push_str(line);
            lines.push('\n');
        }
    }
    blocks
}

/// The command lines of a shell script or a workflow that start meshload, each as its arguments.
fn invocations(script: &str) -> Vec<Vec<String>> {
    const STARTS: [&str; 2] = ["meshload ", "cargo run --release -- "];
    let joined = script.replace("\\\n", " ");
    let lines = joined.lines().map(|line| line.trim().trim_start_matches("- run: ").trim_start_matches("run: "));
    lines.filter_map(|line| STARTS.iter().find_map(|start| line.strip_prefix(start))).map(arguments).collect()
}

/// The words of one simple command as a POSIX shell splits them, up to what ends it. A variable stands for `1`, which is
/// a path, a share and a number; a list of arguments (`"${options[@]}"`) for none.
fn arguments(line: &str) -> Vec<String> {
    let mut words = vec![];
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut letters = line.chars().peekable();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '$') => {
                let mut name = String::new();
                while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || "_{}[]@:-".contains(*next)) {
                    name.push(next);
                }
                let value = match name.as_str() {
                    "TOLERANCE" => "10%",
                    name if name.contains("[@]") => "\0",
                    _ => "1",
                };
                word.get_or_insert_default().push_str(value);
            }
            (None, ' ') => words.extend(word.take()),
            (None, '|' | '&' | ';' | '>' | '<') => break,
            (None, '#') if word.is_none() => break,
            _ => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    words.retain(|word| word != "\0");
    words
}

#[test]
fn a_line_is_split_as_a_shell_would() {
    let split = |line: &str| arguments(line).join("|");
    assert_eq!(split("run --gate 'a: p(95) < 1s' --out \"$OUT/x\"  # why"), "run|--gate|a: p(95) < 1s|--out|1/x");
    assert_eq!(split("run \"${options[@]}\" ci || code=$?"), "run|ci");
    assert_eq!(split("serve > log 2>&1 &"), "serve");
    assert_eq!(split("run -H 'Bearer ${TOKEN}'"), "run|-H|Bearer ${TOKEN}");
}

#[test]
fn every_command_line_that_people_are_told_to_type_is_accepted() {
    let mut faults = vec![];
    let mut seen = 0;
    for (path, text) in documents() {
        let is_page = path.extension().is_some_and(|extension| extension == "md");
        let scripts = if is_page { blocks(&text).into_iter().map(|(_, lines)| lines).collect() } else { vec![text] };
        for arguments in scripts.iter().flat_map(|script| invocations(script)) {
            seen += 1;
            if let Err(why) = accepted(&arguments) {
                faults.push(format!("{}: meshload {}\n{why}", path.display(), arguments.join(" ")));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    assert!(seen > 15, "only {seen} command lines were found");
}

/// By the parser of the command line, and the gates by theirs.
fn accepted(arguments: &[String]) -> Result<(), String> {
    match parse_from(arguments)?.command {
        Command::Run(run) => run.shape.gate.iter().try_for_each(|gate| Gate::parse_line(gate).map(drop)),
        _ => Ok(()),
    }
}

#[test]
fn every_profile_that_people_are_shown_is_one() {
    let mut seen = 0;
    for (path, text) in documents() {
        for (_, profile) in blocks(&text).into_iter().filter(|(language, _)| *language == "toml") {
            seen += 1;
            let source = ProfileSource { name: "shown.toml", text: &profile };
            let profile = profile::read(source, &[], &|_| Some("x".to_owned()));
            let profile = profile.unwrap_or_else(|problems| panic!("{}: {problems:?}", path.display()));
            for gate in &profile.gates {
                Gate::parse(&gate.metric, &gate.expr).unwrap();
            }
        }
    }
    assert!(seen >= 2, "only {seen} profiles were found");
}

fn yaml(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

#[test]
fn the_action_is_a_composite_one_whose_scripts_name_their_shell_and_take_no_input_as_text() {
    let action = yaml(include_str!("../../action.yml"));
    assert_eq!(action["runs"]["using"].as_str(), Some("composite"));
    let steps = action["runs"]["steps"].as_vec().unwrap();
    assert!(steps.len() > 5);
    for step in steps {
        let name = step["name"].as_str().unwrap();
        assert!(step["uses"].as_str().is_some() != step["run"].as_str().is_some(), "{name}");
        if let Some(script) = step["run"].as_str() {
            assert_eq!(step["shell"].as_str(), Some("bash"), "{name}");
            assert!(!script.contains("${{"), "{name}: an expression in a script runs whatever it holds");
        }
    }
    let inputs = action["inputs"].as_hash().unwrap();
    let used = include_str!("../../action.yml");
    for input in inputs.keys().map(|key| key.as_str().unwrap()) {
        assert!(used.contains(&format!("inputs.{input}")), "the input {input} is not used");
    }
}

#[test]
fn every_workflow_that_people_are_shown_can_be_read() {
    let mut seen = 0;
    for (_, text) in documents() {
        for (_, workflow) in blocks(&text).into_iter().filter(|(language, _)| *language == "yaml") {
            seen += 1;
            assert_ne!(yaml(&workflow), Yaml::BadValue);
        }
    }
    assert!(seen >= 3, "only {seen} workflows were found");
}

#[test]
fn what_the_shown_workflow_gives_to_the_action_is_what_the_action_takes() {
    let page = include_str!("../../docs/ci.md");
    let (_, workflow) = blocks(page).into_iter().find(|(_, lines)| lines.contains("uses: meshload/")).unwrap();
    let workflow = yaml(&workflow);
    let steps = workflow["jobs"]["mesh"]["steps"].as_vec().unwrap();
    let given = steps
        .iter()
        .find_map(|step| {
            step["with"]
                .as_hash()
                .filter(|_| step["uses"].as_str().is_some_and(|action| action.starts_with("meshload/")))
        })
        .unwrap();
    let action = yaml(include_str!("../../action.yml"));
    for input in given.keys() {
        assert_ne!(action["inputs"][input.as_str().unwrap()], Yaml::BadValue, "{input:?} is no input of the action");
    }
    let options = given[&Yaml::String("options".to_owned())].as_str().unwrap();
    let mut arguments: Vec<String> = ["run", "ci"].map(str::to_owned).to_vec();
    arguments.extend(options.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    accepted(&arguments).unwrap();
}

/// A run of `ci`; `UPDATE=1` renders its summary again.
#[test]
fn the_sample_report_is_what_is_made_of_its_summary_today() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample");
    let summary = Summary::read(&fs::read_to_string(folder.join("summary.json")).unwrap()).unwrap();
    for (name, content) in report::files(&summary) {
        kept(&folder.join(name), &content);
    }
}

/// A search of `profiles/capacity.toml`; `UPDATE=1` renders its findings again.
#[test]
fn the_sample_planning_report_is_what_is_made_of_its_findings_today() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("reports/sample-capacity");
    let findings: CapacityResult = serde_json::from_slice(&fs::read(folder.join("capacity.json")).unwrap()).unwrap();
    // capacity.json itself is where it all comes from: a number read and written again may differ in its last digit.
    for (name, content) in report::files(&findings).into_iter().filter(|(name, _)| *name != "capacity.json") {
        kept(&folder.join(name), &content);
    }
}

#[test]
fn the_committed_schemas_are_those_that_the_command_prints() {
    for name in SchemaName::ALL {
        let folder = if *name == SchemaName::Dialect { "docs" } else { "reports" };
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{folder}/{}.schema.json", name.name()));
        let schema = schema(*name);
        let read: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let id = read["$id"].as_str().unwrap();
        assert!(id.ends_with(&format!("/{folder}/{}.schema.json", name.name())), "{id}");
        kept(&path, schema.as_bytes());
    }
}

fn kept(path: &Path, content: &[u8]) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, content).unwrap();
    }
    let kept = fs::read(path).unwrap_or_default();
    assert!(kept == content, "{} is of another day: run this test with UPDATE=1", path.display());
}
