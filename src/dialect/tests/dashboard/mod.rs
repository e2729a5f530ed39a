//! The rules of docs/spec/protocol.md about a client's frames, on frames as they are on the wire.

mod approval;
mod garbage;
mod hearing;
mod strangers;

use super::super::*;
use crate::vocabulary::{Approval, Concern, FrameKind, Heard, Initiator, Naming, Say, Seed, Signal, Trigger};
use std::time::{Duration, Instant};

const ROOMS: &str = "webrtc-dashboard-rooms";
const CHAT: &str = "webrtc-dashboard-chat";
const ACCESS: &str = "webrtc-dashboard-access";
const SIGNALING: &str = "webrtc-signaling";
const REJOIN_PAUSE: Duration = Duration::from_secs(1);

fn dashboard() -> Dialect {
    Dialect::named("dashboard").unwrap()
}

/// Peer `b` of room `r`, before its socket is open.
fn me() -> PeerIdentity {
    PeerIdentity {
        id: "b".into(),
        name: "Bea".into(),
        room: "r".into(),
        host: false,
        trigger: Trigger::UserJoinedRoom,
        initiator: Initiator::LowerId,
        settle: Duration::ZERO,
        approval: Approval::Off,
        epoch: (Instant::now(), 1_000),
        index: 1,
        seat: 1,
        size: 8,
        naming: Naming::new("t", 1),
        guests: 8,
        token: String::new(),
        data: Default::default(),
        seed: Seed(1),
        prepared: PreparedValues::default(),
    }
}

/// A conversation on a clock of its own.
struct Fixture {
    dashboard: Box<dyn Conversation>,
    now: Instant,
}

impl Fixture {
    /// The conversation of `me` after `choose`, with its socket open and its first frames sent.
    fn entered(choose: impl FnOnce(&mut PeerIdentity)) -> Self {
        let mut fixture = Self::before(choose);
        fixture.tell(Input::Open);
        fixture
    }

    fn before(choose: impl FnOnce(&mut PeerIdentity)) -> Self {
        let mut me = me();
        choose(&mut me);
        let now = me.epoch.0;
        Self { dashboard: dashboard().converse(me), now }
    }

    fn tell(&mut self, input: Input<'_>) -> Vec<Output> {
        self.dashboard.handle(self.now, input);
        let told = std::iter::from_fn(|| self.dashboard.poll()).filter(|output| !super::transcript::is_note(output));
        // `Known` only repeats the id of this run.
        told.filter(|output| !matches!(output, Output::Known { .. })).collect()
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
    }

    /// Handles `frame`; its outputs must be `expected`, in the notation of `describe`.
    #[track_caller]
    fn check(&mut self, frame: &str, expected: &[&str]) {
        let outputs = self.tell(Input::Frame(frame));
        assert_eq!(outputs.iter().map(describe).collect::<Vec<_>>(), expected, "{frame:.300}");
    }
}

fn describe(output: &Output) -> String {
    let dialect = dashboard();
    let kinds = dialect.kinds();
    let name = |kind: &FrameKind| kinds[usize::from(kind.0)];
    match output {
        Output::Send { kind, to: None, .. } => format!("say {}", name(kind)),
        Output::Send { kind, to: Some(to), .. } => format!("say {} to {to}", name(kind)),
        Output::Frame { concern: Concern::Me { from: Some(from) }, .. } => format!("mine, from {from}"),
        Output::Frame { concern: Concern::Me { from: None }, .. } => "mine".to_owned(),
        Output::Frame { concern: Concern::Others, .. } => "for others".to_owned(),
        Output::Frame { concern: Concern::Elsewhere { from }, .. } => format!("elsewhere, from {from:?}"),
        Output::Note(note) => format!("{} {}", note.kind.name(), note.shape),
        Output::Written { .. } | Output::Read { .. } => "text".to_owned(),
        Output::Heard(Heard::Joined) => "joined".to_owned(),
        Output::Heard(Heard::Met { who, start, initiate }) => {
            let edge = if *start { ", start" } else { "" };
            let offer = if *initiate { ", offer" } else { "" };
            format!("met {who}{edge}{offer}")
        }
        Output::Heard(Heard::Left { who }) => format!("left {who}"),
        Output::Heard(Heard::Missed { who }) => format!("missed {who}"),
        Output::Heard(Heard::PairRefused { who, detail }) => format!("{detail} of {who}"),
        Output::Heard(Heard::Signal { from, signal, polite }) => {
            let signal = match signal {
                Signal::Offer { .. } => "offer",
                Signal::Answer { .. } => "answer",
                Signal::Candidate(_) => "candidate",
                Signal::EndOfCandidates => "end of candidates",
            };
            format!("{signal} of {from}{}", if *polite { ", polite" } else { "" })
        }
        Output::Heard(Heard::Refused(failure)) => format!("refused: {failure}"),
        Output::Heard(Heard::Nonsense) => "nonsense".to_owned(),
        other @ (Output::Known { .. }
        | Output::Share { .. }
        | Output::Swap { .. }
        | Output::Heard(Heard::Malformed { .. })) => format!("{other:?}"),
    }
}

fn envelope(kind: &str, channel: &str, sender: &str, data: &str) -> String {
    format!(r#"{{"type":"{kind}","channel":"{channel}","sender":"{sender}","timestamp":1763712345678,"data":{data}}}"#)
}

fn user_joined(user: &str, existing: &str) -> String {
    let data = format!(r#"{{"roomId":"r","userId":"{user}","userName":"U","existingParticipants":[{existing}]}}"#);
    envelope("user-joined-room", ROOMS, user, &data)
}

fn participant_joined(user: &str) -> String {
    let data = format!(r#"{{"roomId":"r","participant":{{"id":"{user}","name":"U"}}}}"#);
    envelope("participant-joined", CHAT, user, &data)
}

fn peer_ready(user: &str) -> String {
    envelope("peer-ready", CHAT, user, &format!(r#"{{"roomId":"r","userId":"{user}","userName":"U"}}"#))
}

fn list(participants: &[&str]) -> String {
    let participants: Vec<String> =
        participants.iter().map(|id| format!(r#"{{"id":"{id}","name":"Name of {id}"}}"#)).collect();
    format!(
        r#"{{"type":"server-room-list","channel":"webrtc-dashboard-rooms","rooms":[{{"id":"r","name":"R","participantCount":{},"participants":[{}]}}],"timestamp":"2025-11-21T08:05:45.678Z"}}"#,
        participants.len(),
        participants.join(",")
    )
}

#[test]
fn a_member_subscribes_to_four_channels_then_joins_twice_and_is_ready() {
    let outputs = Fixture::before(|_| {}).tell(Input::Open);
    let expected = [
        r#"{"type":"subscribe","channel":"webrtc-dashboard-rooms"}"#,
        r#"{"type":"subscribe","channel":"webrtc-dashboard-chat"}"#,
        r#"{"type":"subscribe","channel":"webrtc-dashboard-access"}"#,
        r#"{"type":"subscribe","channel":"webrtc-signaling"}"#,
        r#"{"type":"user-joined-room","channel":"webrtc-dashboard-rooms","sender":"b","timestamp":1000,"data":{"roomId":"r","userId":"b","userName":"Bea","existingParticipants":[]}}"#,
        r#"{"type":"participant-joined","channel":"webrtc-dashboard-chat","sender":"b","timestamp":1000,"data":{"roomId":"r","participant":{"id":"b","name":"Bea"}}}"#,
        r#"{"type":"peer-ready","channel":"webrtc-dashboard-chat","sender":"b","timestamp":1000,"data":{"roomId":"r","userId":"b","userName":"Bea"}}"#,
    ];
    let said = outputs.iter().filter_map(|output| match output {
        Output::Send { text, .. } => Some(text.as_str()),
        _ => None,
    });
    assert_eq!(said.collect::<Vec<_>>(), expected);
    assert!(outputs.contains(&Output::Heard(Heard::Joined)));
}

#[test]
fn a_host_creates_the_room_before_it_joins() {
    let said: Vec<String> = Fixture::before(|me| me.host = true).tell(Input::Open).iter().map(describe).collect();
    assert_eq!(said[4..6], ["say room-created", "say user-joined-room"]);
}

#[test]
fn peer_ready_is_said_when_the_settle_time_is_over_and_not_a_microsecond_before() {
    let mut fixture = Fixture::before(|me| me.settle = Duration::from_millis(50));
    assert!(!fixture.tell(Input::Open).iter().any(|output| describe(output) == "say peer-ready"));
    assert_eq!(fixture.dashboard.wake_at(), Some(fixture.now + Duration::from_millis(50)));
    fixture.pass(Duration::from_micros(49_999));
    assert_eq!(fixture.tell(Input::Wake), []);
    fixture.pass(Duration::from_micros(1));
    assert_eq!(fixture.tell(Input::Wake).iter().map(describe).collect::<Vec<_>>(), ["say peer-ready"]);
    assert_eq!((fixture.dashboard.wake_at(), fixture.tell(Input::Wake)), (None, vec![]));
}

#[test]
fn a_timestamp_is_in_milliseconds_since_the_unix_epoch() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.pass(Duration::from_micros(2_500_999));
    let Output::Send { text, .. } = &fixture.tell(Input::Say(Say::Leave))[0] else { panic!("nothing was said") };
    assert!(text.contains(r#""timestamp":3500,"#), "{text}");
}

#[test]
fn leaving_is_said_in_the_chat_and_then_to_the_room_service() {
    let said = Fixture::entered(|_| {}).tell(Input::Say(Say::Leave));
    assert_eq!(said.iter().map(describe).collect::<Vec<_>>(), ["say participant-left", "say user-left-room"]);
    let Output::Send { text, .. } = &said[0] else { panic!("nothing was said") };
    assert!(text.ends_with(r#""data":{"roomId":"r","participant":{"id":"b","name":"Bea","leftAt":1000}}}"#), "{text}");
}

#[test]
fn only_the_chosen_trigger_starts_an_edge_and_the_others_are_heard() {
    let check = |trigger: Trigger, frame: &str, expected: &[&str]| {
        Fixture::entered(|me| me.trigger = trigger).check(frame, expected);
    };
    for trigger in Trigger::ALL {
        let met = |chosen: Trigger| if trigger == chosen { "met c, start, offer" } else { "met c, offer" };
        check(trigger, &user_joined("c", ""), &["mine, from c", met(Trigger::UserJoinedRoom)]);
        check(trigger, &participant_joined("c"), &["mine, from c", met(Trigger::ParticipantJoined)]);
        check(trigger, &peer_ready("c"), &["mine, from c", met(Trigger::PeerReady)]);
    }
}

#[test]
fn who_does_not_offer_answers_a_newcomer_once_on_the_triggers_own_channel() {
    let check = |trigger: Trigger, frame: &str, answer: &str| {
        let mut fixture = Fixture::entered(|me| me.trigger = trigger);
        fixture.check(frame, &["mine, from a", &format!("say {answer}"), "met a, start"]);
        fixture.check(frame, &["mine, from a"]);
    };
    check(Trigger::PeerReady, &peer_ready("a"), "peer-ready");
    check(Trigger::ParticipantJoined, &participant_joined("a"), "participant-joined");
    check(Trigger::UserJoinedRoom, &user_joined("a", ""), "user-joined-room");
}

#[test]
fn a_registry_tells_newcomers_itself_so_a_join_is_not_answered() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&list(&["b"]), &["mine"]);
    fixture.check(&user_joined("a", ""), &["mine, from a", "met a, start"]);
}

#[test]
fn until_its_own_peer_ready_is_said_a_peer_answers_none() {
    let mut fixture = Fixture::entered(|me| (me.trigger, me.settle) = (Trigger::PeerReady, Duration::from_millis(1)));
    fixture.check(&peer_ready("a"), &["mine, from a", "met a, start"]);
}

#[test]
fn existing_participants_are_those_heard_or_listed_so_far() {
    let mut fixture = Fixture::entered(|me| me.trigger = Trigger::RoomList);
    fixture.check(&participant_joined("c"), &["mine, from c", "met c, offer"]);
    let outputs = fixture.tell(Input::Frame(&list(&["a"])));
    let Some(Output::Send { text, .. }) = outputs.iter().find(|output| matches!(output, Output::Send { .. })) else {
        panic!("no join: {outputs:?}")
    };
    assert!(text.contains(r#""existingParticipants":[{"id":"c","name":""}]"#), "{text}");
}

#[test]
fn a_list_without_us_makes_us_join_again_but_not_twice_within_a_second() {
    let mut fixture = Fixture::entered(|_| {});
    fixture.check(&list(&[]), &["mine", "say user-joined-room"]);
    fixture.pass(REJOIN_PAUSE - Duration::from_micros(1));
    fixture.check(&list(&[]), &["mine"]);
    fixture.pass(Duration::from_micros(1));
    fixture.check(&list(&[]), &["mine", "say user-joined-room"]);
    fixture.check(&list(&["b"]), &["mine"]);
}

#[test]
fn signals_go_to_their_addressee_and_the_end_of_candidates_has_no_word() {
    let check = |signal: Signal, expected: &[&str]| {
        let said = Fixture::entered(|_| {}).tell(Input::Say(Say::Signal { to: "c".into(), signal }));
        assert_eq!(said.iter().map(describe).collect::<Vec<_>>(), expected);
    };
    check(Signal::Offer { sdp: "v=0".into() }, &["say webrtc-offer to c"]);
    check(Signal::Answer { sdp: "v=0".into() }, &["say webrtc-answer to c"]);
    check(Signal::EndOfCandidates, &[]);
}
