//! The files for machines, read by other people's readers: JUnit by its schema, metrics by Prometheus's own parser.

use crate::common::hostile::{HOSTILE, poisoned};
use crate::common::sample;
use meshload::report::{Format, render};
use meshload::summary::{Control, Outcome, Summary};
use std::fs;
use std::process::{Command, Output};

/// A run of each kind of end, one with a control run, and one with each hostile word.
fn summaries() -> Vec<Summary> {
    let run = sample::summary();
    let control = Control { edges: 40, opened: 40, timers: run.timers.clone(), ..Control::default() };
    let mut all = vec![Summary { control: Some(control), ..run.clone() }, Summary::default()];
    all.extend([Outcome::Invalid, Outcome::Interrupted].map(|result| Summary { result, ..run.clone() }));
    all.extend(HOSTILE.iter().map(|word| poisoned(run.clone(), word)));
    all
}

/// `None`, and a word about it, where the reader isn't installed; in CI it has to be.
fn read_by(reader: &str, package: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(reader).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) => {
            assert!(std::env::var_os("CI").is_none(), "{reader}: {error} (apt-get install {package})");
            println!("skipped: {reader}: {error} (apt-get install {package})");
            None
        }
    }
}

fn check(format: Format, ending: &str, read: impl Fn(&[&str]) -> Option<Output>) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |(index, summary): (usize, &Summary)| {
        let path = folder.path().join(format!("{index}.{ending}"));
        fs::write(&path, render(format, summary)).expect("a file");
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let files: Vec<String> = summaries().iter().enumerate().map(write).collect();
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let Some(output) = read(&files) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}", said.chars().take(2_000).collect::<String>());
}

#[test]
fn every_junit_file_is_valid_by_the_schema() {
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/formats/JUnit.xsd");
    check(Format::Junit, "xml", |files| {
        let arguments = [&["--nonet", "--noout", "--schema", schema], files].concat();
        read_by("xmllint", "libxml2-utils", &arguments)
    });
}

#[test]
fn the_schema_refuses_what_is_not_junit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("wrong.xml");
    let text = render(Format::Junit, &sample::summary()).replace("hostname=", "host=");
    fs::write(&path, text).expect("a file");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/formats/JUnit.xsd");
    let arguments = ["--nonet", "--noout", "--schema", schema, path.to_str().expect("a path in UTF-8")];
    let Some(output) = read_by("xmllint", "libxml2-utils", &arguments) else { return };
    assert!(!output.status.success());
}

/// As OpenMetrics and as the older Prometheus text.
#[test]
fn every_metrics_file_is_read_by_the_client_of_prometheus() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/formats/metrics.py");
    check(Format::Prom, "prom", |files| {
        let arguments = [&[script], files].concat();
        read_by("/usr/bin/python3", "python3-prometheus-client", &arguments)
    });
}
