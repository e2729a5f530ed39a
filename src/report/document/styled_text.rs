//! Texts with a style, which each back end shows in its own way.

use super::colour::ChartColour;

/// A text with one style, and the colour that it has in charts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StyledText {
    pub text: String,
    pub style: Style,
    pub key: Option<ChartColour>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    #[default]
    Plain,
    Good,
    Bad,
    Strong,
    Note,
    /// A word of the glossary, if the glossary has it.
    Term,
    /// An address or a command, fit for pasting.
    Input,
    /// A reference to the section with that title.
    To(&'static str),
}

impl StyledText {
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Self { text: text.into(), style, key: None }
    }

    /// `good` or `bad`, in the style of its meaning.
    pub fn verdict(is_good: bool, good: &str, bad: &str) -> Self {
        if is_good { Self::new(Style::Good, good) } else { Self::new(Style::Bad, bad) }
    }

    pub fn term(text: impl Into<String>) -> Self {
        Self::new(Style::Term, text)
    }

    pub fn to(section: &'static str, text: impl Into<String>) -> Self {
        Self::new(Style::To(section), text)
    }

    pub fn input(text: impl Into<String>) -> Self {
        Self::new(Style::Input, text)
    }
}

impl<T: Into<String>> From<T> for StyledText {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}
