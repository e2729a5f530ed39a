//! Reading, checking and exporting of literal profiles.

mod candidates;
mod generated;
mod scenarios;
mod schema;

use super::syntax::keys;
use super::*;
use crate::vocabulary::Reliability;
use std::time::Duration;

fn environment(name: &str) -> Option<String> {
    match name {
        "TOKEN" => Some("s3cret".to_owned()),
        "ROOMS" => Some("7".to_owned()),
        "MESHLOAD_HEADER_X_KEY" => Some("k3y".to_owned()),
        "MESHLOAD_TARGET" => Some("wss://u:p4ss@a.example/ws/?q=1".to_owned()),
        _ => None,
    }
}

fn profile(text: &str, overrides: &[Override]) -> Result<Profile, Vec<Problem>> {
    read(ProfileSource { name: "p.toml", text }, overrides, &environment)
}

/// The problems of `text`, one a line.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    check_with(text, &[], expected);
}

#[track_caller]
fn check_with(text: &str, overrides: &[Override], expected: &[&str]) {
    let problems = profile(text, overrides).err().unwrap_or_default();
    let shown: Vec<_> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(shown, expected, "{text}");
}

#[test]
fn an_empty_profile_is_all_defaults() {
    let profile = profile("", &[]).unwrap();
    assert_eq!(profile.name, "p");
    assert_eq!(
        profile.scenarios[0].rooms,
        RoomSettings { size: Size { min: 4, max: 4 }, id: "room-{index}".to_owned(), guests: 0 }
    );
    assert_eq!(profile.arrivals, [ArrivalStage::Constant { rate: 20.0, lasts: None }]);
    assert_eq!(profile.scenarios[0].handshake.timeout, Duration::from_secs(10));
    assert_eq!(profile.scenarios[0].messages.reliability, Reliability::Reliable);
    assert_eq!(profile.target.url, None);
    assert!(profile.gates.is_empty());
}

#[test]
fn the_example_of_the_documentation_is_a_profile() {
    let profile = profile(
        r#"
name = "example"
[target]
url = "https://signal.example.org/ws/{room.id}?id={peer.id}"
headers = { Authorization = "Bearer ${TOKEN}" }
[rooms]
size = { min = 2, max = 8 }
[arrivals]
shape = "steps"
[[arrivals.steps]]
rate = "10/s"
for = "10s"
[[arrivals.steps]]
rate = "120/min"
[messages]
size = { min = "64B", max = "1KiB" }
max_retransmits = 3
[gates]
mesh_complete = ["rate >= 99%"]
"time_to_open.began" = ["p(50) < 200ms"]
edges.failed = "count < 3"
message_latency = [{ expr = "p(99) < 50ms", abort = true, after = "30s", min_samples = 500 }]
"#,
        &[],
    )
    .unwrap();
    assert_eq!(profile.target.url.unwrap().reveal(), "wss://signal.example.org/ws/{room.id}?id={peer.id}");
    assert_eq!(profile.target.headers["Authorization"].reveal(), "Bearer s3cret");
    assert_eq!(profile.scenarios[0].rooms.size, Size { min: 2, max: 8 });
    assert_eq!(
        profile.arrivals,
        [
            ArrivalStage::Constant { rate: 10.0, lasts: Some(Duration::from_secs(10)) },
            ArrivalStage::Constant { rate: 2.0, lasts: None }
        ]
    );
    assert_eq!((profile.scenarios[0].messages.bytes_min, profile.scenarios[0].messages.bytes_max), (64, 1024));
    assert_eq!(profile.scenarios[0].messages.reliability, Reliability::MaxRetransmits(3));
    let gates: Vec<_> =
        profile.gates.iter().map(|gate| format!("{}: {} {}", gate.metric, gate.expr, gate.at)).collect();
    assert_eq!(
        gates,
        [
            "edges.failed: count < 3 p.toml:21",
            "mesh_complete: rate >= 99% p.toml:19",
            "message_latency: p(99) < 50ms p.toml:22",
            "time_to_open.began: p(50) < 200ms p.toml:20",
        ]
    );
    assert!(profile.gates[2].abort && profile.gates[2].min_samples == 500);
    assert_eq!(profile.gates[2].after, Duration::from_secs(30));
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    check(
        "[rooms]\nsize = 1\ncuont = 3\n\n[handshake]\ntimeout = 500\ntrigger = \"peer-redy\"\n",
        &[
            "rooms.size: 1 is too small; a mesh needs at least 2 peers, and a room holds at most 10000 (p.toml:2)",
            "rooms.cuont: no such key; did you mean count? (p.toml:3)",
            "handshake.timeout: 500 of what? write 500ms (p.toml:6)",
            "handshake.trigger: \"peer-redy\" is none of user-joined-room, peer-ready, participant-joined or room-list; \
             did you mean peer-ready? (p.toml:7)",
        ],
    );
}

#[test]
fn a_wrong_name_gets_the_right_one() {
    check("[room]\n", &["room: no such key or section; did you mean rooms? (p.toml:1)"]);
    check("timeout = \"1s\"\n", &["timeout: no such key or section; did you mean handshake.timeout? (p.toml:1)"]);
    check("[rooms]\nrate = 1\n", &["rooms.rate: no such key; did you mean arrivals.rate? (p.toml:2)"]);
    check(
        "[gates]\ntime_to_open = [{ threshold = \"p(95) < 1s\", abortOnFail = true, delayAbortEval = \"1s\" }]\n",
        &[
            "gates.time_to_open.abortOnFail: no such key; did you mean abort? (p.toml:2)",
            "gates.time_to_open.delayAbortEval: no such key; did you mean after? (p.toml:2)",
            "gates.time_to_open.threshold: no such key; did you mean expr? (p.toml:2)",
        ],
    );
}

#[test]
fn what_is_not_there_yet_is_said_and_never_ignored() {
    check(
        "[rooms]\nguests = 101\n",
        &["rooms.guests: 101 is too large; a room admits from 0 to 100 guests (p.toml:2)"],
    );
    check(
        "[rooms]\nguests = 1\n[engine]\nkind = \"none\"\n",
        &[
            "rooms.guests: guests meet peers of the engine lean, and engine.kind is none; write 0, or kind = \"lean\" (p.toml:2)",
        ],
    );
    check("[engine]\nkind = \"none\"\n", &[]);
    check(
        "[engine]\nkind = \"rtc\"\n",
        &["engine.kind: the engine rtc is gone; write lean, which replaces it (p.toml:2)"],
    );
}

#[test]
fn a_shape_has_its_own_keys_and_no_others() {
    check(
        "[arrivals]\nshape = \"ramp\"\nfrom = \"0/s\"\nrate = \"1/s\"\n",
        &[
            "arrivals.shape: to is missing; the shape needs from, to, over (p.toml:2)",
            "arrivals.shape: over is missing; the shape needs from, to, over (p.toml:2)",
            "arrivals.rate: not a key of the shape \"ramp\", which has from, to, over (p.toml:4)",
        ],
    );
    check(
        "[arrivals]\nshape = \"ramp\"\nfrom = \"0/s\"\nto = \"0/s\"\nover = \"1s\"\n",
        &["arrivals.to: \"0/s\" is too low; at least 1/h (p.toml:4)"],
    );
    check("[arrivals]\nshape = \"burst\"\n", &[]);
}

#[test]
fn numbers_that_mean_nothing_are_problems_and_never_clamped() {
    check("[rooms]\ncount = nan\n", &["rooms.count: expected a whole number, not NaN (p.toml:2)"]);
    check(
        "[rooms]\ncount = 99999999999999999999999999999999999999999999\n",
        &["rooms.count: expected a whole number, not a number beyond all bounds (p.toml:2)"],
    );
    check("[rooms]\ncount = -1\n", &["rooms.count: -1 is too small; a run has from 1 to 4294967295 rooms (p.toml:2)"]);
    check("[phases]\nsteady = \"-1s\"\n", &["phases.steady: a time can't be negative (p.toml:2)"]);
    check("[phases]\nsteady = nan\n", &["phases.steady: NaN is not a time (p.toml:2)"]);
    check("[phases]\nsteady = \"169h\"\n", &["phases.steady: \"169h\" is too long; at most 604800s (p.toml:2)"]);
    check("[arrivals]\nrate = \"0/s\"\n", &["arrivals.rate: \"0/s\" is too low; at least 1/h (p.toml:2)"]);
    check(
        "[messages]\nsize = \"15B\"\n",
        &["messages.size: \"15B\" is too small; a message carries its number and its time, 16 bytes (p.toml:2)"],
    );
    check("[messages]\nsize = \"16B\"\n", &[]);
    check(
        "[messages]\nsize = \"257KiB\"\n",
        &["messages.size: \"257KiB\" is too large; a message has at most 256KiB (p.toml:2)"],
    );
    check(
        "[rooms]\ncount = 4000000000\nsize = 2\n",
        &["rooms.count: 8000000000 peers are too many; a plan has at most 4294967295 (p.toml:2)"],
    );
}

#[test]
fn an_override_beats_the_profile_and_is_named_when_it_is_wrong() {
    let text = "[arrivals]\nshape = \"ramp\"\nfrom = \"0/s\"\nto = \"9/s\"\nover = \"1s\"\n[gates]\nedges_failed = [\"rate < 1%\"]\n";
    let overrides = [
        Override::new(Knob::Rooms, "3"),
        Override::new(Knob::RoomSize, "2..5"),
        Override::new(Knob::Arrivals, "5/s"),
        Override::new(Knob::Duration, "1s"),
        Override::new(Knob::Set, "rooms.count=99"),
        Override::new(Knob::Set, "handshake.settle=20ms"),
        Override::new(Knob::Set, "messages={pattern=\"none\"}"),
        Override::new(Knob::Header, "x-key: a:b"),
        Override::new(Knob::Gate, "time_to_open.began: p(50) < 1s"),
        Override::new(Knob::Gate, "edges_failed: rate < 2%"),
    ];
    let profile = profile(text, &overrides).unwrap();
    assert_eq!((profile.room_count, profile.scenarios[0].rooms.size), (3, Size { min: 2, max: 5 }));
    assert_eq!(profile.arrivals, [ArrivalStage::Constant { rate: 5.0, lasts: None }]);
    assert_eq!(profile.scenarios[0].handshake.settle, Duration::from_millis(20));
    assert_eq!(profile.scenarios[0].messages.pattern, MessagePattern::None);
    assert_eq!(profile.target.headers["x-key"].reveal(), "a:b");
    let gates: Vec<_> = profile.gates.iter().map(|gate| (gate.expr.as_str(), gate.at.as_str())).collect();
    assert_eq!(gates, [("rate < 1%", "p.toml:7"), ("rate < 2%", "--gate"), ("p(50) < 1s", "--gate")]);

    check_with(
        "",
        &[Override::new(Knob::Set, "rooms.size=1")],
        &[
            "rooms.size: 1 is too small; a mesh needs at least 2 peers, and a room holds at most 10000 (--set rooms.size)",
        ],
    );
    check_with(
        "",
        &[Override::new(Knob::Set, "room.size=4")],
        &["room: no such key or section; did you mean rooms? (--set room.size)"],
    );
    check_with(
        "",
        &[Override::new(Knob::Duration, "10")],
        &["phases.steady: 10 of what? write 10s or 10ms (--duration)"],
    );
    check_with("", &[Override::new(Knob::Set, "rooms")], &["expected key.path=VALUE, such as rooms.size=4 (--set)"]);
    check_with(
        "",
        &[Override::new(Knob::Gate, "rate < 1")],
        &["expected 'METRIC: EXPR', such as 'edges_failed: rate < 1%' (--gate)"],
    );
}

#[test]
fn the_environment_fills_in_and_a_missing_variable_is_named() {
    assert_eq!(profile("[rooms]\ncount = \"${ROOMS}\"\n", &[]).unwrap().room_count, 7);
    check("[rooms]\ncount = \"${NONE}\"\n", &["rooms.count: the environment variable NONE is not set (p.toml:2)"]);
    check_with(
        "",
        &[Override::new(Knob::Target, "${NONE}")],
        &["target.url: the environment variable NONE is not set (--target)"],
    );
}

#[test]
fn a_lost_peer_dials_again_unless_told_otherwise() {
    let reconnect = |text: &str| profile(text, &[]).unwrap().reconnect;
    let millis = Duration::from_millis;
    assert_eq!(reconnect(""), Some(Reconnect { first: millis(250), cap: millis(5_000) }));
    assert_eq!(reconnect("[target]\nreconnect = false\n"), None);
    let equal = "[target]\nreconnect_first = \"2s\"\nreconnect_cap = \"2s\"\n";
    assert_eq!(reconnect(equal), Some(Reconnect { first: millis(2_000), cap: millis(2_000) }));
    check(
        "[target]\nreconnect_first = \"2s\"\nreconnect_cap = \"1999ms\"\n",
        &["target.reconnect_first: reconnect_first (\"2s\") is past reconnect_cap (\"1999ms\") (p.toml:2)"],
    );
}

#[test]
fn churn_needs_a_steady_phase_and_an_end() {
    let churn = |text: &str| profile(text, &[]).unwrap().scenarios[0].churn;
    let given = churn("[churn]\nleave = \"6%/min\"\nsilent = \"10%\"\nrejoin = false\nhost_leaves = true\n");
    assert_eq!(given, Churn { leave: 0.001, stay: None, rejoin: false, host_leaves: true, silent: 0.1, vanish: 0.0 });
    assert_eq!(churn(""), Churn { leave: 0.0, stay: None, rejoin: true, host_leaves: false, silent: 0.0, vanish: 0.0 });
    check(
        "[phases]\nsteady = \"0s\"\n[churn]\nleave = \"5%/min\"\n",
        &["churn.leave: peers leave in the steady phase, and phases.steady is 0s (p.toml:4)"],
    );
    check("[phases]\nsteady = \"100s\"\n[churn]\nleave = \"100%/s\"\n", &[]);
    check(
        "[phases]\nsteady = \"101s\"\n[churn]\nleave = \"100%/s\"\n",
        &["churn.leave: at \"100%/s\" each peer would leave more than 100 times in 101s (p.toml:4)"],
    );
    check("[churn]\nleave = \"5%\"\n", &["churn.leave: \"5%\" is no share in a time; write 5%/min (p.toml:2)"]);
}

#[test]
fn no_message_and_no_debug_output_tells_a_secret() {
    check(
        "[phases]\nsteady = \"${TOKEN}\"\n",
        &["phases.steady: what \"${TOKEN}\" stands for is not a time (p.toml:2)"],
    );
    check(
        "[handshake]\ntrigger = \"${TOKEN}\"\n",
        &[
            "handshake.trigger: \"${TOKEN}\" is none of user-joined-room, peer-ready, participant-joined or room-list (p.toml:2)",
        ],
    );
    let text =
        "[target]\nurl = \"wss://u:p4ss@a.example/${TOKEN}/?q=1\"\nheaders = { X-Key = \"k3y\", A = \"${TOKEN}\" }\n";
    let profile = profile(text, &[]).unwrap();
    let shown = format!("{profile:?} {}", to_toml(&profile));
    for secret in ["s3cret", "p4ss", "k3y", "q=1"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
    assert_eq!(profile.target.url_shown.as_deref(), Some("wss://a.example/${TOKEN}/"));
    assert!(to_toml(&profile).contains("${MESHLOAD_HEADER_X_KEY}"));
}

#[test]
fn a_reliable_channel_has_no_limit_and_a_limit_beats_the_default() {
    check(
        "[messages]\nreliable = true\nmax_lifetime = \"100ms\"\n",
        &["messages.reliable: a reliable channel has no max_lifetime; leave one of them out (p.toml:2)"],
    );
    let reliability = |text: &str| profile(text, &[]).unwrap().scenarios[0].messages.reliability;
    assert_eq!(reliability("[messages]\nmax_lifetime = \"100ms\"\n"), Reliability::MaxLifetime(100));
    assert_eq!(reliability("[messages]\nreliable = false\n"), Reliability::MaxRetransmits(0));
}

#[test]
fn every_built_in_is_valid_and_named_as_its_file() {
    for source in builtin::all() {
        let profile = read(*source, &[], &|_| None).unwrap_or_else(|problems| panic!("{}: {problems:?}", source.name));
        assert_eq!(profile.name, source.name);
        assert!(!profile.description.is_empty() && !profile.gates.is_empty());
    }
}

#[test]
fn a_gate_that_is_none_is_told_with_the_other_mistakes_in_the_order_of_the_text() {
    let text = "[rooms]\nsize = 1\n[gates]\nedges_failed = [\"rate < 1%\", \"bad\"]\nconnect = { expr = \"bad\" }\n\
                message_rtt = \"bad${TOKEN}\"\n[phases]\nsteady = 500\n";
    let gate = |metric: &str, expr: &str, _: &[String]| match expr.starts_with("bad") {
        true => Err(format!("{metric} cannot be {expr}")),
        false => Ok(()),
    };
    let source = ProfileSource { name: "p.toml", text };
    let problems = read_with(source, &[], Checks { environment: &environment, gate: &gate }).unwrap_err();
    let shown: Vec<_> = problems.iter().map(Problem::to_string).collect();
    assert_eq!(
        shown,
        [
            "rooms.size: 1 is too small; a mesh needs at least 2 peers, and a room holds at most 10000 (p.toml:2)",
            "gates.edges_failed: edges_failed cannot be bad (p.toml:4)",
            "gates.connect: connect cannot be bad (p.toml:5)",
            "gates.message_rtt: what \"bad${TOKEN}\" stands for is no gate (p.toml:6)",
            "phases.steady: 500 of what? write 500ms (p.toml:8)",
        ]
    );
}

#[test]
fn thresholds_of_validity_are_settable_and_suspect_is_never_past_invalid() {
    let validity =
        profile("[validity]\non_suspect = \"fail\"\nlag_suspect = \"100ms\"\nwaiting_invalid = \"10%\"", &[]);
    let validity = validity.unwrap().validity;
    assert_eq!((validity.on_suspect, validity.thresholds.lag_suspect), (OnSuspect::Fail, Duration::from_millis(100)));
    assert_eq!((validity.thresholds.waiting_suspect, validity.thresholds.waiting_invalid), (0.1, 0.1));
    check(
        "[validity]\nlag_suspect = \"101ms\"\ndropped_invalid = \"0.09%\"\nbusy_suspect = 3\non_suspect = \"warn\"\n",
        &[
            "validity.lag_suspect: lag_suspect (\"101ms\") is past lag_invalid (\"100ms\") (p.toml:2)",
            "validity.dropped_invalid: dropped_suspect (\"0.1%\") is past dropped_invalid (\"0.09%\") (p.toml:3)",
            "validity.busy_suspect: 3 of what? write 3% (p.toml:4)",
            "validity.on_suspect: \"warn\" is none of pass or fail (p.toml:5)",
        ],
    );
}

#[test]
fn a_profile_that_says_nothing_of_validity_has_the_thresholds_of_the_table() {
    let table = Thresholds {
        lag_suspect: Duration::from_millis(10),
        lag_suspect_share: 0.05,
        lag_invalid: Duration::from_millis(100),
        busy_suspect: 0.1,
        waiting_suspect: 0.1,
        waiting_invalid: 0.3,
        dropped_suspect: 0.001,
        dropped_invalid: 0.01,
        clock_jump_invalid: Duration::from_secs(1),
    };
    assert_eq!(profile("", &[]).unwrap().validity.thresholds, table);
}

#[test]
fn stages_hold_ramp_and_burst_and_need_no_shape() {
    let stages = "[arrivals]\nstages = [{ rate = \"5/s\", for = \"10s\" }, { to = \"50/s\", over = \"1s\" }, { burst = 20 }, \
                  { to = \"2/s\", over = \"4s\" }]\n";
    let expected = [
        ArrivalStage::Constant { rate: 5.0, lasts: Some(Duration::from_secs(10)) },
        ArrivalStage::Ramp { from: 5.0, to: 50.0, lasts: Duration::from_secs(1) },
        ArrivalStage::Burst { peers: Some(20) },
        ArrivalStage::Ramp { from: 0.0, to: 2.0, lasts: Duration::from_secs(4) },
    ];
    assert_eq!(profile(stages, &[]).unwrap().arrivals, expected);
    let mixed = "arrivals.stages[0]: a stage has rate and for, to and over, or burst (p.toml:2)";
    check("[arrivals]\nstages = [{ rate = \"5/s\", over = \"1s\" }]\n", &[mixed]);
}

#[test]
fn what_is_set_of_validity_reads_back() {
    let first = profile("[validity]\nlag_suspect = \"20ms\"\n", &[Override::new(Knob::OnInvalid, "warn")]).unwrap();
    let again = profile(to_toml(&first), &[]).unwrap();
    assert_eq!(again.validity, first.validity);
    let lag = again.validity.thresholds.lag_suspect;
    assert_eq!((again.validity.on_invalid, lag), (OnInvalid::Warn, Duration::from_millis(20)));
}
