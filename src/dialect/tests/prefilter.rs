//! A look at a frame drops only what the whole interpreter would drop too, and changes no other output.

use super::*;
use crate::dialect::compile::compiled::Action;
use crate::dialect::language::pattern::Pattern;
use crate::dialect::prefilter::{Looks, Remainder};
use crate::vocabulary::{Concern, FrameKind};
use serde_json::{Map, Value, json};

/// The same dialect, in which every frame is parsed and every rule is tried.
fn without_looks(file: &str, text: &str) -> Dialect {
    let mut dialect = compile::read(file, text).unwrap_or_else(|problems| panic!("{text}\n{}", shown(&problems)));
    for rule in &mut dialect.rules {
        rule.rest = Remainder::Anything;
        rule.list_text = None;
        rule.conditions.append(&mut rule.guards);
        for step in &mut rule.steps {
            if let Action::Peers { member_list, .. } = &mut step.action {
                *member_list = None;
            }
        }
    }
    let asks_nothing = vec![(None, &Pattern::Present); dialect.rules.len()];
    dialect.looks = Looks::new(&asks_nothing, dialect.codec, "");
    Dialect::of(dialect)
}

/// The spelling of a frame, where JSON leaves a choice.
#[derive(Clone, Copy, Debug)]
struct Spelling {
    type_first: bool,
    id_last: bool,
    blanks: bool,
    /// One in so many texts has its first letter spelt by number; 0: none has.
    numbers: usize,
}

impl Spelling {
    fn write(self, value: &Value, out: &mut String) {
        let blank = if self.blanks { " " } else { "" };
        match value {
            Value::Object(entries) => {
                let mut keys: Vec<&String> = entries.keys().collect();
                keys.sort_by_key(|key| match key.as_str() {
                    "type" if self.type_first => 0,
                    "id" => {
                        if self.id_last {
                            3
                        } else {
                            1
                        }
                    }
                    _ => 2,
                });
                out.push('{');
                for (position, key) in keys.into_iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    out.push_str(blank);
                    self.write_text(key, out);
                    out.push_str(blank);
                    out.push(':');
                    out.push_str(blank);
                    self.write(&entries[key], out);
                }
                out.push('}');
            }
            Value::Array(items) => {
                out.push('[');
                for (position, item) in items.iter().enumerate() {
                    out.push_str(if position > 0 { "," } else { "" });
                    self.write(item, out);
                }
                out.push(']');
            }
            Value::String(text) => self.write_text(text, out),
            other => out.push_str(&other.to_string()),
        }
    }

    fn write_text(self, text: &str, out: &mut String) {
        match text.chars().next() {
            Some(first) if self.numbers > 0 && (out.len() + text.len()).is_multiple_of(self.numbers) => {
                let rest = Value::from(&text[first.len_utf8()..]).to_string();
                out.push_str(&format!("\"\\u{:04x}{}", u32::from(first), &rest[1..]));
            }
            _ => out.push_str(&Value::from(text).to_string()),
        }
    }
}

fn spellings() -> impl Strategy<Value = Spelling> {
    (
        prop::bool::weighted(0.8),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.2),
        prop_oneof![3 => Just(0), 1 => 1..9_usize],
    )
        .prop_map(|(type_first, id_last, blanks, numbers)| Spelling { type_first, id_last, blanks, numbers })
}

const KEYS: [&str; 8] = ["type", "to", "from", "room", "id", "data", "list", "say \"to\":"];
const TEXTS: [&str; 9] = ["offer", "answer", "join", "list", "u-1", "u-2", "room1", "room2", "\"to\":\"u-1\""];

fn texts() -> impl Strategy<Value = Value> {
    prop::sample::select(&TEXTS[..]).prop_map(Value::from)
}

fn frames() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![8 => texts(), 1 => Just(json!(7)), 1 => Just(Value::Null)];
    let inner = leaf.prop_recursive(3, 24, 5, |inner| {
        let keys = prop::sample::select(&KEYS[..]).prop_map(str::to_owned);
        prop_oneof![
            3 => prop::collection::btree_map(keys, inner.clone(), 0..5).prop_map(|entries| Value::Object(entries.into_iter().collect())),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::Array),
        ]
    });
    (
        prop::sample::select(&TEXTS[..4]),
        prop::collection::btree_map(prop::sample::select(&KEYS[1..]).prop_map(str::to_owned), inner, 0..5),
    )
        .prop_map(|(message_type, rest)| {
            let mut frame: Map<String, Value> = rest.into_iter().collect();
            frame.insert("type".to_owned(), message_type.into());
            Value::Object(frame)
        })
}

/// Patterns of `match`, as TOML.
fn patterns() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => prop::sample::select(&TEXTS[..8]).prop_map(|text| format!("'{text}'")),
        6 => prop::sample::select(&["'{me}'", "'{room}'", "'{x}'", "'{x?}'", "'{_}'", "'{absent}'", "'to-{room}'"][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let entry = (prop::sample::select(&["to", "from", "room", "id", "data", "list", "'{anywhere}'"][..]), inner.clone());
        prop_oneof![
            4 => prop::collection::btree_map(entry.clone().prop_map(|(key, _)| key), inner.clone(), 1..4).prop_map(table),
            1 => inner.clone().prop_map(|inner| format!("{{ '{{some}}' = {inner} }}")),
            1 => prop::collection::vec(inner, 1..3).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

fn table(entries: std::collections::BTreeMap<&str, String>) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, inner)| format!("{key} = {inner}")).collect();
    format!("{{ {} }}", entries.join(", "))
}

/// Files whose rules reply with their number; some depend on earlier frames.
fn files() -> impl Strategy<Value = String> {
    let key = prop::sample::select(&["to", "from", "room", "data", "list", "'{anywhere}'"][..]);
    let rule = (
        prop::option::weighted(0.8, prop::sample::select(&TEXTS[..4])),
        prop::collection::btree_map(key, patterns(), 0..3),
        0..4_u8,
    );
    prop::collection::vec(rule, 1..5).prop_map(|rules| {
        let mut file = "[vars]\ncount = 0\n".to_owned();
        for (number, (message_type, entries, when)) in rules.into_iter().enumerate() {
            let message_type = message_type.map(|message_type| format!("type = '{message_type}'"));
            let rest = entries.iter().map(|(key, inner)| format!("{key} = {inner}"));
            let entries: Vec<String> = message_type.into_iter().chain(rest).collect();
            file += &format!("[[on]]\nmatch = {{ {} }}\n", entries.join(", "));
            file += if when == 0 { "where = 'count != 1'\n" } else { "" };
            file += &format!("do = [{{ send = {{ rule = {number} }} }}, {{ set = {{ count = {} }} }}]\n", when % 2);
        }
        file
    })
}

/// All outputs; the kind of a frame for others is masked, since a look may know it better.
fn outputs_of(conversation: &mut dyn Conversation, now: Instant, frame: &str) -> Vec<Output> {
    conversation.handle(now, Input::Frame(frame));
    // A look that knows a frame to be for others leaves it unread, and notes nothing.
    let outputs = std::iter::from_fn(|| conversation.poll()).filter(|output| !transcript::is_note(output));
    outputs
        .map(|output| match output {
            Output::Frame { bytes, concern: Concern::Others, .. } => {
                Output::Frame { kind: FrameKind(0), bytes, concern: Concern::Others }
            }
            output => output,
        })
        .collect()
}

fn compare(file: &str, text: &str, frames: &[(Value, Spelling)]) -> Result<(), TestCaseError> {
    let me = PeerIdentity { id: "u-1".to_owned(), ..transcript::me(1) };
    let mut quick =
        read(file, text).unwrap_or_else(|problems| panic!("{text}\n{}", shown(&problems))).converse(me.clone());
    let mut thorough = without_looks(file, text).converse(me);
    let now = Instant::now();
    for conversation in [&mut quick, &mut thorough] {
        conversation.handle(now, Input::Open);
        WELCOMES.iter().for_each(|welcome| conversation.handle(now, Input::Frame(welcome)));
        while conversation.poll().is_some() {}
    }
    for (frame, spelling) in frames {
        let mut written = if frame.is_array() { "42" } else { "" }.to_owned();
        spelling.write(frame, &mut written);
        let (quick, thorough) = (outputs_of(&mut *quick, now, &written), outputs_of(&mut *thorough, now, &written));
        prop_assert_eq!(quick, thorough, "{}\n{}", written, text);
    }
    Ok(())
}

/// The frames by which servers tell a peer that it is there, and its id.
const WELCOMES: [&str; 3] = [r#"40{"sid":"u-1"}"#, r#"{"IdAssigned":"u-1"}"#, r#"{"type":"OPEN"}"#];

/// A join of the dashboard's, with those who were there.
fn joined(there: Value) -> Value {
    let data = json!({ "roomId": "room1", "userId": "u-2", "userName": "two", "existingParticipants": there });
    json!({ "type": "user-joined-room", "channel": "webrtc-dashboard-rooms", "sender": "u-2", "data": data })
}

/// Frames of the built-ins, of Socket.IO the events, with some texts exchanged for others.
fn known() -> impl Strategy<Value = Value> {
    let valid = super::frames().into_iter().map(|frame| frame.strip_prefix("42").unwrap_or(frame));
    let lists = [
        json!({ "type": "server-room-list", "rooms": [{ "id": "room2", "participants": [] }, { "id": "room1", "participants": [{ "id": "u-1" }, { "id": "u-2" }] }] }),
        joined(
            json!([{ "id": "u-2", "name": "two" }, { "id": "u-3" }, 7, { "id": "u-1", "name": "one" }, { "id": "u-3", "name": "three" }]),
        ),
        joined(json!([{ "name": "four", "id": "u-4" }, { "id": 5 }, { "id": "u-2", "name": "" }, ["u-1"]])),
        joined(json!("[{\"id\":\"u-1\"}]")),
        joined(json!({ "id": "u-1" })),
        json!({ "type": "publish", "topic": "room1", "data": { "type": "announce", "from": "u-2" } }),
        json!({ "type": "publish", "topic": "room1", "data": { "to": "u-1", "from": "u-2", "token": 1, "signal": { "type": "offer", "sdp": "v=0" } } }),
        json!({ "type": "candidate", "channel": "room1", "data": { "from": "u-2", "to": "u-1", "candidate": { "candidate": "c" } } }),
        json!({ "type": "join", "channel": "room1", "data": { "from": "u-2" } }),
        json!({ "type": "join", "room": "room1", "from": "u-2" }),
    ];
    let valid: Vec<Value> = valid.filter_map(|frame| serde_json::from_str(frame).ok()).chain(lists).collect();
    const WORDS: [&str; 6] = ["u-1", "u-2", "room1", "room2", "webrtc-signaling", "offer"];
    let exchanges = prop::collection::vec((0..12_usize, prop::sample::select(&WORDS[..])), 0..4);
    (prop::sample::select(valid), exchanges).prop_map(|(mut frame, exchanges)| {
        exchanges.into_iter().for_each(|(mut at, text)| exchange(&mut frame, &mut at, text));
        frame
    })
}

/// Exchanges the text number `at` of a value.
fn exchange(value: &mut Value, at: &mut usize, text: &str) {
    match value {
        Value::String(own) => {
            if *at == 0 {
                text.clone_into(own);
            }
            *at = at.wrapping_sub(1);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| exchange(item, at, text)),
        Value::Object(entries) => entries.values_mut().for_each(|item| exchange(item, at, text)),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_look_changes_nothing_but_the_time(file in files(), frames in prop::collection::vec((frames(), spellings()), 1..8)) {
        compare("made-up", &file, &frames)?;
    }
}

proptest! {
    #[test]
    fn a_look_changes_nothing_for_any_built_in(which in 0_usize..10, frames in prop::collection::vec((known(), spellings()), 1..12)) {
        let built_in = builtins()[which];
        compare(built_in.name, built_in.text, &frames)?;
    }
}
