//! One row of the glossary, of whichever table.

/// One word. Empty where a question makes no sense for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlossaryEntry {
    pub word: &'static str,
    pub kind: &'static str,
    pub means: &'static str,
    pub unit: &'static str,
    /// `target`, `peers`, or both.
    pub pays: &'static str,
    pub advice: &'static str,
}

/// One row of the tables, in the order in which it is told.
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
