//! Limits of the texts that clients make the server keep: refused beyond, counted, and given back.

use super::*;

fn create(id: &str, description: &str) -> String {
    let data = json!({ "id": id, "name": id, "description": description });
    json!({ "type": "room-created", "channel": ROOMS, "data": data }).to_string()
}

fn join(room: &str, user: &str, name: &str) -> String {
    let data = json!({ "roomId": room, "userId": user, "userName": name });
    json!({ "type": "user-joined-room", "channel": ROOMS, "data": data }).to_string()
}

#[test]
fn a_name_of_the_greatest_length_is_kept_and_a_longer_one_is_refused() {
    let longest = "x".repeat(256);
    let longer = format!("{longest}x");
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 2);
    let mut refused = |text: &str| {
        let before = stage.rooms.refused();
        stage.say(1, text);
        stage.rooms.refused() - before
    };
    for (taken, too_long) in [
        (subscribe(&longest), subscribe(&longer)),
        (create(&longest, ""), create(&longer, "")),
        (create("r", &"x".repeat(900)), create("s", &"x".repeat(1_024))),
        (join("r", &longest, &longest), join("r", &longer, "")),
        (join("r", "u", "v"), join("r", "w", &longer)),
    ] {
        assert_eq!((refused(&taken), refused(&too_long)), (0, 1), "{too_long:.80}");
    }
}

#[test]
fn ninety_rooms_of_a_quarter_of_a_megabyte_are_in_no_list() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::All, 0, 2);
    for room in 0..90 {
        stage.say(1, &create(&format!("r{room}"), &"x".repeat(250_000)));
    }
    assert_eq!(stage.rooms.refused(), 90);
    stage.rooms.frame(stage.now, ClientId(2), &json!({ "type": "room-list-request", "channel": ROOMS }).to_string());
    let list = stage.rooms.poll().expect("a list");
    assert!(list.text.len() < 1_000, "{} bytes", list.text.len());
}

#[test]
fn a_list_is_bounded_and_rooms_that_go_make_room_for_others() {
    let mut stage = Stage::new(RoomModel::Registry, Routing::Room, 1_000_000, 2);
    let room = |index: usize| create(&format!("{index:0>256}"), &"x".repeat(700));
    let mut created = 0;
    while stage.rooms.refused() == 0 && created < 20_000 {
        stage.say(1, &room(created));
        created += 1;
    }
    assert!((5_000..10_000).contains(&created), "{created}");
    stage.close(1);
    stage.rooms.connected(stage.now, ClientId(1));
    stage.say(1, &room(0));
    assert_eq!(stage.rooms.refused(), 1, "the rooms of a client that has gone are gone");
}
