//! A room of peers over real sockets: the driver against the embedded server, without a controller.

use meshload::dialect::{Dialect, Wire};
use meshload::driver::{AlarmClock, PeerSpec, PeerTask, VirtualPeer};
use meshload::engine::{EngineSettings, LeanEngine, LeanSetup, PeerAddresses};
use meshload::peer::{PeerCommand, TrafficConfig};
use meshload::server::{self, RoomModel, Routing, Server};
use meshload::signaling::Endpoint;
use meshload::vocabulary::{
    Approval, EdgeEvent, Event, EventKind, HandshakeSettings, Initiator, Naming, PeerIndex, Place, Reliability,
    RoomIndex, Seat, Seed, Trigger,
};
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

/// Settings that one room is played with.
#[derive(Clone, Copy, Debug)]
struct Case {
    /// It speaks the file instead of the built-in.
    kind: RoomModel,
    routing: Routing,
    trigger: Trigger,
    initiator: Initiator,
    trickle: bool,
    size: u16,
    /// Goes when all is open, before the others do.
    leaver: Option<Seat>,
}

const TIMEOUT: Duration = Duration::from_secs(5);

/// Plays the room until every edge is decided, and gives the facts.
fn play(case: Case) -> Vec<Event> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let facts = Rc::new(RefCell::new(Vec::<Event>::new()));
    LocalSet::new().block_on(&runtime, async {
        let config = server::Config { kind: case.kind, routing: case.routing, ..server::Config::default() };
        let server = Server::bind(config).await.unwrap();
        let endpoint = Rc::new(endpoint(&format!("ws://{}/ws/", server.address())));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let serving = tokio::task::spawn_local(server.run(async move {
            stopped.await.ok();
        }));
        let clock = AlarmClock::new().unwrap();
        let ticking = clock.clone();
        tokio::task::spawn_local(async move { ticking.run().await });
        let (mut mailboxes, mut tasks) = (vec![], vec![]);
        let (setup, epoch) = (setup(case), Instant::now());
        for seat in (0..case.size).map(Seat) {
            let engine =
                LeanEngine::open(setup.clone(), case.size, None, Seed(1).stream("ice", seat.0.into())).unwrap();
            let (mailbox, nudges) = mpsc::channel(256);
            for other in (0..case.size).map(Seat).filter(|other| *other != seat) {
                mailbox.try_send(PeerCommand::Companion { seat: other }).unwrap();
            }
            mailboxes.push(mailbox);
            let facts = facts.clone();
            let recorder = move |event| facts.borrow_mut().push(event);
            let virtual_peer = virtual_peer(case, seat, epoch);
            let task = PeerTask::new(virtual_peer, Box::new(engine), endpoint.clone(), nudges, clock.alarm(), recorder);
            tasks.push(tokio::task::spawn_local(task.run(Instant::now())));
        }
        let deadline = Instant::now() + TIMEOUT + Duration::from_secs(3);
        while decided(&facts.borrow()) < case.ends() && Instant::now() < deadline {
            clock.sleep_until(Instant::now() + Duration::from_millis(2)).await;
        }
        if let Some(leaver) = case.leaver {
            mailboxes[usize::from(leaver.0)].send(PeerCommand::Leave).await.unwrap();
            let deadline = Instant::now() + Duration::from_secs(2);
            while closed(&facts.borrow(), leaver) < usize::from(case.size) - 1 && Instant::now() < deadline {
                clock.sleep_until(Instant::now() + Duration::from_millis(2)).await;
            }
        }
        for mailbox in &mailboxes {
            mailbox.send(PeerCommand::Leave).await.ok();
        }
        for task in tasks {
            task.await.unwrap();
        }
        stop.send(()).ok();
        serving.await.unwrap();
    });
    facts.take()
}

impl Case {
    /// Both ends of every edge.
    fn ends(self) -> usize {
        usize::from(self.size) * (usize::from(self.size) - 1)
    }
}

fn endpoint(url: &str) -> Endpoint {
    Endpoint {
        url: url.parse().unwrap(),
        headers: vec![],
        subprotocol: None,
        origin: None,
        user_agent: "meshload/test".to_owned(),
        route: Arc::default(),
        wire: Wire::Text,
        before: None,
    }
}

fn setup(case: Case) -> LeanSetup {
    let settings = EngineSettings {
        addresses: PeerAddresses::default(),
        timeout: TIMEOUT,
        trickle: case.trickle,
        ordered: true,
        reliability: Reliability::Reliable,
    };
    LeanSetup::new(settings).unwrap()
}

fn virtual_peer(case: Case, seat: Seat, epoch: Instant) -> VirtualPeer {
    let spec = PeerSpec {
        place: Place { room: RoomIndex(0), seat, peer: PeerIndex(seat.0.into()) },
        room_size: case.size,
        guests: 0,
        naming: Naming::new("t", case.size.into()),
        name: format!("peer {}", seat.0),
        room: "t-room-0".to_owned(),
        dialect: Dialect::named("dashboard").unwrap(),
        handshake: HandshakeSettings {
            trigger: case.trigger,
            initiator: case.initiator,
            settle: Duration::ZERO,
            approval: Approval::Off,
            timeout: TIMEOUT,
            trickle: case.trickle,
        },
        epoch: (epoch, 0),
        token: String::new(),
        data: Default::default(),
        seed: Seed(1),
        traffic: TrafficConfig::silent(),
        backoff: None,
        exchange: None,
    };
    spec.build()
}

fn decided(events: &[Event]) -> usize {
    events.iter().filter(|event| is_end(&event.kind)).count()
}

/// Channels to `leaver` that the others saw close. Its goodbye through the server may come after that.
fn closed(events: &[Event], leaver: Seat) -> usize {
    let is_closed = |event: &&Event| matches!(event.kind, EventKind::Edge { other, event: EdgeEvent::Closed { .. } } if other == leaver);
    events.iter().filter(is_closed).count()
}

fn is_end(what: &EventKind) -> bool {
    matches!(
        what,
        EventKind::Edge { event: EdgeEvent::Open, .. } | EventKind::Edge { event: EdgeEvent::Failed { .. }, .. }
    )
}

fn check(case: Case) {
    let events = play(case);
    let failures: Vec<_> = events
        .iter()
        .filter(|event| matches!(event.kind, EventKind::Edge { event: EdgeEvent::Failed { .. }, .. }))
        .collect();
    let open =
        events.iter().filter(|event| matches!(event.kind, EventKind::Edge { event: EdgeEvent::Open, .. })).count();
    assert_eq!(open, case.ends(), "{case:?}: {failures:#?}");
}

const USUAL: Case = Case {
    kind: RoomModel::Relay,
    routing: Routing::All,
    trigger: Trigger::UserJoinedRoom,
    initiator: Initiator::LowerId,
    trickle: true,
    size: 6,
    leaver: None,
};

#[test]
fn a_pair_opens_on_both_kinds_of_server() {
    check(Case { kind: RoomModel::Relay, size: 2, ..USUAL });
    check(Case { kind: RoomModel::Registry, size: 2, ..USUAL });
}

#[test]
fn a_room_opens_with_every_trigger() {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        for routing in [Routing::All, Routing::Room] {
            for trigger in Trigger::ALL {
                // A relay has no list.
                if kind == RoomModel::Registry || trigger != Trigger::RoomList {
                    check(Case { kind, routing, trigger, ..USUAL });
                }
            }
        }
    }
}

#[test]
fn a_room_opens_whoever_offers() {
    for kind in [RoomModel::Relay, RoomModel::Registry] {
        for initiator in [Initiator::LowerId, Initiator::Existing, Initiator::Newcomer] {
            check(Case { kind, initiator, ..USUAL });
        }
    }
}

#[test]
fn a_room_opens_without_trickling() {
    check(Case { trickle: false, ..USUAL });
}

#[test]
fn who_leaves_is_noticed_at_once() {
    let case = Case { leaver: Some(Seat(1)), size: 4, ..USUAL };
    let events = play(case);
    assert_eq!(closed(&events, Seat(1)), 3, "{events:#?}");
}
