//! A position in JSON text that moves past texts and whole values without parsing them.

use crate::dialect::language::codec::end_of_string;

/// Its steps return `None` at the end of the text, and where no value can begin.
pub(super) struct Cursor<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(json: &'a str) -> Self {
        Self { json: json.as_bytes(), at: 0 }
    }

    /// The index of the position, in bytes.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Moves past one byte.
    pub(super) fn step(&mut self) {
        self.at += 1;
    }

    /// The next byte that is no blank; moves to it.
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        while self.json.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    /// Moves past the next key of an object and its colon; `Some(None)` past the object's end.
    pub(super) fn next_key(&mut self) -> Option<Option<&'a [u8]>> {
        loop {
            match self.next_byte()? {
                b'"' => break,
                b',' => self.at += 1,
                b'}' => {
                    self.at += 1;
                    return Some(None);
                }
                _ => return None,
            }
        }
        let key = self.text()?;
        let is_followed = self.next_byte()? == b':';
        self.at += 1;
        is_followed.then_some(Some(key))
    }

    /// Moves to the next item of a list; `Some(false)` past the list's end.
    pub(super) fn next_item(&mut self) -> Option<bool> {
        loop {
            match self.next_byte()? {
                b',' => self.at += 1,
                b']' => {
                    self.at += 1;
                    return Some(false);
                }
                _ => return Some(true),
            }
        }
    }

    /// The text whose quote is at the position, as it is written; moves past it.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let start = self.at + 1;
        let end = end_of_string(self.json, start);
        self.at = end + 1;
        self.json.get(start..end).filter(|_| end < self.json.len())
    }

    /// Moves past a value.
    pub(super) fn leap(&mut self) -> Option<()> {
        if matches!(self.next_byte()?, b'}' | b']' | b',' | b':') {
            return None;
        }
        let mut depth = 0_usize;
        loop {
            match self.json.get(self.at)? {
                b'"' => {
                    self.text()?;
                    if depth == 0 {
                        return Some(());
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth > 1 => depth -= 1,
                b'}' | b']' => {
                    self.at += depth;
                    return Some(());
                }
                b',' if depth == 0 => return Some(()),
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// The text has an escape (RFC 8259 §7), so that its content is not as it is written.
pub(super) fn has_escape(text: &[u8]) -> bool {
    memchr::memchr(b'\\', text).is_some()
}
