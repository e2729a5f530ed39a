//! Finds one object of a long frame by a value in it, and parses only that object: room lists are long and frequent.

use super::excerpt;
use crate::dialect::language::pattern::Pattern;
use memchr::memmem;
use serde_json::Value;

/// An object at any depth of a frame, identified by a key whose value is a variable of the peer.
#[derive(Debug)]
pub(crate) struct EntryScan {
    keys: Vec<(String, Pattern)>,
    /// The key, with its quotes.
    key: String,
    slot: usize,
}

/// The result of a scan.
#[derive(Debug, PartialEq)]
pub(crate) enum ScanResult {
    /// An object fits, and has bound its values.
    Fits,
    /// No object of the frame fits.
    Not,
    /// The whole frame must be parsed to decide.
    Unsure,
}

impl EntryScan {
    /// The scan for a pattern; `None` if no key of it is compared with a variable.
    pub(crate) fn of(pattern: &Pattern) -> Option<Self> {
        let Pattern::Table(keys) = pattern else { return None };
        if keys.iter().any(|(_, inner)| matches!(inner, Pattern::Anywhere(_))) {
            return None;
        }
        keys.iter().find_map(|(key, inner)| match inner {
            Pattern::Same(slot) if is_plain(key) => {
                Some(Self { keys: keys.clone(), key: format!("\"{key}\""), slot: *slot })
            }
            _ => None,
        })
    }

    /// Searches `frame` for an object that fits; without one, `locals` are null.
    pub(crate) fn find(&self, frame: &str, globals: &[Value], locals: &mut [Value]) -> ScanResult {
        let own = globals.get(self.slot).and_then(Value::as_str).filter(|own| is_plain(own));
        let Some(own) = own else { return ScanResult::Unsure };
        for at in memmem::find_iter(frame.as_bytes(), &format!("\"{own}\"")) {
            // The value's opening quote is unescaped, so the text before it is outside of any string.
            let Some(before) = frame[..at].trim_ascii_end().strip_suffix(':') else { continue };
            let Some(before) = before.trim_ascii_end().strip_suffix(self.key.as_str()) else { continue };
            let Some(outside) = before.trim_ascii_end().strip_suffix('{') else { return ScanResult::Unsure };
            let Some(object) = excerpt::object(&frame[outside.len()..], &self.keys) else { return ScanResult::Unsure };
            if Pattern::fits_object(&self.keys, object, globals, locals) {
                return ScanResult::Fits;
            }
            locals.fill(Value::Null);
        }
        let may_be_escaped = memmem::find(frame.as_bytes(), b"\\u00").is_some();
        if may_be_escaped { ScanResult::Unsure } else { ScanResult::Not }
    }
}

/// Every JSON encoder writes this text the same way, escapes aside (RFC 8259 §7).
fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:@ ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(frame: &str) -> (ScanResult, Value) {
        let there = Pattern::Bind { slot: 0, filters: vec![], optional: false };
        let pattern = Pattern::Table(vec![("id".to_owned(), Pattern::Same(0)), ("there".to_owned(), there)]);
        let mut locals = [Value::Null];
        let found = EntryScan::of(&pattern).unwrap().find(frame, &[Value::from("r")], &mut locals);
        (found, locals[0].clone())
    }

    #[test]
    fn the_object_that_fits_is_read_alone() {
        let check =
            |frame: &str, there: i32| assert_eq!(look(frame), (ScanResult::Fits, Value::from(there)), "{frame}");
        check(r#"{"rooms":[{"id":"q","there":1},{"id":"r","there":2}]}"#, 2);
        check(r#"[{ "id" : "r" , "there" : 2 }]"#, 2);
        check(r#"{"name":"r","text":"\"id\":\"r\"","x":{"id":"r","there":3}}"#, 3);
        check(r#"[{"id":"r"},{"id":"r","there":4}]"#, 4);
    }

    #[test]
    fn what_can_not_be_found_by_its_beginning_takes_the_whole_frame() {
        let check = |frame: &str, found: ScanResult| assert_eq!(look(frame), (found, Value::Null), "{frame}");
        check(r#"[{"there":2,"id":"r"}]"#, ScanResult::Unsure);
        check(r#"[{"\u0069d":"r","there":2}]"#, ScanResult::Unsure);
        check(r#"[{"id":"r","there":"#, ScanResult::Unsure);
        check(r#"[{"id":"q","there":1},"r",{"id":"r"}]"#, ScanResult::Not);
    }
}
