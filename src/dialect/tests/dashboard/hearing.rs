//! Received frames of a joined peer, and the outputs that follow.

use super::*;

fn signal(kind: &str, from: &str, to: &str, body: &str) -> String {
    let data = format!(r#"{{"roomId":"r","fromUserId":"{from}","toUserId":"{to}",{body}}}"#);
    envelope(kind, SIGNALING, from, &data)
}

fn offer(from: &str, to: &str, sdp: &str) -> String {
    signal("webrtc-offer", from, to, &format!(r#""offer":{{"type":"offer","sdp":"{sdp}"}}"#))
}

fn candidate(body: &str) -> String {
    signal("webrtc-ice", "a", "b", &format!(r#""candidate":{body}"#))
}

#[test]
fn whoever_is_met_first_offers_as_the_initiator_says() {
    let check = |initiator: Initiator, frames: &[(&str, &[&str])]| {
        let mut fixture = Fixture::entered(|me| me.initiator = initiator);
        for (frame, expected) in frames {
            fixture.check(frame, expected);
        }
    };
    check(Initiator::LowerId, &[(&user_joined("c", ""), &["mine, from c", "met c, start, offer"])]);
    check(Initiator::LowerId, &[(&user_joined("a", ""), &["mine, from a", "say user-joined-room", "met a, start"])]);
    // A join that is heard is a newcomer's; one that names us answers ours.
    check(Initiator::Existing, &[(&user_joined("a", ""), &["mine, from a", "met a, start, offer"])]);
    let reply = user_joined("c", r#"{"id":"b","name":"Bea"}"#);
    check(Initiator::Existing, &[(&reply, &["mine, from c", "say user-joined-room", "met c, start"])]);
    check(Initiator::Newcomer, &[(&user_joined("c", ""), &["mine, from c", "say user-joined-room", "met c, start"])]);
    check(Initiator::Newcomer, &[(&reply, &["mine, from c", "met c, start, offer"])]);
}

#[test]
fn two_that_took_each_other_for_the_newcomer_both_offer_when_the_answers_cross() {
    let mut fixture = Fixture::entered(|me| (me.trigger, me.initiator) = (Trigger::PeerReady, Initiator::Newcomer));
    fixture.check(&user_joined("c", ""), &["mine, from c", "met c"]);
    fixture.check(&peer_ready("c"), &["mine, from c", "say peer-ready", "met c, start"]);
    fixture.check(&peer_ready("c"), &["mine, from c", "met c, start, offer"]);
}

#[test]
fn the_order_of_a_list_outweighs_the_order_of_messages() {
    let mut fixture = Fixture::entered(|me| me.initiator = Initiator::Existing);
    fixture.check(&list(&["b"]), &["mine"]);
    // Mentioned by another message than its join, the peer counts as one that was there before.
    fixture.check(&participant_joined("c"), &["mine, from c", "met c"]);
    fixture.check(&user_joined("c", ""), &["mine, from c", "met c, start"]);
    fixture.check(&list(&["b", "c"]), &["mine", "met c, start, offer"]);
}

#[test]
fn a_newcomers_list_starts_its_edges_and_a_later_one_only_with_room_list() {
    for trigger in Trigger::ALL {
        let mut fixture = Fixture::entered(|me| me.trigger = trigger);
        fixture.check(&list(&["a", "b"]), &["mine", "met a, start"]);
        let later = if trigger == Trigger::RoomList { "met c, start, offer" } else { "met c, offer" };
        fixture.check(&list(&["a", "b", "c"]), &["mine", later]);
        fixture.check(&list(&["a", "b", "c"]), &["mine"]);
    }
}

#[test]
fn a_reply_names_others_and_starts_their_edges_too() {
    let existing = r#"{"id":"b","name":"Bea"},{"id":"c","name":"Cleo"}"#;
    let reply = ["mine, from a", "say user-joined-room", "met a, start", "met c, start, offer"];
    Fixture::entered(|_| {}).check(&user_joined("a", existing), &reply);
    let newcomer = ["mine, from a", "say user-joined-room", "met a, start", "met c, offer"];
    Fixture::entered(|_| {}).check(&user_joined("a", r#"{"id":"c","name":"Cleo"}"#), &newcomer);
}

#[test]
fn a_list_without_our_room_is_for_others_however_it_is_written() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&list(&["a", "b"]).replace(r#""id":"r""#, r#""id":"q""#), &["for others"]);
    fixture.check(&list(&["a", "b"]).replace(':', ": "), &["mine", "met a, start"]);
    fixture.check(r#"{"type":"server-room-list","channel":"webrtc-dashboard-rooms","rooms":[]}"#, &["for others"]);
}

#[test]
fn a_goodbye_is_noticed_once_and_a_strangers_is_not() {
    let mut fixture = Fixture::entered(|_| {});
    let left = envelope("user-left-room", ROOMS, "c", r#"{"roomId":"r","userId":"c"}"#);
    fixture.check(&left, &["mine, from c"]);
    fixture.check(&user_joined("c", ""), &["mine, from c", "met c, start, offer"]);
    let data = r#"{"roomId":"r","participant":{"id":"c","name":"U","leftAt":1}}"#;
    fixture.check(&envelope("participant-left", CHAT, "c", data), &["mine, from c", "left c"]);
    fixture.check(&left, &["mine, from c"]);
}

#[test]
fn the_right_message_on_another_channel_is_evidence_and_changes_nothing() {
    let mut fixture = Fixture::entered(|me| me.trigger = Trigger::PeerReady);
    for channel in [ROOMS, ACCESS, "webrtc-chat-v2", ""] {
        let ready = peer_ready("c").replace(CHAT, channel);
        fixture.check(&ready, &[r#"elsewhere, from Some("c")"#]);
    }
    fixture.check(&peer_ready("c"), &["mine, from c", "met c, start, offer"]);
}

#[test]
fn a_type_that_the_protocol_does_not_have_is_for_nobody_in_particular() {
    let strange = envelope("webrtc-renegotiate", SIGNALING, "c", r#"{"roomId":"r","toUserId":"b"}"#);
    Fixture::entered(|_| {}).check(&strange, &["for others"]);
}

#[test]
fn what_changes_nothing_is_for_this_room_all_the_same() {
    let mut fixture = Fixture::entered(|_| {});
    let created = envelope("room-created", ROOMS, "c", r#"{"id":"r","name":"R","host":"C","hostId":"c"}"#);
    fixture.check(&created, &["mine, from c"]);
    fixture.check(&created.replace(r#""id":"r""#, r#""id":"q""#), &["for others"]);
    fixture.check(&envelope("room-removed", ROOMS, "c", r#"{"roomId":"r"}"#), &["mine, from c"]);
    // The frame met no peer.
    fixture.check(&envelope("user-left-room", ROOMS, "c", r#"{"roomId":"r","userId":"c"}"#), &["mine, from c"]);
}

#[test]
fn our_own_words_come_back_without_effect() {
    let mut fixture = Fixture::before(|_| {});
    let said = fixture.tell(Input::Open);
    for output in &said {
        if let Output::Send { text, .. } = output
            && !text.contains("subscribe")
        {
            fixture.check(text, &["for others"]);
        }
    }
}

#[test]
fn a_sender_is_a_tab_and_the_user_is_named_in_the_data() {
    let mut fixture = Fixture::entered(|_| {});
    let from_tab = |frame: String| frame.replace(r#""sender":"c""#, r#""sender":"tab-k3j9x0a1b-1763712345678""#);
    fixture.check(&from_tab(user_joined("c", "")), &["mine, from c", "met c, start, offer"]);
    fixture.check(&from_tab(offer("c", "b", "v=0")), &["mine, from c", "offer of c, polite"]);
    let left = envelope("user-left-room", ROOMS, "c", r#"{"roomId":"r","userId":"c"}"#);
    fixture.check(&from_tab(left), &["mine, from c", "left c"]);
}

#[test]
fn the_servers_own_frames_are_for_nobody_in_particular() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(r#"{"type":"client_count","count":3,"timestamp":"2025-11-21T08:05:45.678Z"}"#, &["for others"]);
    fixture.check(r#"{ "type": "client_count", "count": 3 }"#, &["for others"]);
    fixture.check(r#"{"type":"pong","timestamp":"2025-11-21T08:05:45.678Z"}"#, &["for others"]);
    fixture.check(r#"{"type":"echo","original":"x","timestamp":1763712345678}"#, &["for others"]);
}

#[test]
fn a_timestamp_may_be_a_number_or_text_or_absent() {
    let joined = user_joined("c", "");
    for timestamp in [r#""timestamp":"2025-11-21T08:05:45.678Z","#, r#""timestamp":1.5,"#, ""] {
        let frame = joined.replace(r#""timestamp":1763712345678,"#, timestamp);
        Fixture::entered(|_| {}).check(&frame, &["mine, from c", "met c, start, offer"]);
    }
}

#[test]
fn a_rejected_join_is_heard_in_both_shapes_and_not_said_again() {
    let check = |frame: &str| {
        let mut fixture = Fixture::entered(|_| {});
        fixture.check(&frame.replace("WHO", "c"), &["for others"]);
        fixture.check(&frame.replace("WHO", "b"), &["mine", "refused: join rejected (DUPLICATE_USERNAME)"]);
        fixture.check(&list(&["a"]), &["mine", "met a, start"]);
    };
    check(
        r#"{"type":"join-rejected","channel":"webrtc-dashboard-access","message":"taken","roomId":"r","userId":"WHO","reason":"DUPLICATE_USERNAME","timestamp":"2025-11-21T08:05:45.678Z"}"#,
    );
    let data = r#"{"roomId":"r","userId":"WHO","userName":"U","reason":"DUPLICATE_USERNAME"}"#;
    check(&envelope("join-rejected", ACCESS, "a", data));
}

#[test]
fn a_frame_for_another_peer_or_room_is_dropped_by_look_and_by_parsing_alike() {
    let mut fixture = Fixture::entered(|_| {});
    for frame in [offer("a", "c", "v=0"), user_joined("c", "").replace(r#""roomId":"r""#, r#""roomId":"q""#)] {
        fixture.check(&frame, &["for others"]);
        fixture.check(&frame.replace(':', ": "), &["for others"]);
    }
    let text = r#"an sdp that quotes \"toUserId\":\"c\""#;
    fixture.check(&offer("a", "b", text), &["mine, from a", "offer of a"]);
}

#[test]
fn the_lower_id_is_the_polite_one() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&offer("a", "b", "v=0"), &["mine, from a", "offer of a"]);
    fixture.check(&offer("c", "b", "v=0"), &["mine, from c", "offer of c, polite"]);
}

#[test]
fn a_candidate_that_is_null_or_empty_is_the_last() {
    let mut fixture = Fixture::entered(|_| {});
    let end = ["mine, from a", "end of candidates of a"];
    fixture.check(&candidate("null"), &end);
    fixture.check(&candidate(r#"{"candidate":"","sdpMid":"0","sdpMLineIndex":0}"#), &end);
    fixture.check(
        &candidate(r#"{"candidate":"candidate:1 1 udp 1 127.0.0.1 9 typ host"}"#),
        &["mine, from a", "candidate of a"],
    );
}

#[test]
fn a_description_of_any_length_is_passed_on_for_the_intake_to_judge() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&offer("a", "b", &"x".repeat(100_000)), &["mine, from a", "offer of a"]);
    fixture.check(&signal("webrtc-answer", "a", "b", r#""offer":{"sdp":"v=0"}"#), &["mine, from a", "answer of a"]);
    fixture.check("not JSON", &["mine", "nonsense"]);
}

#[test]
fn who_was_listed_and_is_so_no_more_is_missed_once_and_who_never_was_is_not() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&list(&["a", "b", "c"]), &["mine", "met a, start", "met c, start, offer"]);
    fixture.check(&user_joined("d", ""), &["mine, from d", "met d, start, offer"]);
    fixture.check(&list(&["b", "c"]), &["mine", "missed a"]);
    fixture.check(&list(&["b", "c"]), &["mine"]);
    fixture.check(&list(&["a", "b"]), &["mine", "missed c"]);
    fixture.check(&list(&["b"]), &["mine", "missed a"]);
}

#[test]
fn who_comes_back_is_met_as_a_stranger() {
    let mut fixture = Fixture::entered(|_| {});
    let meeting = ["mine, from c", "met c, start, offer"];
    fixture.check(&user_joined("c", ""), &meeting);
    fixture.check(&user_joined("c", ""), &meeting[..1]);
    assert_eq!(fixture.tell(Input::Back { id: "c" }), []);
    fixture.check(&user_joined("c", ""), &meeting);
}

#[test]
fn a_list_heard_again_tells_of_whom_and_what_is_new_and_of_nobody_else() {
    let mut fixture = Fixture::entered(|_| {});
    let entry = |id: &str, name: &str| format!(r#"{{"id":"{id}","name":"{name}"}}"#);
    let reply = |entries: &[String]| user_joined("c", &[entries, &[entry("b", "Bea")]].concat().join(","));
    let (nameless, named) = (entry("d", ""), entry("d", "Dee"));
    fixture.check(
        &reply(std::slice::from_ref(&nameless)),
        &["mine, from c", "met c, start, offer", "met d, start, offer"],
    );
    for _ in 0..3 {
        fixture.check(&reply(std::slice::from_ref(&nameless)), &["mine, from c"]);
    }
    fixture.check(&reply(&[nameless.clone(), entry("e", "")]), &["mine, from c", "met e, start, offer"]);
    // A name that comes late is passed on with the next list of our own.
    fixture.check(&reply(&[named]), &["mine, from c"]);
    let said = fixture.tell(Input::Frame(&user_joined("a", "")));
    let known = |output: &Output| matches!(output, Output::Send { text, .. } if text.contains(&entry("d", "Dee")));
    assert!(said.iter().any(known), "{said:?}");
    // A peer that has left is met again.
    let gone = envelope("user-left-room", ROOMS, "d", r#"{"roomId":"r","userId":"d"}"#);
    fixture.check(&gone, &["mine, from d", "left d"]);
    fixture.check(&reply(&[nameless]), &["mine, from c", "met d, start, offer"]);
}

#[test]
fn a_listed_peer_that_was_not_to_be_started_is_when_a_later_list_says_so() {
    let mut fixture = Fixture::entered(|_| {});
    let entry = r#"{"id":"d","name":""}"#;
    // The list is no answer to our join: its members are present, and have sent us nothing.
    for expected in
        [vec!["mine, from c", "met c, start, offer", "met d, offer"], vec!["mine, from c"], vec!["mine, from c"]]
    {
        fixture.check(&user_joined("c", entry), &expected);
    }
    let reply = format!(r#"{entry},{{"id":"b","name":"Bea"}}"#);
    fixture.check(&user_joined("c", &reply), &["mine, from c", "met d, start, offer"]);
}
