//! The glossary of report words: meaning, unit, responsible side and advice.

use serde::Deserialize;
use std::sync::LazyLock;

/// One word of a report. A text that does not apply to the word is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlossaryEntry {
    pub word: &'static str,
    pub kind: &'static str,
    pub means: &'static str,
    pub unit: &'static str,
    /// The side whose time or fault it is: `target`, `peers`, or both.
    pub pays: &'static str,
    pub advice: &'static str,
}

/// All entries; entries of one kind are not always adjacent.
pub fn entries() -> impl Iterator<Item = &'static GlossaryEntry> {
    static ENTRIES: LazyLock<Vec<GlossaryEntry>> = LazyLock::new(|| read(include_str!("words.toml")));
    ENTRIES.iter()
}

/// Parses the glossary. The texts are leaked, since its one caller keeps them until the process ends.
fn read(text: &str) -> Vec<GlossaryEntry> {
    #[derive(Deserialize)]
    struct Table {
        word: Vec<Word>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Word {
        word: String,
        kind: String,
        means: String,
        #[serde(default)]
        unit: String,
        #[serde(default)]
        pays: String,
        #[serde(default)]
        advice: String,
    }
    let table: Table = toml::from_str(text).expect("a test reads the file");
    let entry = |word: Word| GlossaryEntry {
        word: word.word.leak(),
        kind: word.kind.leak(),
        means: word.means.leak(),
        unit: word.unit.leak(),
        pays: word.pays.leak(),
        advice: word.advice.leak(),
    };
    table.word.into_iter().map(entry).collect()
}

/// The entries of a word, typed freely or as a report shows it: `time_to_open.due`, `signal_delivery.webrtc-offer`,
/// `SUSPECT`.
pub fn find(word: &str) -> impl Iterator<Item = &'static GlossaryEntry> {
    let word = word.trim().to_lowercase().replace(' ', "_");
    let is_known = entries().any(|entry| entry.word.to_lowercase() == word);
    let stem = match word.split_once('.') {
        Some((stem, _)) if !is_known => stem.to_owned(),
        _ => word,
    };
    entries().filter(move |entry| entry.word.to_lowercase() == stem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::failure::Reason;
    use crate::vocabulary::phase::Phase;

    #[test]
    fn every_phase_and_reason_is_explained() {
        let phases = Phase::ALL.map(Phase::name);
        let reasons = Reason::ALL.map(Reason::name);
        for word in phases.into_iter().chain(reasons) {
            assert!(find(word).next().is_some(), "{word}");
        }
    }

    #[test]
    fn who_pays_for_a_phase_is_what_the_vocabulary_says() {
        for phase in Phase::ALL {
            let entry = find(phase.name()).next().unwrap();
            assert_eq!(entry.pays.contains("target"), phase.belongs_to_target(), "{}", phase.name());
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
