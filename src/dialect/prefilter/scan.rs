//! The pass over a frame's JSON: it reads the texts at the places that rules ask for, and leaps over all others.

use super::asked::{AskedPlace, AskedText, PathStep, RuledOut, bit};
use super::cursor::{Cursor, has_escape};
use serde_json::Value;

/// One pass. Its steps return `None` once nothing more can be told, or need be.
pub(super) struct Scan<'a> {
    cursor: Cursor<'a>,
    globals: &'a [Value],
    /// The bits of all rules of the look; `None` if a rule has none.
    all: Option<u64>,
    /// Places that are not told yet.
    places: usize,
    ruled_out: RuledOut,
}

impl<'a> Scan<'a> {
    /// A pass for rules with the bits `all`, if they have bits.
    pub(super) fn new(json: &'a str, globals: &'a [Value], all: Option<u64>) -> Self {
        Self { cursor: Cursor::new(json), globals, all, places: 0, ruled_out: RuledOut::default() }
    }

    /// Passes over the frame, whose `root` has texts at so many `places`.
    pub(super) fn over(mut self, root: &AskedPlace, places: usize) -> RuledOut {
        self.places = places;
        if places > 0 {
            let _end = self.value(root);
        }
        self.ruled_out
    }

    /// Passes over the value at `place`.
    fn value(&mut self, place: &AskedPlace) -> Option<()> {
        let (text, seen) = match self.cursor.next_byte()? {
            b'{' if !place.within.is_empty() => (None, self.object(place)?),
            b'[' if !place.within.is_empty() => (None, self.list(place)?),
            b'"' => (Some(self.cursor.text()?), 0),
            _ => {
                self.cursor.leap()?;
                (None, 0)
            }
        };
        // A text with escapes is left to the parser.
        if !text.is_some_and(has_escape) {
            self.tell(place, text);
        }
        self.tell_absent(place, seen);
        let is_over = self.places == 0 || self.all == Some(self.ruled_out.other | self.ruled_out.foreign);
        (!is_over).then_some(())
    }

    /// Passes over an object; the bits of the places within `place` that it has.
    fn object(&mut self, place: &AskedPlace) -> Option<u64> {
        let mut seen = 0;
        self.cursor.step();
        while let Some(key) = self.cursor.next_key()? {
            if has_escape(key) {
                return None;
            }
            seen |= self.inner(place, |step| matches!(step, PathStep::Key(own) if own.as_bytes() == key))?;
        }
        Some(seen)
    }

    /// Passes over a list, likewise.
    fn list(&mut self, place: &AskedPlace) -> Option<u64> {
        let mut seen = 0;
        self.cursor.step();
        for index in 0.. {
            if !self.cursor.next_item()? {
                break;
            }
            seen |= self.inner(place, |step| *step == PathStep::Item(index))?;
        }
        Some(seen)
    }

    /// Passes over a value at the step within `place` that `is_step` finds; the bit of that place, 0 if none asks for it.
    fn inner(&mut self, place: &AskedPlace, is_step: impl Fn(&PathStep) -> bool) -> Option<u64> {
        let Some(index) = place.within.iter().position(|(step, _)| is_step(step)) else {
            self.cursor.leap()?;
            return Some(0);
        };
        self.value(&place.within[index].1)?;
        Some(bit(index).unwrap_or(0))
    }

    /// Rules out what asks for another text than `found`; `None` is any other value, or none.
    fn tell(&mut self, place: &AskedPlace, found: Option<&[u8]>) {
        self.places = self.places.saturating_sub(usize::from(!place.texts.is_empty()));
        for (rule, asked) in &place.texts {
            match asked {
                AskedText::Literal(text) if found != Some(text.as_bytes()) => self.ruled_out.other |= rule,
                AskedText::Variable(slot) => match self.globals.get(*slot) {
                    Some(Value::String(text)) if found != Some(text.as_bytes()) => self.ruled_out.foreign |= rule,
                    _ => {}
                },
                AskedText::Literal(_) => {}
            }
        }
    }

    /// Nothing is at the places within `place` that are not `seen`; one without a bit is left to the parser.
    fn tell_absent(&mut self, place: &AskedPlace, seen: u64) {
        for (index, (_, inner)) in place.within.iter().enumerate() {
            if bit(index).is_some_and(|bit| seen & bit == 0) {
                self.tell(inner, None);
                self.tell_absent(inner, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::language::codec::Codec;
    use crate::dialect::language::pattern::Pattern;
    use crate::dialect::prefilter::Looks;
    use serde_json::Value;

    #[test]
    fn a_rule_is_ruled_out_only_where_the_text_surely_is_the_one_asked_for() {
        let table = |key: &str, inner| Pattern::Table(vec![(key.to_owned(), inner)]);
        let pattern = table("data", table("to", Pattern::Same(0)));
        let looks = Looks::new(&[(None, &pattern)], Codec::Json, "type");
        let check = |frame: &str, out: bool| {
            let (.., ruled_out) = looks.at(frame, &[Value::from("me")]);
            assert_eq!((ruled_out.leaves(0), ruled_out.is_foreign(0)), (!out, out), "{frame}");
        };
        check(r#"{"type":"x","data":{"to":"you"}}"#, true);
        check(r#"{"type":"x","data":{"from":"me","to":"you","sdp":"a\r\n"}}"#, true);
        check(r#"{"type":"x","data":{"to":"me"}}"#, false);
        check(r#" { "data" : { "to" : "me" } } "#, false);
        check(r#" { "a" : [ 1, { "b" : "]" } ] , "data" : { "to" : "you" } } "#, true);
        check(r#"{"data":{"to":"\u006de"}}"#, false);
        check(r#"{"data":{"t\u006f":"me"}}"#, false);
        check(r#"{"d\u0061ta":{"to":"me"}}"#, false);
        check(r#"{"type":"x","a":{"data":{"to":"you"}},"data":{"to":"me"}}"#, false);
        check(r#"{"type":"x","data":{"a":{"to":"you"},"to":"me"}}"#, false);
        check(r#"{"type":"x","x\"data":{"to":"you"},"data":{"to":"me"}}"#, false);
        for without in
            [r#"{"to":"me"}"#, r#"{"data":{},"to":"me"}"#, r#"{"data":{"to":7}}"#, r#"{"data":["me"]}"#, "[]"]
        {
            check(without, true);
        }
        for unfinished in ["", "{", r#"{"data":{"#, r#"{"data":{"to":""#, r#"{"data":"#, r#"{"a":"\"#, "{,", "x"] {
            check(unfinished, false);
        }
    }

    #[test]
    fn another_literal_is_another_kind_and_a_list_is_looked_at_by_its_items() {
        let equal = |text: &str| Pattern::Equal(Value::from(text));
        let pattern = Pattern::List(vec![equal("move"), Pattern::Table(vec![("to".to_owned(), Pattern::Same(0))])]);
        let looks = Looks::new(&[(Some("move"), &pattern)], Codec::SocketIo, "type");
        let check = |frame: &str, left: bool, foreign: bool| {
            let (look, _, ruled_out) = looks.at(frame, &[Value::from("me")]);
            let is_left = !look.rules.is_empty() && ruled_out.leaves(0);
            assert_eq!((is_left, ruled_out.is_foreign(0)), (left, foreign), "{frame}");
        };
        check(r#"42["move",{"to":"me"}]"#, true, false);
        check(r#"42/rtc,7["move",{"to":"you"}]"#, false, true);
        check(r#"42["move"]"#, false, true);
        check(r#"42[ "move",{"to":"you"}]"#, false, true);
        check(r#"42[ "moved",{"to":"me"}]"#, false, false);
        check(r#"42["moved",{"to":"me"}]"#, false, false);
        check(r#"437["move"]"#, true, false);
        for broken in [r#"42["move",}"#, "42[}", r#"42["move",{]"#, r#"42["move",{"to":}"#, r#"42["move","#] {
            check(broken, true, false);
        }
    }
}
