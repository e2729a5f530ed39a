//! Random actions of six clients, checked against a model of subscriptions and last named rooms.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Next action of one client.
#[derive(Clone, Debug)]
enum ClientAction {
    Connect,
    Close,
    Subscribe(usize),
    Unsubscribe(usize),
    Say { channel: usize, room: Option<u8> },
    Leave(u8),
}

const CHANNELS: [&str; 2] = [CHAT, "webrtc-signaling"];

fn action() -> impl Strategy<Value = ClientAction> {
    prop_oneof![
        3 => Just(ClientAction::Connect),
        1 => Just(ClientAction::Close),
        4 => (0..CHANNELS.len()).prop_map(ClientAction::Subscribe),
        1 => (0..CHANNELS.len()).prop_map(ClientAction::Unsubscribe),
        8 => (0..CHANNELS.len(), proptest::option::of(0u8..3)).prop_map(|(channel, room)| ClientAction::Say { channel, room }),
        1 => (0u8..3).prop_map(ClientAction::Leave),
    ]
}

proptest! {
    #[test]
    fn no_frame_reaches_its_sender_or_a_stranger_or_another_room_and_all_others_get_it(
        registry: bool,
        by_room: bool,
        actions in proptest::collection::vec((0u32..6, action()), 1..120),
    ) {
        let kind = if registry { RoomModel::Registry } else { RoomModel::Relay };
        let routing = if by_room { Routing::Room } else { Routing::All };
        let mut stage = Stage::new(kind, routing, 0, 0);
        // The model: for each client that is connected, its channels and its room.
        let mut clients = BTreeMap::<u32, (BTreeSet<usize>, Option<u8>)>::new();
        for (client, action) in actions {
            let connected = clients.contains_key(&client);
            match action {
                ClientAction::Connect if !connected => {
                    stage.rooms.connected(stage.now, ClientId(client));
                    clients.insert(client, Default::default());
                }
                ClientAction::Close if connected => {
                    stage.rooms.closed(stage.now, ClientId(client));
                    clients.remove(&client);
                }
                ClientAction::Subscribe(channel) if connected => {
                    stage.say(client, &subscribe(CHANNELS[channel]));
                    clients.get_mut(&client).unwrap().0.insert(channel);
                }
                ClientAction::Unsubscribe(channel) if connected => {
                    stage.say(client, &json!({"type": "unsubscribe", "channel": CHANNELS[channel]}).to_string());
                    clients.get_mut(&client).unwrap().0.remove(&channel);
                }
                ClientAction::Leave(room) if connected => {
                    stage.say(client, &left(&room.to_string(), "u"));
                    clients.get_mut(&client).unwrap().1 = None;
                }
                ClientAction::Say { channel, room } if connected => {
                    let data = room.map_or(json!({}), |room| json!({"roomId": room.to_string()}));
                    if room.is_some() {
                        clients.get_mut(&client).unwrap().1 = room;
                    }
                    let own = clients[&client].1;
                    let expected: Vec<String> = clients
                        .iter()
                        .filter(|(other, (channels, room))| {
                            **other != client && channels.contains(&channel) && (!by_room || (own.is_some() && *room == own))
                        })
                        .map(|(other, _)| format!("{other}: said"))
                        .collect();
                    stage.heard();
                    prop_assert_eq!(stage.say(client, &envelope("said", CHANNELS[channel], data)), expected);
                }
                _ => {}
            }
        }
    }
}
