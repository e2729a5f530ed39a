//! `[[scenarios]]`: settings over those of the sections, shares, precedence, and mistakes.

use super::*;

const TWO: &str = r#"
[rooms]
count = 40
size = 4
[messages]
rate = "1/s"
max_lifetime = "200ms"
[churn]
stay = { min = "1s", max = "3s" }

[[scenarios]]
name = "small"
share = "75%"

[[scenarios]]
name = "large"
share = "25%"
rooms = { size = { min = 10, max = 20 }, id = "large-{index}" }
handshake = { timeout = "20s" }
messages = { rate = "5/s", reliable = true }
churn = { leave = "10%/min" }
"#;

#[test]
fn a_scenario_has_the_settings_of_the_sections_but_for_its_own() {
    let profile = profile(TWO, &[]).unwrap();
    assert_eq!((profile.room_count, profile.scenario_names()), (40, vec!["small".to_owned(), "large".to_owned()]));
    let [small, large] = &profile.scenarios[..] else { panic!("{:?}", profile.scenarios) };
    assert_eq!((small.share, large.share), (0.75, 0.25));
    assert_eq!((small.rooms.size, large.rooms.size), (Size { min: 4, max: 4 }, Size { min: 10, max: 20 }));
    assert_eq!((small.rooms.id.as_str(), large.rooms.id.as_str()), ("room-{index}", "large-{index}"));
    assert_eq!((small.messages.rate, large.messages.rate), (1.0, 5.0));
    assert_eq!(small.messages.reliability, Reliability::MaxLifetime(200));
    assert_eq!(large.messages.reliability, Reliability::Reliable, "it replaces the section's limit");
    assert!(small.churn.stay.is_some() && large.churn.stay.is_none() && large.churn.leave > 0.0);
    assert_eq!(large.handshake.timeout, Duration::from_secs(20));
    assert_eq!(large.handshake.trickle, small.handshake.trickle);
}

#[test]
fn a_profile_without_scenarios_is_one_without_a_name() {
    let profile = profile("[rooms]\nsize = 7\n", &[]).unwrap();
    let [only] = &profile.scenarios[..] else { panic!("{:?}", profile.scenarios) };
    assert_eq!((only.name.as_str(), only.share, only.rooms.size.max), ("", 1.0, 7));
    assert!(profile.scenario_names().is_empty());
}

#[test]
fn an_option_beats_every_scenario_and_what_is_written_out_says_so() {
    let options = [Override::new(Knob::RoomSize, "6"), Override::new(Knob::Set, "messages.max_retransmits=2")];
    let first = profile(TWO, &options).unwrap();
    for scenario in &first.scenarios {
        assert_eq!(scenario.rooms.size, Size { min: 6, max: 6 }, "{}", scenario.name);
        assert_eq!(scenario.messages.reliability, Reliability::MaxRetransmits(2), "{}", scenario.name);
    }
    assert_eq!(first.scenarios[1].messages.rate, 5.0, "the rest stays its own");
    let settings = |profile: &Profile| {
        let each = profile.scenarios.iter().cloned();
        each.map(|scenario| Scenario { approval_at: String::new(), ..scenario }).collect::<Vec<_>>()
    };
    assert_eq!(settings(&first), settings(&profile(to_toml(&first), &[]).unwrap()));
}

#[test]
fn a_scenario_has_a_path_and_tokens_of_its_own_and_none_of_its_secrets_is_written() {
    let text = "[target]\nurl = \"wss://a.example/ws/\"\n[[scenarios]]\nname = \"a\"\nshare = \"50%\"\n\
                target = { path = \"/a/?key=k3y&t={token}\", tokens = \"a.txt\" }\n\
                [[scenarios]]\nname = \"b\"\nshare = \"50%\"\n";
    let profile = profile(text, &[]).unwrap();
    let [a, b] = &profile.scenarios[..] else { panic!("{:?}", profile.scenarios) };
    assert_eq!(a.target.url("wss://a.example/ws/"), "wss://a.example/a/?key=k3y&t={token}");
    assert_eq!(a.target.url_shown("wss://a.example/ws/"), "wss://a.example/a/");
    assert_eq!((a.target.tokens.as_ref().unwrap().path.as_str(), &b.target), ("a.txt", &OwnTarget::default()));
    assert!(!to_toml(&profile).contains("k3y") && to_toml(&profile).contains("${MESHLOAD_SCENARIO_PATH_1}"));
    assert!(!format!("{profile:?}").contains("k3y"));
}

#[test]
fn mistakes_of_scenarios_are_told_with_their_lines() {
    check(
        "[[scenarios]]\nname = \"a\"\nshare = \"50%\"\n[[scenarios]]\nname = \"a\"\nshare = \"30%\"\n",
        &[
            "scenarios: the shares add up to 80%; all peers are 100% (p.toml:1)",
            "scenarios[1].name: \"a\" is the name of a scenario before it (p.toml:5)",
        ],
    );
    check(
        "[scenarios.large]\nshare = \"50%\"\n",
        &["scenarios: scenarios are a list: write [[scenarios]] with name = \"large\" (p.toml:1)"],
    );
    check(
        "[[scenarios]]\nnam = \"a\"\nshare = \"100%\"\nrooms = { size = 1, count = 3 }\nmessages = { rat = 3 }\n",
        &[
            "scenarios[0]: name is missing; write name = \"large\" (p.toml:1)",
            "scenarios[0].nam: no such key; did you mean name? (p.toml:2)",
            "scenarios[0].rooms.size: 1 is too small; a mesh needs at least 2 peers, and a room holds at most 10000 (p.toml:4)",
            "scenarios[0].rooms.count: no such key; did you mean rooms.count? (p.toml:4)",
            "scenarios[0].messages.rat: no such key; did you mean rate? (p.toml:5)",
        ],
    );
    check("scenarios = []\n", &["scenarios: expected a list; write [[scenarios]] with name and share (p.toml:1)"]);
    check(
        "[[scenarios]]\nname = \"a\"\nshare = \"100%\"\ntarget = { path = \"/a/\" }\n",
        &["scenarios[0].target.path: the embedded server has one path; name your server with target.url (p.toml:4)"],
    );
}

#[test]
fn a_mistake_of_a_section_is_told_once_and_not_for_each_scenario() {
    let scenarios = "[[scenarios]]\nname = \"a\"\nshare = \"50%\"\n[[scenarios]]\nname = \"b\"\nshare = \"50%\"\n";
    check(
        &format!("[rooms]\nsize = 1\nsiz = 4\n{scenarios}"),
        &[
            "rooms.size: 1 is too small; a mesh needs at least 2 peers, and a room holds at most 10000 (p.toml:2)",
            "rooms.siz: no such key; did you mean size? (p.toml:3)",
        ],
    );
}
