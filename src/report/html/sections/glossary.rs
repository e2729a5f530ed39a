//! The glossary of the page's terms: the same text as `meshload explain`.

use crate::summary::Summary;
use crate::vocabulary::{GlossaryEntry, glossary::find};
use maud::{Markup, html};

/// A term with its meaning as a tooltip, if the glossary has it; the glossary stands at the end of the page, too.
pub(crate) fn word(shown: &str) -> Markup {
    match find(shown).next() {
        Some(entry) => html! { abbr title=(entry.means) { (shown) } },
        None => html! { (shown) },
    }
}

/// All terms of the glossary that the page uses, in the order of their use.
pub(crate) fn section(summary: &Summary) -> Markup {
    let entries = terms(summary);
    html! {
        section {
            h2 { "Words of this page" }
            details {
                summary { (entries.len()) " words: what each means, who pays for it and what to do" }
                dl.facts.long {
                    @for entry in &entries {
                        div {
                            dt { (entry.word) " (" (entry.kind) ")" }
                            dd {
                                (entry.means)
                                @if !entry.pays.is_empty() { " Paid for by " (entry.pays) "." }
                                @if !entry.advice.is_empty() { " " em { (entry.advice) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn terms(summary: &Summary) -> Vec<&'static GlossaryEntry> {
    const ALWAYS: [&str; 6] = ["due", "began", "amplification", "edges.one_sided", "dropped", "lag"];
    let exit_code = summary.exit_code.to_string();
    let verdicts = [summary.result.name(), exit_code.as_str(), summary.validity.verdict.name()];
    let gates = summary.gates.iter().flat_map(|gate| [Some(gate.metric.as_str()), gate.why.as_deref()]).flatten();
    let failures = summary.failures.iter();
    let failures =
        failures.flat_map(|row| [Some(row.phase.as_str()), Some(&row.reason), row.cause.as_deref()]).flatten();
    let words = verdicts.into_iter().chain(gates).chain(summary.timers.keys().map(String::as_str));
    let mut terms: Vec<&'static GlossaryEntry> = vec![];
    for entry in words.chain(failures).chain(ALWAYS).flat_map(find) {
        if !terms.contains(&entry) {
            terms.push(entry);
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::run;

    #[test]
    fn a_word_of_ours_is_explained_and_a_foreign_one_stands_as_it_is() {
        assert!(word("timed_out").into_string().starts_with("<abbr title=\"Nothing decided it"));
        assert_eq!(word("<i>").into_string(), "&lt;i&gt;");
    }

    #[test]
    fn the_glossary_has_the_words_of_the_page_once_each() {
        let words: Vec<&str> = terms(&run()).iter().map(|entry| entry.word).collect();
        for expected in ["failed", "99", "SUSPECT", "time_to_open", "mesh_complete", "negotiation", "rejected"] {
            assert_eq!(words.iter().filter(|word| **word == expected).count(), 1, "{expected} in {words:?}");
        }
        assert!(!words.contains(&"dns") && !words.contains(&"VALID"), "{words:?}");
    }
}
