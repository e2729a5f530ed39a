//! The access channel: join requests, their repeats, and the host's answers.

use super::*;

fn of_access(kind: &str, sender: &str, user: &str) -> String {
    envelope(kind, ACCESS, sender, &format!(r#"{{"roomId":"r","userId":"{user}","userName":"U"}}"#))
}

fn asking(me: &mut PeerIdentity) {
    me.approval = Approval::Approve;
}

#[test]
fn a_member_asks_for_leave_and_joins_when_it_has_it() {
    let mut fixture = Fixture::before(asking);
    let said: Vec<String> = fixture.tell(Input::Open).iter().map(describe).collect();
    assert_eq!(said[4..], ["say join-request"]);
    fixture.check(&of_access("join-approved", "a", "c"), &["for others"]);
    let joins = ["mine", "say user-joined-room", "say participant-joined", "joined", "say peer-ready"];
    fixture.check(&of_access("join-approved", "a", "b"), &joins);
    fixture.check(&of_access("join-approved", "a", "b"), &["mine, from a"]);
}

#[test]
fn without_approval_in_the_profile_nobody_asks_and_a_host_asks_nobody() {
    let check = |choose: fn(&mut PeerIdentity), host: bool| {
        let mut fixture = Fixture::before(|me| {
            choose(me);
            me.host = host;
        });
        let said: Vec<String> = fixture.tell(Input::Open).iter().map(describe).collect();
        assert!(said.contains(&"joined".to_owned()) && !said.contains(&"say join-request".to_owned()), "{said:?}");
    };
    check(|_| {}, false);
    check(|_| {}, true);
    check(asking, true);
}

#[test]
fn who_waits_takes_no_part_in_the_room_and_asks_again_when_the_host_shows() {
    let mut fixture = Fixture::entered(asking);
    for frame in [user_joined("a", ""), participant_joined("a"), peer_ready("a")] {
        fixture.check(&frame, &["for others"]);
    }
    let created = envelope("room-created", ROOMS, "a", r#"{"id":"r","name":"R","host":"A","hostId":"a"}"#);
    fixture.check(&created, &["mine, from a", "say join-request"]);
    fixture.check(&created, &["mine, from a"]);
    fixture.check(&list(&["a"]), &["mine", "say join-request"]);
    fixture.check(&list(&["a"]), &["mine"]);
    fixture.pass(REJOIN_PAUSE);
    fixture.check(&list(&["a"]), &["mine", "say join-request"]);
    // A peer asks only after a list that names the host and lacks it: the next one may show it.
    let of_host = |there: &[&str]| list(there).replace(r#""id":"r","#, r#""id":"r","hostId":"h","#);
    fixture.pass(REJOIN_PAUSE);
    fixture.check(&of_host(&["a"]), &["mine"]);
    fixture.check(&of_host(&["a", "h"]), &["mine", "say join-request"]);
    // Once admitted, it meets the peers of the next list.
    fixture.tell(Input::Frame(&of_access("join-approved", "a", "b")));
    fixture.check(&list(&["a", "b"]), &["mine", "met a, start"]);
}

#[test]
fn who_is_turned_away_asks_no_more() {
    let mut fixture = Fixture::entered(asking);
    let data = r#"{"roomId":"r","userId":"b","userName":"Bea","reason":"REJECTED_BY_HOST"}"#;
    let refused = "refused: join rejected (REJECTED_BY_HOST)";
    fixture.check(&envelope("join-rejected", ACCESS, "a", data), &["mine", refused]);
    fixture.check(&list(&["a"]), &["mine"]);
}

#[test]
fn a_host_answers_each_request_as_the_profile_says_and_meets_nobody_by_it() {
    let check = |approval: Approval, answer: &[&str]| {
        let mut host = Fixture::entered(|me| (me.host, me.approval) = (true, approval));
        let request = of_access("join-request", "c", "c");
        for _ in 0..2 {
            host.check(&request, &[&["mine, from c"][..], answer].concat());
            host.pass(Duration::from_secs(1));
        }
        host.check(&request.replace(r#""roomId":"r""#, r#""roomId":"q""#), &["for others"]);
        host.check(&user_joined("c", ""), &["mine, from c", "met c, start, offer"]);
    };
    check(Approval::Approve, &["say join-approved"]);
    check(Approval::Reject, &["say join-rejected"]);
    check(Approval::Ignore, &[]);
    check(Approval::Off, &[]);
    Fixture::entered(asking).check(&of_access("join-request", "c", "c"), &["for others"]);
}

#[test]
fn the_answer_names_who_asked() {
    let mut host = Fixture::entered(|me| (me.host, me.approval) = (true, Approval::Reject));
    let outputs = host.tell(Input::Frame(&of_access("join-request", "tab-1", "c")));
    let said = outputs.iter().find_map(|output| if let Output::Send { text, .. } = output { Some(text) } else { None });
    let expected = r#"{"type":"join-rejected","channel":"webrtc-dashboard-access","sender":"b","timestamp":1000,"data":{"roomId":"r","userId":"c","userName":"U","reason":"REJECTED_BY_HOST"}}"#;
    assert_eq!(said.map(String::as_str), Some(expected));
}
