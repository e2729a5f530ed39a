//! Cost of a frame that is for another peer, and of one that is for this peer; for each built-in that broadcasts.

use support::frames;

fn main() {
    let sdp = frames::description();
    let relay =
        |to: &str| format!(r#"{{"type":"offer","channel":"room1","data":{{"from":"m-2","to":"{to}","sdp":"{sdp}"}}}}"#);
    let y_webrtc = |to: &str| {
        format!(
            r#"{{"type":"publish","topic":"room1","data":{{"to":"{to}","from":"m-2","type":"signal","token":1,"signal":{{"type":"offer","sdp":"{sdp}"}}}},"clients":2}}"#
        )
    };
    let ice = r#"{"type":"webrtc-ice","channel":"webrtc-signaling","sender":"m-2","timestamp":1,"data":{"roomId":"room1","fromUserId":"m-2","toUserId":"m-3","candidate":{"candidate":"candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"abcd"}}}"#;
    let joined = r#"{"type":"user-joined-room","channel":"webrtc-dashboard-rooms","sender":"m-9","timestamp":1,"data":{"roomId":"room9","userId":"m-9","userName":"nine","existingParticipants":[]}}"#;
    measure("dashboard", "an offer for another", &frames::dashboard_offer("m-3"));
    measure("dashboard", "a candidate for another", ice);
    measure("dashboard", "a join of another room", joined);
    measure("dashboard", "client_count", r#"{"type":"client_count","count":12,"timestamp":1}"#);
    measure("dashboard", "an offer for this peer", &frames::dashboard_offer("m-1"));
    measure("dashboard", "a list of 4 rooms", &list(4, 1));
    measure("dashboard", "a list of 250 rooms", &list(250, 1));
    measure("dashboard", "a list of 250 others", &list(250, 1_000));
    measure("relay", "an offer for another", &relay("m-3"));
    measure("relay", "an offer for this peer", &relay("m-1"));
    measure("y-webrtc", "an offer for another", &y_webrtc("m-3"));
}

/// A registry's frame after each change: rooms of four from number `first` on; this peer is the second of room 1.
fn list(rooms: usize, first: usize) -> String {
    let participant = |room: usize, seat: usize| {
        let number = 4 * (room - 1) + seat;
        format!(r#"{{"id":"m-{number}","name":"Peer {number}"}}"#)
    };
    let entry = |room: usize| {
        let participants: Vec<String> = (0..4).map(|seat| participant(room, seat)).collect();
        format!(
            r#"{{"id":"room{room}","name":"room{room}","description":"","host":"Peer","hostId":"m-1","createdAt":1763712345678,"participantCount":4,"participants":[{}]}}"#,
            participants.join(",")
        )
    };
    // This peer's room is in the middle.
    let mut entries: Vec<String> = (first..first + rooms).map(entry).collect();
    entries.swap(0, rooms / 2);
    format!(
        r#"{{"type":"server-room-list","channel":"webrtc-dashboard-rooms","rooms":[{}],"timestamp":"2025-11-21T08:05:45.678Z"}}"#,
        entries.join(",")
    )
}

fn measure(dialect: &str, what: &str, frame: &str) {
    let rate = frames::rate(dialect, frame);
    println!("{dialect:>10}, {what:<24} {:>5} bytes {rate:>12.0} frames/s", frame.len());
}
