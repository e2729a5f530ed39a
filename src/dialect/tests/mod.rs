//! The language and its built-ins, on transcripts that are data.

mod dashboard;
mod flaws;
mod holes;
mod prefilter;
mod transcript;
mod transports;

use super::*;
use crate::vocabulary::Heard;
use proptest::prelude::*;
use std::time::{Duration, Instant};

#[test]
fn every_built_in_reads() {
    for built_in in builtins() {
        if let Err(problems) = read(built_in.name, built_in.text) {
            panic!("{}:\n{}", built_in.name, shown(&problems));
        }
        assert_eq!(built_in.dialect().name(), built_in.name);
        assert!(!built_in.dialect().sample().is_empty() && !built_in.dialect().description().is_empty());
    }
    assert_eq!(names().filter(|name| Dialect::named(name).is_some_and(|dialect| dialect.name() == *name)).count(), 10);
}

/// Transcripts of real servers and of docs/spec/protocol.md.
#[test]
fn built_ins_say_and_understand_what_their_servers_do() {
    let check = |name: &str, text: &str| transcript::check(&Dialect::named(name).unwrap(), text);
    check("dashboard", include_str!("transcripts/dashboard.txt"));
    check("peerjs", include_str!("transcripts/peerjs.txt"));
    check("y-webrtc", include_str!("transcripts/y-webrtc.txt"));
    check("socketio-addpeer", include_str!("transcripts/socketio-addpeer.txt"));
    check("simple-signal", include_str!("transcripts/simple-signal.txt"));
    check("webtorrent-tracker", include_str!("transcripts/webtorrent-tracker.txt"));
    check("matchbox", include_str!("transcripts/matchbox.txt"));
    check("relay", include_str!("transcripts/relay.txt"));
    check("relay-global", include_str!("transcripts/relay.txt"));
}

#[test]
fn a_board_is_kept_only_for_dialects_whose_peers_read_it() {
    let without: Vec<&str> = names().filter(|name| !Dialect::named(name).unwrap().needs_id_exchange()).collect();
    assert_eq!(without, ["dashboard", "y-webrtc", "relay", "relay-global", "relay-open"]);
}

/// `meshload run` counts by these names.
#[test]
fn sayings_of_one_kind_are_counted_together() {
    let dashboard = Dialect::named("dashboard").unwrap();
    let subscribe = dashboard.kinds().iter().filter(|kind| kind.starts_with("subscribe")).count();
    assert_eq!(subscribe, 1, "{:?}", dashboard.kinds());
    let problems = read("x.toml", "[say]\njoin = {}\n[kinds]\njoni = \"hello\"\n").unwrap_err();
    assert_eq!(problems[0].to_string(), "kinds: no key is called \"joni\"; did you mean join? (x.toml:4)");
}

#[test]
fn a_new_protocol_needs_no_line_of_rust() {
    let dialect =
        read("made-up.toml", include_str!("made-up.toml")).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
    transcript::check(&dialect, include_str!("transcripts/made-up.txt"));
}

#[test]
fn a_server_that_does_not_say_what_is_expected_ends_the_join_in_time() {
    let dialect = read("made-up.toml", include_str!("made-up.toml")).unwrap();
    let mut conversation = dialect.converse(transcript::me(1));
    let now = Instant::now();
    conversation.handle(now, Input::Open);
    assert_eq!(conversation.wake_at(), Some(now + Duration::from_secs(3)));
    conversation.handle(now + Duration::from_micros(2_999_999), Input::Wake);
    assert_eq!(conversation.poll(), None);
    conversation.handle(now + Duration::from_secs(3), Input::Wake);
    assert!(matches!(conversation.poll(), Some(Output::Heard(Heard::Refused(_)))));
    assert_eq!(conversation.wake_at(), None);
}

#[test]
fn ids_and_tokens_go_into_the_url_encoded() {
    let check = |name: &str, base: &str, room: &str, expected: &str| {
        let me = PeerIdentity { id: "a b".to_owned(), room: room.to_owned(), ..transcript::me(0) };
        let url = Dialect::named(name).unwrap().converse(me).connect(base).url;
        assert!(url.starts_with(expected), "{url}");
    };
    check("peerjs", "ws://h:1/peerjs", "r", "ws://h:1/peerjs?key=peerjs&id=a%20b&token=");
    check("peerjs", "ws://h:1/peerjs?x=1", "r", "ws://h:1/peerjs?x=1&key=peerjs&id=a%20b&token=");
    check("matchbox", "ws://h:1/", "a/b", "ws://h:1/a%2Fb");
    check("dashboard", "ws://h:1/ws/", "r", "ws://h:1/ws/");
}

#[test]
fn a_wrong_file_gets_every_problem_at_once() {
    let problems = read("wrong.toml", include_str!("wrong.toml")).unwrap_err();
    insta::assert_snapshot!(shown(&problems));
    let problems = read("wrong.toml", "name = \nx = 1\ny = = 2\n").unwrap_err();
    assert!(problems.iter().any(|problem| problem.at == "wrong.toml:1") && problems.len() >= 2, "{problems:?}");
}

fn shown(problems: &[Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n")).collect()
}

/// Valid frames of the built-ins, as a base for broken ones.
fn frames() -> Vec<&'static str> {
    let transcripts = [
        include_str!("transcripts/dashboard.txt"),
        include_str!("transcripts/peerjs.txt"),
        include_str!("transcripts/y-webrtc.txt"),
        include_str!("transcripts/relay.txt"),
        include_str!("transcripts/socketio-addpeer.txt"),
        include_str!("transcripts/simple-signal.txt"),
        include_str!("transcripts/webtorrent-tracker.txt"),
        include_str!("transcripts/matchbox.txt"),
    ];
    transcripts
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| line.split_once("<< ").map(|(_, frame)| frame))
        .collect()
}

/// The notes of a conversation about frames: shape, and nearest rule.
fn notes(dialect: &Dialect, frames: &[&str]) -> Vec<(String, String)> {
    let mut conversation = dialect.converse(transcript::me(1));
    let now = Instant::now();
    conversation.handle(now, Input::Open);
    frames.iter().for_each(|frame| conversation.handle(now, Input::Frame(frame)));
    let outputs = std::iter::from_fn(|| conversation.poll());
    outputs
        .filter_map(|output| match output {
            Output::Note(note) => {
                let near = note.near.as_ref().map(|near| format!("{} {}", near.at, near.why));
                Some((note.shape.clone(), near.unwrap_or_default()))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_frame_that_no_rule_takes_is_noted_with_the_nearest_rule_and_one_for_others_is_not() {
    let relay = Dialect::named("relay").unwrap();
    let frame = |kind: &str, to: &str| {
        format!(r#"{{"type":"{kind}","channel":"room-0","data":{{"from":"x","to":"{to}","sdp":"v=0"}}}}"#)
    };
    assert_eq!(notes(&relay, &[&frame("offer", "another")]), []);
    let found = notes(&relay, &[&frame("offfer", "another")]);
    assert_eq!(found[0].0, "{channel,data:{from,sdp,to},type:\"offfer\"}");
    assert!(found[0].1.contains("type is \"offfer\", where \"offer\" is expected"), "{found:?}");
    // Frames of one shape are noted one by one and told once.
    assert_eq!(notes(&relay, &[&frame("hello", "a"), &frame("hello", "b")]).len(), 2);
}

#[test]
fn a_null_is_the_end_of_candidates_only_where_the_frame_itself_has_it() {
    let text = |value: &str| {
        format!(
            "name = \"x\"\n[[join]]\nwait = \"0s\"\n[[on]]\nmatch = {{ from = \"{{from}}\", c = \"{{candidate}}\" }}\n\
             candidate = \"{{from}}\"\nvalue = \"{value}\"\n"
        )
    };
    let check = |value: &str, frame: &str, noted: usize| {
        let dialect = read("x.toml", &text(value)).unwrap_or_else(|problems| panic!("{}", shown(&problems)));
        assert_eq!(notes(&dialect, &[frame]).len(), noted, "{value} {frame}");
    };
    check("{candidate}", r#"{"from":"p","c":null}"#, 0);
    check("{candidate.line}", r#"{"from":"p","c":{"lime":"candidate:1"}}"#, 1);
    check("{candidate.line}", r#"{"from":"p","c":{"line":"candidate:1"}}"#, 0);
}

#[test]
fn a_join_that_stops_tells_its_step_what_it_waits_for_and_what_came() {
    let dialect = Dialect::named("peerjs").unwrap();
    let mut conversation = dialect.converse(transcript::me(1));
    let now = Instant::now();
    conversation.handle(now, Input::Open);
    conversation.handle(now, Input::Frame(r#"{"type":"WELCOME","token":"abc"}"#));
    let told = conversation.waits_for().unwrap();
    assert!(told.starts_with("step 1 of the join (peerjs:"), "{told}");
    assert!(told.ends_with(r#"waits for {type:"OPEN"}; came instead: {token,type:"WELCOME"}"#), "{told}");
    conversation.handle(now, Input::Frame(r#"{"type":"OPEN"}"#));
    assert_eq!(conversation.waits_for(), None);
}

proptest! {
    #[test]
    fn no_frame_makes_a_conversation_panic(garbage in ".{0,200}", pick in 0_usize..1_000, cut in 0_usize..400, to in 0_usize..10) {
        let known = frames();
        let frame = known[pick % known.len()];
        let cut = (0..=cut.min(frame.len())).rev().find(|at| frame.is_char_boundary(*at)).unwrap_or(0);
        let spoilt = format!("{}{garbage}{}", &frame[..cut], &frame[cut..]);
        let mut conversation = builtins()[to].dialect().converse(transcript::me(1));
        conversation.handle(Instant::now(), Input::Open);
        for text in [garbage.as_str(), &frame[..cut], &spoilt, frame] {
            while conversation.poll().is_some() {}
            conversation.handle(Instant::now(), Input::Frame(text));
            prop_assert!(matches!(conversation.poll(), Some(Output::Frame { .. })), "{text}");
        }
    }

    #[test]
    fn no_file_makes_the_reader_panic(garbage in ".{0,40}", cut in 0_usize..20_000, which in 0_usize..10) {
        let text = builtins()[which].text;
        let cut = (0..=cut.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let _outcome = read("x", &format!("{}{garbage}{}", &text[..cut], &text[cut..]));
    }
}
