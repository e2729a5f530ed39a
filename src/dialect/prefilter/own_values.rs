//! Searches frames for the values of a peer's own variables, once a variable and frame for all rules.

use memchr::memmem::Finder;
use serde_json::Value;

/// The variables of a peer that rules compare fields with, as they appear in a frame's text.
#[derive(Debug, Default)]
pub(crate) struct OwnValues {
    /// By slot; `None` if no rule compares with it, or JSON could write it in several ways.
    by_slot: Vec<Option<OwnValue>>,
}

#[derive(Debug)]
struct OwnValue {
    text: String,
    /// Finds the text with its quotes.
    finder: Finder<'static>,
}

impl OwnValues {
    /// Reads the variables at the slots `watched`.
    pub(crate) fn of(watched: &[usize], globals: &[Value]) -> Self {
        let mut own_values = Self::default();
        for slot in watched {
            own_values.by_slot.resize_with(own_values.by_slot.len().max(slot + 1), || None);
            own_values.by_slot[*slot] = globals.get(*slot).and_then(OwnValue::of);
        }
        own_values
    }

    pub(crate) fn text(&self, slot: usize) -> Option<&str> {
        self.at(slot).map(|word| word.text.as_str())
    }

    /// The finder of the variable's text, with its quotes.
    pub(crate) fn finder(&self, slot: usize) -> Option<&Finder<'static>> {
        self.at(slot).map(|word| &word.finder)
    }

    fn at(&self, slot: usize) -> Option<&OwnValue> {
        self.by_slot.get(slot).and_then(Option::as_ref)
    }
}

impl OwnValue {
    fn of(value: &Value) -> Option<Self> {
        let text = value.as_str().filter(|text| is_plain(text))?.to_owned();
        let finder = Finder::new(&format!("\"{text}\"")).into_owned();
        Some(Self { text, finder })
    }
}

/// A frame, and the results of the searches in it so far.
pub(crate) struct FrameScan<'a> {
    pub frame: &'a str,
    escape_finder: &'a Finder<'static>,
    /// One bit for each of the first 64 slots: `looked` for, and found `lacking`.
    looked: u64,
    lacking: u64,
    escapes: Option<bool>,
}

impl<'a> FrameScan<'a> {
    /// `escape_finder` finds plain characters written as `\u00xx`.
    pub(crate) fn new(frame: &'a str, escape_finder: &'a Finder<'static>) -> Self {
        Self { frame, escape_finder, looked: 0, lacking: 0, escapes: None }
    }

    /// No string in the frame equals this variable; false if in doubt.
    pub(crate) fn lacks(&mut self, own_values: &OwnValues, slot: usize) -> bool {
        let Some(finder) = own_values.finder(slot) else { return false };
        let bit = 1_u64.checked_shl(slot as u32).unwrap_or(0);
        if self.looked & bit == 0 {
            self.looked |= bit;
            let lacks = finder.find(self.frame.as_bytes()).is_none() && !self.has_escapes();
            if bit == 0 {
                return lacks;
            }
            self.lacking |= if lacks { bit } else { 0 };
        }
        self.lacking & bit != 0
    }

    /// The frame may write a plain character as an escape (RFC 8259 §7).
    pub(crate) fn has_escapes(&mut self) -> bool {
        *self.escapes.get_or_insert_with(|| self.escape_finder.find(self.frame.as_bytes()).is_some())
    }
}

/// The finder of plain characters written as escapes.
pub(crate) fn escape_finder() -> Finder<'static> {
    Finder::new("\\u00")
}

/// Every JSON encoder writes this text the same way, escapes aside.
pub(crate) fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@ ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_word_is_lacking_only_where_no_text_can_be_it() {
        let own_values = OwnValues::of(&[1, 70], &vec![json!("me"); 71]);
        let check = |frame: &str, lacks: bool| {
            for slot in [1, 70] {
                let escape_finder = escape_finder();
                let mut scan = FrameScan::new(frame, &escape_finder);
                assert_eq!(
                    [scan.lacks(&own_values, slot), scan.lacks(&own_values, slot)],
                    [lacks; 2],
                    "{frame} {slot}"
                );
            }
        };
        check(r#"{"to":"you"}"#, true);
        check(r#"{"to":"me"}"#, false);
        check(r#"{"to":"m\u0065"}"#, false);
        check(r#"{"to":"meme"}"#, true);
        check(r#"{"to":"say \"me\""}"#, true);
    }

    #[test]
    fn what_is_no_plain_text_is_never_lacking() {
        let own_values = OwnValues::of(&[0, 1], &[json!(7), json!("é")]);
        assert!([0, 1].iter().all(|slot| !FrameScan::new("{}", &escape_finder()).lacks(&own_values, *slot)));
    }
}
