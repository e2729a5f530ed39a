//! `dialect` and `wrong-dialect`: frames that no rule takes, frames that were never written, another protocol's frames.

use super::super::edge::failures::upgrade_status;
use super::record::RunRecord;
use crate::dialect::looks_like;
use crate::summary::{FindingConfidence, RunFinding, Severity, UnmatchedRow};
use crate::vocabulary::format::{count, plural};

pub(super) const FLAW: &str = "dialect";
pub(super) const WRONG: &str = "wrong-dialect";

/// Most shapes told one by one.
const SHAPES_TOLD: usize = 3;

/// Frames or values that the dialect could not use.
pub(super) fn find_flaw(record: &RunRecord<'_>) -> Option<RunFinding> {
    let summary = record.summary;
    let rows = || summary.unmatched.iter().filter(|row| row.kind != "server_error");
    let (frames, first) = (rows().map(|row| row.count).sum::<u64>(), rows().next()?);
    let sentence = match first.kind.as_str() {
        "unmatched" => format!("{} arrived that no rule of the dialect takes.", plural(frames, "frame")),
        _ => format!("The dialect lacks what it has to say or to read: {}.", place(first)),
    };
    let received = summary.counts.signaling.received.max(frames);
    let severity = if summary.counts.edges.failed > 0 { Severity::Fault } else { Severity::Hint };
    let remedy = match (record.evidence.dialect.is_built_in, summary.counts.edges.opened) {
        (true, 0) => {
            "See whether the server speaks this dialect: `meshload probe --frames` shows each frame and its rule."
        }
        (true, _) => {
            "Let a copy of the dialect (`meshload dialects show`) take them, and answer them if the server waits for \
             that; `meshload probe --frames` shows each frame."
        }
        (false, _) => {
            "Add or correct the rule in the dialect file; `meshload probe --frames` shows each frame and its rule."
        }
    };
    Some(RunFinding {
        id: FLAW.into(),
        severity,
        confidence: FindingConfidence::High,
        sentence,
        evidence: rows().take(SHAPES_TOLD).map(told).collect(),
        remedy: remedy.into(),
        share: frames as f64 / received.max(1) as f64,
    })
}

fn told(row: &UnmatchedRow) -> String {
    let near = if row.rule.is_some() { format!(" The nearest rule: {}.", place(row)) } else { String::new() };
    let example = if row.example.is_empty() { &row.shape } else { &row.example };
    format!("{} times {}: {example}.{near}", count(row.count), row.kind.replace('_', " "))
}

/// `mine.toml:31, type is "offer", where "offr" is expected`.
fn place(row: &UnmatchedRow) -> String {
    [row.rule.as_deref(), row.why.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The server's frames are those of another protocol, or it has no WebSocket at that path.
pub(super) fn find_wrong(record: &RunRecord<'_>) -> Option<RunFinding> {
    let summary = record.summary;
    if summary.counts.edges.opened > 0 {
        return None;
    }
    let likeness = summary.unmatched.iter().find_map(|row| Some((row, looks_like(&row.example)?)));
    let refusal = |detail: &str| summary.failures.iter().find(|row| row.detail.contains(detail));
    let (sentence, evidence, remedy) = match likeness {
        Some((row, likeness)) if !likeness.dialects.contains(&summary.run.dialect.as_str()) => {
            let fits = match likeness.dialects {
                [] => "No built-in dialect speaks it.".to_owned(),
                names => format!("Try --dialect {}.", names.join(" or --dialect ")),
            };
            let sentence =
                format!("The first frames look like {}, not like {}.", likeness.protocol, summary.run.dialect);
            (sentence, format!("{} times: {}", count(row.count), row.example), fits)
        }
        _ => {
            let binary = refusal("a binary frame").map(|row| {
                ("The server sends binary frames: it uses another parser, such as MessagePack.".to_owned(), row)
            });
            let plain = summary.failures.iter().find_map(|row| Some((upgrade_status(&row.detail)?, row)));
            let plain = plain.filter(|(status, _)| *status < 400).map(|(status, row)| {
                let says = if status < 300 { "there is no WebSocket at that path" } else { "the target redirects" };
                (format!("An upgrade is answered by HTTP {status}: {says}."), row)
            });
            let (sentence, row) = binary.or(plain)?;
            let remedy = "Look at the path of the target and at the server's parser.".to_owned();
            (
                sentence,
                format!(
                    "{} failed in phase {} ({}).",
                    plural(row.peers.max(row.count), "attempt"),
                    row.phase,
                    row.detail
                ),
                remedy,
            )
        }
    };
    Some(RunFinding {
        id: WRONG.into(),
        severity: Severity::Fault,
        confidence: FindingConfidence::High,
        sentence,
        evidence: vec![evidence],
        remedy,
        share: 1.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::summary::{Counts, Edges, FailureRow, Run, RunEvidence, Summary};

    fn row(kind: &str, example: &str) -> UnmatchedRow {
        UnmatchedRow {
            kind: kind.into(),
            shape: "{type}".into(),
            count: 7,
            example: example.into(),
            rule: Some("mine.toml:31".into()),
            why: Some("type is \"offer\", where \"offr\" is expected".into()),
        }
    }

    fn summary(unmatched: Vec<UnmatchedRow>, failed: u64, opened: u64) -> Summary {
        let edges = Edges { failed, opened, ..Edges::default() };
        let run = Run { dialect: "dashboard".into(), ..Run::default() };
        Summary { counts: Counts { edges, ..Counts::default() }, unmatched, run, ..Summary::default() }
    }

    #[test]
    fn frames_that_no_rule_takes_are_a_fault_only_if_something_failed() {
        let found = |summary: &Summary| find_flaw(&RunRecord { summary, evidence: &RunEvidence::default() });
        let failed = found(&summary(vec![row("unmatched", r#"{"type":"offer"}"#)], 3, 0)).unwrap();
        assert_eq!(
            (failed.severity, failed.sentence.as_str()),
            (Severity::Fault, "7 frames arrived that no rule of the dialect takes.")
        );
        assert!(failed.evidence[0].contains("mine.toml:31"), "{failed:?}");
        assert_eq!(found(&summary(vec![row("unmatched", "{}")], 0, 3)).unwrap().severity, Severity::Hint);
        assert_eq!(found(&summary(vec![row("server_error", "x")], 3, 0)), None);
        assert!(found(&summary(vec![row("unwritten", "")], 1, 0)).unwrap().sentence.contains("mine.toml:31"));
    }

    #[test]
    fn another_protocol_is_named_with_the_dialect_that_fits() {
        let found = |summary: &Summary| find_wrong(&RunRecord { summary, evidence: &RunEvidence::default() });
        let peerjs = summary(vec![row("unmatched", r#"{"type":"OPEN"}"#)], 3, 0);
        assert_eq!(found(&peerjs).unwrap().remedy, "Try --dialect peerjs.");
        assert_eq!(found(&summary(vec![row("unmatched", r#"{"type":"OPEN"}"#)], 3, 1)), None);
        let mut plain = summary(vec![], 3, 0);
        plain.failures =
            vec![FailureRow { detail: "HTTP 200".into(), phase: "connect".into(), ..FailureRow::default() }];
        assert!(found(&plain).unwrap().sentence.contains("no WebSocket at that path"));
        plain.failures[0].detail = "HTTP 302".into();
        assert!(found(&plain).unwrap().sentence.contains("the target redirects"));
        for other in ["HTTP 429", "HTTP 200 to POST of [[before]] (x.toml:4)"] {
            plain.failures[0].detail = other.into();
            assert_eq!(found(&plain), None, "{other}");
        }
    }
}
