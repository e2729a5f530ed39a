//! Explains the words of a report: what each means, its unit, who pays for it, and what to do.

mod measures;
mod outcomes;

use super::Exit;
use super::stdout::{complain, write};
use crate::cli::ExplainArgs;
use crate::profile::nearest;

/// One word. Empty where a question makes no sense for it.
struct Entry {
    word: &'static str,
    kind: &'static str,
    means: &'static str,
    unit: &'static str,
    /// `target`, `peers`, or both.
    pays: &'static str,
    advice: &'static str,
}

/// One row of the tables, in the order in which it is told.
const fn entry(
    kind: &'static str,
    word: &'static str,
    means: &'static str,
    unit: &'static str,
    pays: &'static str,
    advice: &'static str,
) -> Entry {
    Entry { word, kind, means, unit, pays, advice }
}

pub fn explain(args: &ExplainArgs) -> Exit {
    let Some(word) = &args.word else { return write(index()) };
    let found: Vec<_> = find(word).map(text).collect();
    if !found.is_empty() {
        return write(found.join("\n"));
    }
    let near = nearest(word, entries().map(|entry| entry.word));
    let hint = near.map_or("`meshload explain` lists all words".to_owned(), |near| format!("did you mean {near}?"));
    complain([format!("{}: no such word; {hint}", word.escape_debug())]);
    Exit::Usage
}

fn entries() -> impl Iterator<Item = &'static Entry> {
    measures::ENTRIES.iter().chain(outcomes::ENTRIES)
}

/// As typed, or as a report shows it: `time_to_open.due`, `signal_delivery.webrtc-offer`, `SUSPECT`.
fn find(word: &str) -> impl Iterator<Item = &'static Entry> {
    let word = word.trim().to_lowercase().replace(' ', "_");
    let is_known = entries().any(|entry| entry.word.to_lowercase() == word);
    let stem = match word.split_once('.') {
        Some((stem, _)) if !is_known => stem.to_owned(),
        _ => word,
    };
    entries().filter(move |entry| entry.word.to_lowercase() == stem)
}

fn text(entry: &Entry) -> String {
    let mut text = format!("{} ({})\n  {}\n", entry.word, entry.kind, entry.means);
    for (name, value) in [("unit", entry.unit), ("pays", entry.pays), ("do", entry.advice)] {
        if !value.is_empty() {
            text += &format!("  {name:<5} {value}\n");
        }
    }
    text
}

/// All words, by kind, in the order in which the kinds first come.
fn index() -> String {
    let mut kinds: Vec<&str> = vec![];
    for entry in entries() {
        if !kinds.contains(&entry.kind) {
            kinds.push(entry.kind);
        }
    }
    let line = |kind: &&str| {
        let words: Vec<_> = entries().filter(|entry| entry.kind == *kind).map(|entry| entry.word).collect();
        format!("{kind}\n  {}\n", words.join(" "))
    };
    kinds.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::failure::Reason;
    use crate::vocabulary::phase::Phase;

    #[test]
    fn every_phase_reason_and_exit_code_is_explained() {
        let codes = Exit::ALL.map(|exit| exit.code().to_string());
        let phases = Phase::ALL.map(Phase::name);
        let reasons = [
            Reason::TimedOut,
            Reason::Refused,
            Reason::Rejected,
            Reason::Closed,
            Reason::Protocol,
            Reason::Tls,
            Reason::Dns,
            Reason::IceFailed,
            Reason::DtlsFailed,
            Reason::ChannelFailed,
            Reason::GeneratorLimit,
        ]
        .map(Reason::name);
        for word in codes.iter().map(String::as_str).chain(phases).chain(reasons) {
            assert!(find(word).next().is_some(), "{word}");
        }
    }

    #[test]
    fn who_pays_for_a_phase_is_what_the_vocabulary_says() {
        for phase in Phase::ALL {
            let entry = find(phase.name()).next().unwrap();
            assert_eq!(entry.pays.contains("target"), phase.is_targets(), "{}", phase.name());
        }
    }

    #[test]
    fn words_are_found_as_reports_show_them() {
        for (typed, expected) in [
            ("time_to_open.began", "time_to_open"),
            ("signal_delivery.webrtc-offer", "signal_delivery"),
            ("suspect", "SUSPECT"),
            ("time to open", "time_to_open"),
            ("edges.failed", "edges.failed"),
        ] {
            assert_eq!(find(typed).next().map(|entry| entry.word), Some(expected), "{typed}");
        }
    }

    #[test]
    fn no_word_is_explained_twice_in_one_kind() {
        let mut words: Vec<_> = entries().map(|entry| (entry.kind, entry.word)).collect();
        let all = words.len();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
