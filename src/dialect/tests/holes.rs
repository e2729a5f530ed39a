//! Words of the language that one server or another needs, each with what goes over the wire.

use super::{Dialect, HttpAnswer, Input, Output, read, shown, transcript};
use crate::vocabulary::Reason;
use std::time::{Duration, Instant};

fn dialect(text: &str) -> Dialect {
    read("x.toml", text).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn problem(text: &str) -> String {
    read("x.toml", text).map_or_else(|problems| problems[0].to_string(), |_| panic!("nothing wrong: {text}"))
}

/// A room as `networked-aframe` deals it out: ids are keys, and the later one offers.
#[test]
fn an_object_whose_keys_are_ids_is_a_roster() {
    let text = r#"
        codec = "socketio"
        id = "server"
        [vars]
        mine = 0
        [say]
        offer = ["send", { to = "{peer}", sdp = "{sdp}" }]
        [[join]]
        expect = ["connect", { sid = "{sid}" }]
        set = { me = "{sid}" }
        [[join]]
        expect = ["connectSuccess", { joinedTime = "{at}" }]
        set = { mine = "{at}" }
        [[on]]
        match = ["occupantsChanged", { occupants = "{all}" }]
        peers = "{all}"
        each = "{at}"
        whole = true
        initiate = "at < mine"
        [[on]]
        match = ["members", "{all}"]
        peers = "{all}"
    "#;
    let talk = r#"
        A is a at 1
        A opens
        A<< 40{"sid":"A"}
        A known as A
        A<< 42["connectSuccess",{"joinedTime":20}]
        A hears joined
        A<< 42["occupantsChanged",{"occupants":{"A":20,"B":10,"C":30}}]
        A hears met B start initiate
        A hears met C start
        A<< 42["members",{"D":{"name":"d"}}]
        A hears met D start initiate
    "#;
    transcript::check(&dialect(text), talk);
}

#[test]
fn an_item_of_a_list_is_found_by_its_index() {
    let text = r#"
        [say]
        hello = { first = "{size}" }
        [[on]]
        match = { c = "{c}" }
        where = ["c.0 == 'join'", "'x' in c.2.names"]
        peer = "{c.1}"
        name = "{c.2.names.0}"
    "#;
    let talk = r#"
        A is a at 1
        A opens
        A known as a
        A hears joined
        A<< {"c":["join","b",{"names":["n","x"]}]}
        A hears met b initiate
        A<< {"c":["join","c",{"names":["n"]}]}
    "#;
    transcript::check(&dialect(text), talk);
}

#[test]
fn a_frame_has_several_records_each_with_its_end() {
    let text = "separator = \"\\u001e\"\n[say]\nshake = { protocol = \"json\" }\n[[join]]\nsay = \"shake\"\n\
                [[join]]\nexpect = {}\n[[on]]\nmatch = { type = 1, from = \"{from}\" }\npeer = \"{from}\"\n";
    let talk = "A is a at 1\nA opens\nA known as a\nA>> {\"protocol\":\"json\"}\u{1e}\n\
                A<< {}\u{1e}{\"type\":1,\"from\":\"b\"}\u{1e}{\"type\":1,\"from\":\"c\"}\u{1e}\n\
                A hears joined\nA hears met b initiate\nA hears met c initiate\n";
    let dialect = dialect(text);
    transcript::check(&dialect, talk);
    let mut conversation = dialect.converse(transcript::me(1));
    conversation.handle(Instant::now(), Input::Frame("{\"type\":1}\u{1e}{}\u{1e}"));
    let frames = std::iter::from_fn(|| conversation.poll());
    let bytes: Vec<u32> =
        frames.filter_map(|output| if let Output::Frame { bytes, .. } = output { Some(bytes) } else { None }).collect();
    assert_eq!(bytes, [10, 2]);
}

#[test]
fn null_is_written_and_compared() {
    let text = r#"
        initiate = false
        [say]
        answer = [ "{null}", { sdp = "{sdp}", candidate = "{null}" } ]
        [[on]]
        match = { type = "gone", of = "{of}" }
        where = "of != null"
        left = "{of}"
        [[on]]
        match = { type = "here", of = "{of}", reason = "{null}" }
        peer = "{of}"
    "#;
    let talk = r#"
        A is a at 1
        A opens
        A known as a
        A hears joined
        A<< {"type":"here","of":"c"}
        A<< {"type":"here","of":"c","reason":1}
        A<< {"type":"here","of":"b","reason":null}
        A hears met b start
        A says answer to b
        A>> [null,{"sdp":"v=0","candidate":null}]
        A<< {"type":"gone","of":null}
        A<< {"type":"gone","of":"b"}
        A hears left b
    "#;
    transcript::check(&dialect(text), talk);
    assert_eq!(problem("[say]\nx = \"a{null}\"\n"), "say.x: nothing is called \"null\" here (x.toml:2)");
    assert!(problem("[vars]\nnow_s = 1\n").starts_with("vars: \"now_s\" exists already"));
}

#[test]
fn a_part_of_a_text_may_be_anything() {
    let text = "codec = \"text\"\n[[on]]\nmatch = \"JOIN {_} {from}\"\npeer = \"{from}\"\n";
    let talk =
        "A is a at 1\nA opens\nA known as a\nA hears joined\nA<< JOIN 17 b\nA hears met b initiate\nA<< JOIN b\n";
    transcript::check(&dialect(text), talk);
    let touching = problem("codec = \"text\"\n[[on]]\nmatch = \"J{_}{from}\"\npeer = \"{from}\"\n");
    assert!(touching.contains("two holes with nothing between them"), "{touching}");
}

#[test]
fn frames_are_numbered_and_stamped_in_seconds() {
    let text = "[vars]\nfirst = 0\n[say]\njoin = [\"{ref|text}\", \"{ref}\", \"{now_s}\"]\n\
                beat = [\"{first}\", \"{ref}\"]\n[[join]]\nsay = \"join\"\n[[join]]\nset = { first = \"{ref}\" }\n\
                [[every]]\ninterval = \"2s\"\nsay = \"beat\"\n";
    let mut conversation = dialect(text).converse(transcript::me(1));
    let now = Instant::now();
    conversation.handle(now + Duration::from_secs(7), Input::Open);
    conversation.handle(now + Duration::from_secs(9), Input::Wake);
    let sent = std::iter::from_fn(|| conversation.poll());
    let sent: Vec<String> =
        sent.filter_map(|output| if let Output::Send { text, .. } = output { Some(text) } else { None }).collect();
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(["[\"1\",1,7]", "[\"1\",1,6]"].contains(&sent[0].as_str()), "{sent:?}");
    assert_eq!(sent[1], "[1,2]");
}

#[test]
fn cookies_are_one_header() {
    let text = "[connect]\ncookies = { sid = \"s-{index}\", lang = \"en\" }\nheaders = { X-A = \"1\" }\n";
    let connect = dialect(text).converse(transcript::me(3)).connect("ws://h/");
    let expected = [("X-A", "1"), ("Cookie", "sid=s-3; lang=en")].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(connect.headers, expected);
}

/// Socket.IO protocol 5: namespaces, the connect payload, acknowledgements both ways, several arguments.
#[test]
fn socket_io_in_a_namespace_with_auth_and_acknowledgements() {
    let text = r#"
        codec = "socketio"
        id = "server"
        [connect]
        namespace = "/rtc"
        auth = { token = "{token}", n = "{seat}" }
        [say]
        join = [7, "join", "{room}", "{my_name}"]
        [[join]]
        expect = ["connect", { sid = "{sid}" }]
        set = { me = "{sid}" }
        [[join]]
        say = "join"
        [[join]]
        expect = ["ack", 7, "{_}", "{count}"]
        [[on]]
        match = ["offer", "{from}", "{sdp}"]
        do = [{ offer = "{from}" }, { ack = ["ok", "{from}"] }]
        [[on]]
        match = ["connect_error", { message = "{why}" }]
        error = "{why}"
    "#;
    let talk = r#"
        A is a at 1
        A opens
        A<< 0{"sid":"x","pingInterval":25000}
        A>> 40/rtc,{"token":"","n":1}
        A<< 40/rtc,{"sid":"A"}
        A known as A
        A>> 42/rtc,7["join","room1","peer 1"]
        A<< 2
        A>> 3
        A<< 42/chat,["offer","B","v=0"]
        A<< 43/rtc,7[null,2]
        A hears joined
        A<< 42/rtc,12["offer","B","v=0"]
        A hears offer from B
        A>> 43/rtc,12["ok","B"]
        A<< 42/rtc,["offer","C","v=0"]
        A hears offer from C
        A<< 44/rtc,{"message":"no"}
        A hears refused no
    "#;
    transcript::check(&dialect(text), talk);
    let problems =
        read("x.toml", "[connect]\nauth = 1\nnamespace = \"rtc\"\n[[on]]\nmatch = {}\nack = []\n").unwrap_err();
    let problems = shown(&problems);
    for expected in
        ["connect.auth: is of codec = \"socketio\" (x.toml:2)", "\"rtc\" is no namespace", "on[0]: ack is of codec"]
    {
        assert!(problems.contains(expected), "{problems}");
    }
}

#[test]
fn engine_io_3_is_refused_by_its_name_at_once() {
    let talk = r#"
        A is a at 1
        A opens
        A<< 0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":5000}
        A>> 40
        A<< 40
        A hears refused Engine.IO 3 (Socket.IO 2); meshload speaks Engine.IO 4 (Socket.IO 3 and 4)
    "#;
    transcript::check(&Dialect::named("socketio-addpeer").unwrap(), talk);
}

#[test]
fn a_hole_that_compares_where_its_value_is_wanted_is_told() {
    assert_eq!(
        problem("id = \"server\"\n[[join]]\nexpect = { id = \"{me}\" }\n"),
        "join[0].expect: {me} is compared before any step sets it, so nothing fits; bind another name, such as \
         {given}, and set = { me = \"{given}\" } (x.toml:3)"
    );
    let own = "[vars]\ncode = \"\"\n[[on]]\nmatch = { code = \"{code}\" }\nset = { code = \"{code}\" }\n";
    assert!(problem(own).starts_with("on[0].match: {code} is known already, so it compares"), "{}", problem(own));
    let filtered = "[[on]]\nmatch = { to = \"{me|int}\" }\nignore = true\n";
    assert!(problem(filtered).contains("so it compares, and filters nothing"), "{}", problem(filtered));
    let fine = dialect("[[join]]\nexpect = { type = \"in\", room = \"{room}\" }\n");
    let remarks: Vec<String> = fine.remarks().iter().map(ToString::to_string).collect();
    assert_eq!(remarks, ["join[0].expect: {room} is known, so it is compared, and not taken (x.toml:2)"]);
}

/// A login, a ticket out of its answer, a cookie, and what a wrong answer is called.
#[test]
fn http_comes_before_the_connection_once_a_peer() {
    let text = "[vars]\nticket = \"\"\nplace = \"\"\n[[before]]\nurl = \"{http}/login?room={room}\"\n\
                headers = { X-Seat = \"{seat}\" }\nbody = { user = \"{my_name}\" }\n\
                expect = { ticket = \"{given}\" }\nexpect_headers = { location = \"/at/{there}\" }\n\
                set = { ticket = \"{given}\", place = \"{there}\" }\n\
                [connect]\nurl = \"{base}/{place}?t={ticket}\"\n[say]\nhello = [\"{ticket}\"]\n[[join]]\nsay = \"hello\"\n";
    let dialect = dialect(text);
    let me = transcript::me(1);
    let mut conversation = dialect.converse(me.clone());
    let mut preparation = conversation.preparation().unwrap();
    let base = "wss://h:1/x/";
    let request = preparation.request(base).unwrap();
    assert_eq!((request.method, request.url.as_str()), ("POST", "https://h:1/x/login?room=room1"));
    assert_eq!(request.headers, [("X-Seat".to_owned(), "1".to_owned())]);
    assert_eq!(request.body.as_deref(), Some("{\"user\":\"peer 1\"}"));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut answer = HttpAnswer { status: 401, ..HttpAnswer::default() };
    let refused = preparation.answer(base, &answer).unwrap_err();
    assert_eq!((refused.reason, &*refused.detail), (Reason::Rejected, "HTTP 401 to POST of [[before]] (x.toml:4)"));
    (answer.status, answer.body) = (200, "{\"tickets\":1}".to_owned());
    let other = preparation.answer(base, &answer).unwrap_err();
    assert!(other.detail.contains("(x.toml:4) is another than expected: {tickets}"), "{other}");
    answer.body = "{\"ticket\":\"t 7\"}".to_owned();
    answer.headers = vec![header("set-cookie", "sid=1; Path=/"), header("location", "/at/home")];
    preparation.answer(base, &answer).unwrap();
    assert_eq!(preparation.request(base), None);
    let connect = preparation.connect(base);
    assert_eq!((connect.url.as_str(), connect.headers), ("wss://h:1/x/home?t=t%207", vec![header("Cookie", "sid=1")]));
    conversation.handle(me.epoch.0, Input::Open);
    let sent: Vec<Output> = std::iter::from_fn(|| conversation.poll()).collect();
    assert!(sent.iter().any(|output| matches!(output, Output::Send { text, .. } if text == "[\"t 7\"]")), "{sent:?}");
    // Another socket of the same peer asks nothing again, and has the same values.
    assert_eq!(dialect.converse(me).preparation().unwrap().request(base), None);
    assert!(problem("[[before]]\nmethod = \"post\"\nurl = \"{http}/\"\n").contains("did you mean POST?"));
    assert!(problem("[[before]]\nbody = 1\n").contains("needs a url, such as url = \"{http}/login\""));
}
