//! A room of peers over real sockets: the driver against the embedded server, without a controller.

use meshload::dialect::{Dialect, Me};
use meshload::driver::{Actor, Errand, Nudge};
use meshload::engine::{Neighbourhood, RtcEngine, RtcSetup};
use meshload::peer::{Config as PeerConfig, Peer, Talk, TalkPattern};
use meshload::server::{self, Kind, Routing, Server};
use meshload::signaling::{Endpoint, Reach};
use meshload::vocabulary::choice::{Initiator, Reliability, Trigger};
use meshload::vocabulary::event::{Event, What};
use meshload::vocabulary::ids::{Naming, PeerIndex, Place, RoomIndex, Seat};
use meshload::vocabulary::seed::Seed;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Plays one room of `size` until every edge is decided, and gives the facts.
fn play(kind: Kind, routing: Routing, trigger: Trigger, initiator: Initiator, trickle: bool, size: u16) -> Vec<Event> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    let events = Rc::new(RefCell::new(Vec::<Event>::new()));
    let facts = events.clone();
    local.block_on(&runtime, async move {
        let server = Server::bind(server::Config { kind, routing, ..server::Config::default() }).await.unwrap();
        let url = format!("ws://{}/ws/", server.address());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::task::spawn_local(server.run(async move {
            stopped.await.ok();
        }));
        let endpoint = Rc::new(Endpoint {
            url: url.parse().unwrap(),
            headers: vec![],
            subprotocol: None,
            origin: None,
            user_agent: "meshload/test".to_owned(),
            reach: Reach::default(),
        });
        let epoch = Instant::now();
        let setup = RtcSetup {
            certificate: RtcSetup::certificate().unwrap(),
            neighbourhood: Neighbourhood::default(),
            timeout: Duration::from_secs(5),
            trickle,
            ordered: true,
            reliability: Reliability::Reliable,
            message_bytes_max: 4096,
        };
        let naming = Naming::new("t", size.into());
        let mut mailboxes = vec![];
        let mut errands = vec![];
        for seat in (0..size).map(Seat) {
            let place = Place { room: RoomIndex(0), seat, peer: PeerIndex(seat.0.into()) };
            let me = Me {
                id: naming.peer(place.peer),
                name: format!("peer {}", seat.0),
                room: "t-room-0".to_owned(),
                host: seat.0 == 0,
                trigger,
                initiator,
                settle: Duration::ZERO,
                epoch: (epoch, 0),
                index: seat.0.into(),
                seat: seat.0,
                size,
                token: String::new(),
                seed: Seed(1),
            };
            let talk = Talk {
                pattern: TalkPattern::Silence,
                interval: Duration::from_secs(1),
                bytes: (64, 64),
                pool: Arc::from(vec![0; 4096]),
                draws: Seed(1).stream("talk", seat.0.into()),
            };
            let config = PeerConfig { seat, room_size: size, timeout: Duration::from_secs(5), trickle, talk };
            let actor = Actor::new(
                place,
                size,
                naming.clone(),
                Dialect::named("dashboard").unwrap().converse(me),
                Peer::new(config, epoch),
            );
            let engine = RtcEngine::open(setup.clone(), size, Seed(1).stream("ice", seat.0.into())).unwrap();
            let (sender, receiver) = mpsc::channel(256);
            for other in (0..size).map(Seat).filter(|other| *other != seat) {
                sender.try_send(Nudge::Companion { seat: other }).unwrap();
            }
            mailboxes.push(sender);
            let events = facts.clone();
            let errand = Errand::new(actor, Box::new(engine), endpoint.clone(), receiver, move |event| {
                events.borrow_mut().push(event);
            });
            errands.push(tokio::task::spawn_local(errand.run(Instant::now())));
        }
        let ends = usize::from(size) * (usize::from(size) - 1);
        let deadline = Instant::now() + Duration::from_secs(8);
        while Instant::now() < deadline {
            let decided = facts.borrow().iter().filter(|event| is_end(&event.what)).count();
            if decided >= ends {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for mailbox in &mailboxes {
            mailbox.send(Nudge::Leave).await.ok();
        }
        for errand in errands {
            errand.await.unwrap();
        }
        stop.send(()).ok();
        serving.await.unwrap();
    });
    events.take()
}

fn is_end(what: &What) -> bool {
    matches!(what, What::Open { .. } | What::EdgeFailed { .. })
}

fn check(kind: Kind, routing: Routing, trigger: Trigger, initiator: Initiator, trickle: bool, size: u16) {
    let events = play(kind, routing, trigger, initiator, trickle, size);
    let failures: Vec<_> = events.iter().filter(|event| matches!(event.what, What::EdgeFailed { .. })).collect();
    let open = events.iter().filter(|event| matches!(event.what, What::Open { .. })).count();
    let ends = usize::from(size) * (usize::from(size) - 1);
    let began = events.iter().find(|event| matches!(event.what, What::Began { .. })).unwrap().at;
    let last = events.iter().rev().find(|event| is_end(&event.what)).map(|event| event.at - began);
    println!("{kind:?} {routing:?} {trigger:?} {initiator:?} trickle {trickle}: {open} of {ends} ends in {last:?}");
    assert_eq!(open, ends, "{failures:#?}");
}

#[test]
fn a_pair_opens_on_both_kinds_of_server() {
    check(Kind::Relay, Routing::All, Trigger::UserJoinedRoom, Initiator::LowerId, true, 2);
    check(Kind::Registry, Routing::All, Trigger::UserJoinedRoom, Initiator::LowerId, true, 2);
}

#[test]
fn a_room_opens_with_every_trigger_and_initiator() {
    for kind in [Kind::Relay, Kind::Registry] {
        for routing in [Routing::All, Routing::Room] {
            for trigger in Trigger::ALL {
                if kind == Kind::Relay && trigger == Trigger::RoomList {
                    continue;
                }
                check(kind, routing, trigger, Initiator::LowerId, true, 6);
            }
        }
        for initiator in [Initiator::Existing, Initiator::Newcomer] {
            check(kind, Routing::All, Trigger::UserJoinedRoom, initiator, true, 6);
        }
        check(kind, Routing::All, Trigger::UserJoinedRoom, Initiator::LowerId, false, 6);
    }
}
