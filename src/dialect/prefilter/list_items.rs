//! The items of a list that is text, and the texts in them.

use super::cursor::{Cursor, has_escape};
use serde_json::Value;

/// The items of a valid list, each with its texts at some keys.
pub(crate) struct Items<'a, const N: usize> {
    list: &'a str,
    cursor: Cursor<'a>,
    keys: [&'a str; N],
    /// A text of the list has an escape: only parsing tells the texts.
    has_escapes: bool,
}

impl<'a, const N: usize> Items<'a, N> {
    pub(crate) fn new(list: &'a str, keys: [&'a str; N]) -> Self {
        let mut cursor = Cursor::new(list);
        cursor.step();
        Self { list, cursor, keys, has_escapes: has_escape(list.as_bytes()) }
    }

    /// The texts at the keys of the object at the position; moves past it. The last of equal keys counts, as in a parsed one.
    fn texts(&mut self) -> Option<[Option<&'a str>; N]> {
        let mut texts = [None; N];
        self.cursor.step();
        while let Some(own) = self.cursor.next_key()? {
            let value = match self.cursor.next_byte()? {
                b'"' => Some(self.cursor.text()?),
                _ => {
                    self.cursor.leap()?;
                    None
                }
            };
            for (text, _) in texts.iter_mut().zip(self.keys).filter(|(_, key)| key.as_bytes() == own) {
                *text = value.and_then(|value| std::str::from_utf8(value).ok());
            }
        }
        Some(texts)
    }
}

impl<'a, const N: usize> Iterator for Items<'a, N> {
    /// The item, and its texts: `None` for no object, no text, or texts that only parsing tells.
    type Item = (&'a str, [Option<&'a str>; N]);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.cursor.next_item()?.then(|| self.cursor.at())?;
        let texts = match self.cursor.next_byte()? {
            b'{' if !self.has_escapes => self.texts()?,
            _ => {
                self.cursor.leap()?;
                [None; N]
            }
        };
        Some((self.list.get(start..self.cursor.at())?, texts))
    }
}

/// `wanted` is the value at `key` of an item of a valid list.
pub(crate) fn has(list: &str, key: &str, wanted: &Value) -> bool {
    match wanted {
        Value::String(own) if !has_escape(list.as_bytes()) => {
            memchr::memmem::find(list.as_bytes(), own.as_bytes()).is_some()
                && Items::new(list, [key]).any(|(_, [text])| text == Some(own))
        }
        _ => Items::new(list, []).any(|(item, [])| {
            let item: Value = serde_json::from_str(item).unwrap_or_default();
            item.get(key).unwrap_or(&Value::Null) == wanted
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_items_of_a_list_are_read_as_text() {
        let list = r#"[ {"id":"a","x":{"id":"b"}} ,"s, ]", [1,2],{"id":7}, {"x":1,"id":"c","id":"d","x":"y"} , {"i\u0064":"e"},{"id":"\u0066"} ]"#;
        let texts = |list: &'static str| Items::new(list, ["id", "x"]).collect::<Vec<_>>();
        assert!(texts(list).iter().all(|(_, texts)| *texts == [None, None]), "a list with escapes");
        let items = texts(&list[..list.find(", {\"i").unwrap()]);
        let expected = [[Some("a"), None], [None, None], [None, None], [None, None], [Some("d"), Some("y")]];
        assert_eq!(items.iter().map(|(_, texts)| *texts).collect::<Vec<_>>(), expected);
        assert_eq!((items[1].0, items[3].0), ("\"s, ]\"", r#"{"id":7}"#));
        assert_eq!(texts("[]"), []);
        let read: Value = serde_json::from_str(list).unwrap();
        for wanted in
            [json!("a"), json!("b"), json!("c"), json!("d"), json!("e"), json!("f"), json!(7), json!(null), json!("g")]
        {
            let is_in = read.as_array().unwrap().iter().any(|item| item.get("id").unwrap_or(&Value::Null) == &wanted);
            assert_eq!(has(list, "id", &wanted), is_in, "{wanted}");
        }
    }
}
