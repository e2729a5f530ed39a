//! The type of a glossary entry, and its constructor for the tables.

/// One word of a report. A text that does not apply to the word is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlossaryEntry {
    pub word: &'static str,
    pub kind: &'static str,
    pub means: &'static str,
    pub unit: &'static str,
    /// The side whose speed or fault it is: `target`, `peers`, or both.
    pub pays: &'static str,
    pub advice: &'static str,
}

/// An entry for a `const` table.
pub const fn entry(
    kind: &'static str,
    word: &'static str,
    means: &'static str,
    unit: &'static str,
    pays: &'static str,
    advice: &'static str,
) -> GlossaryEntry {
    GlossaryEntry { word, kind, means, unit, pays, advice }
}
