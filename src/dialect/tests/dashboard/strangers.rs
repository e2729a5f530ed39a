//! Places in the roster, replies, and the lengths of ids and names: what a server says costs a bounded answer.

use super::*;

/// A room of eight peers of this run, `t-00` to `t-07`, seen by `t-01`; the room of `t-08` is another.
fn of_this_run(guests: u16) -> Fixture {
    Fixture::entered(|me| {
        me.naming = Naming::new("t", 16);
        (me.id, me.index, me.guests) = ("t-01".into(), 1, guests);
    })
}

fn entries(ids: impl Iterator<Item = String>) -> String {
    ids.map(|id| format!(r#"{{"id":"{id}","name":""}}"#)).collect::<Vec<_>>().join(",")
}

fn strangers() -> String {
    entries((0..200).map(|index| format!("stranger-{index}")))
}

fn left(user: &str) -> String {
    envelope("user-left-room", ROOMS, user, &format!(r#"{{"roomId":"r","userId":"{user}"}}"#))
}

#[test]
fn a_peer_of_the_run_has_a_place_however_many_strangers_are_named() {
    let mut fixture = of_this_run(0);
    let met = ["mine, from t-00", "say user-joined-room", "met t-00, start", "nonsense"];
    fixture.check(&user_joined("t-00", &strangers()), &met);
    // Each is answered once, and the strangers' list is told once.
    for _ in 0..3 {
        fixture.check(&user_joined("t-00", &strangers()), &["mine, from t-00"]);
    }
    fixture.check(&user_joined("t-07", ""), &["mine, from t-07", "met t-07, start, offer"]);
}

#[test]
fn who_has_no_place_gets_no_word_and_is_passed_on_to_nobody() {
    let mut fixture = of_this_run(0);
    for stranger in ["stranger", "t-08", "t-99"] {
        fixture.check(&user_joined(stranger, ""), &[&format!("mine, from {stranger}"), "nonsense"]);
        fixture.check(&left(stranger), &[&format!("mine, from {stranger}")]);
    }
    fixture.check(
        &user_joined("t-00", &strangers()),
        &["mine, from t-00", "say user-joined-room", "met t-00, start", "nonsense"],
    );
    fixture.pass(Duration::from_secs(1));
    fixture.check(&left("t-00"), &["mine, from t-00", "left t-00"]);
    let said = fixture.tell(Input::Frame(&user_joined("t-00", "")));
    let text = said.iter().find_map(|output| if let Output::Send { text, .. } = output { Some(text) } else { None });
    assert!(text.unwrap().contains(r#""existingParticipants":[{"id":"t-00","name":""}]"#), "{text:?}");
}

#[test]
fn guests_have_as_many_places_as_were_planned_and_a_gone_one_is_given_on() {
    let mut fixture = of_this_run(2);
    for guest in ["ann", "bob"] {
        fixture.check(
            &user_joined(guest, ""),
            &[&format!("mine, from {guest}"), "say user-joined-room", &format!("met {guest}, start")],
        );
    }
    fixture.check(&user_joined("eve", ""), &["mine, from eve", "nonsense"]);
    fixture.check(&left("ann"), &["mine, from ann", "left ann"]);
    fixture.pass(Duration::from_secs(1));
    fixture.check(&user_joined("eve", ""), &["mine, from eve", "say user-joined-room", "met eve, start"]);
    fixture.tell(Input::Gone { id: "bob" });
    fixture.check(&user_joined("dan", ""), &["mine, from dan", "say user-joined-room", "met dan, start"]);
    fixture.check(&user_joined("ann", ""), &["mine, from ann", "nonsense"]);
}

#[test]
fn an_id_that_the_server_gave_a_peer_of_the_room_has_a_place() {
    let mut fixture = of_this_run(0);
    fixture.check(&user_joined("4711", ""), &["mine, from 4711", "nonsense"]);
    fixture.tell(Input::Named { id: "4711" });
    fixture.check(&user_joined("4711", ""), &["mine, from 4711", "say user-joined-room", "met 4711, start"]);
    fixture.tell(Input::Back { id: "4711" });
    fixture.check(&user_joined("4711", ""), &["mine, from 4711", "nonsense"]);
}

#[test]
fn a_pair_is_answered_at_most_once_a_second_however_often_it_leaves_and_comes() {
    let mut fixture = of_this_run(0);
    let answered = ["mine, from t-00", "say user-joined-room", "met t-00, start"];
    let silent = ["mine, from t-00", "met t-00, start"];
    fixture.check(&user_joined("t-00", ""), &answered);
    for _ in 0..100 {
        fixture.check(&left("t-00"), &["mine, from t-00", "left t-00"]);
        fixture.check(&user_joined("t-00", ""), &silent);
    }
    fixture.pass(Duration::from_secs(1) - Duration::from_micros(1));
    fixture.check(&left("t-00"), &["mine, from t-00", "left t-00"]);
    fixture.check(&user_joined("t-00", ""), &silent);
    fixture.pass(Duration::from_micros(1));
    fixture.check(&left("t-00"), &["mine, from t-00", "left t-00"]);
    fixture.check(&user_joined("t-00", ""), &answered);
    // A peer that the run itself brings back is no repetition.
    fixture.tell(Input::Back { id: "t-00" });
    fixture.check(&user_joined("t-00", ""), &answered);
}

#[test]
fn strangers_that_come_and_go_are_answered_no_more_often_than_the_room_has_places() {
    let mut fixture = of_this_run(1);
    let mut replies = 0;
    for index in 0..1_000 {
        let guest = format!("guest-{index}");
        let outputs = fixture.tell(Input::Frame(&user_joined(&guest, "")));
        replies += outputs.iter().filter(|output| matches!(output, Output::Send { .. })).count();
        fixture.tell(Input::Frame(&left(&guest)));
    }
    assert_eq!(replies, 9);
}

#[test]
fn an_id_or_name_of_the_greatest_length_is_taken_and_a_longer_one_is_nonsense() {
    let longest = "a".repeat(256);
    let mut fixture = of_this_run(9);
    fixture.check(
        &user_joined(&longest, ""),
        &[&format!("mine, from {longest}"), "say user-joined-room", &format!("met {longest}, start")],
    );
    fixture.check(&user_joined(&format!("{longest}a"), ""), &["mine", "nonsense"]);
    let entry = |id: &str, name: &str| format!(r#"{{"id":"{id}","name":"{name}"}}"#);
    let listed = |id: &str, name: &str| user_joined("t-00", &[entry(id, name), entry("t-01", "")].join(","));
    let mut fixture = of_this_run(9);
    fixture.check(
        &listed("t-02", &longest),
        &["mine, from t-00", "say user-joined-room", "met t-00, start", "met t-02, start, offer"],
    );
    fixture.check(&listed(&format!("{longest}a"), ""), &["mine, from t-00", "nonsense"]);
    fixture.check(&listed("t-03", &format!("{longest}a")), &["mine, from t-00", "met t-03, start, offer", "nonsense"]);
    fixture.pass(Duration::from_secs(1));
    fixture.tell(Input::Frame(&left("t-00")));
    let said = fixture.tell(Input::Frame(&user_joined("t-00", "")));
    let text = said.iter().find_map(|output| if let Output::Send { text, .. } = output { Some(text) } else { None });
    assert!(text.is_some_and(|text| text.len() < 2 * 256 + 600 && text.contains(&longest)), "{text:?}");
}

#[test]
fn the_word_of_a_refusal_is_cut() {
    let frame =
        |reason: &str| format!(r#"{{"type":"join-rejected","roomId":"r","userId":"t-01","reason":"{reason}"}}"#);
    let outputs = of_this_run(0).tell(Input::Frame(&frame(&"é".repeat(100_000))));
    let Some(Output::Heard(Heard::Refused(failure))) = outputs.last() else { panic!("{outputs:?}") };
    assert_eq!(failure.detail, format!("{}…", "é".repeat(100)));
}
