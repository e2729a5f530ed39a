//! A peer whose code panics ends no other peer.

use super::super::super::target::endpoint::{Access, Endpoints};
use super::super::room_facts;
use super::super::status::WorkerStatuses;
use super::*;
use crate::dialect::Dialect;
use crate::engine::{Engine, EngineNotice, Gathering, NoneEngine};
use crate::plan::Plan;
use crate::profile::{self, ProfileSource};
use crate::vocabulary::{EngineCommand, Naming, Seed};
use std::io;
use std::net::TcpListener;
use std::task::{Context, Poll};
use tokio::task::LocalSet;

struct Panicking;

impl Engine for Panicking {
    fn order(&mut self, _now: Instant, _seat: Seat, _order: EngineCommand) {}

    fn send(&mut self, _now: Instant, _seat: Seat, _payload: &[u8]) -> bool {
        false
    }

    fn poll(&mut self) -> Option<EngineNotice> {
        None
    }

    fn poll_readable(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        panic!("on purpose")
    }

    fn close(&mut self, _now: Instant) {}
}

/// One room of three, whose target takes connections and never answers.
fn common(url: String) -> Arc<RunContext> {
    let text = "[rooms]\ncount = 1\nsize = 3\n[arrivals]\nshape = \"burst\"\n[handshake]\ntimeout = \"600s\"";
    let profile = profile::read(ProfileSource { name: "p.toml", text }, &[], &|_| None).unwrap();
    let target = profile.target.clone();
    let policy = profile.engine.ice_transport_policy;
    let plan = Plan::new(profile, Seed(1));
    Arc::new(RunContext {
        redactor: Arc::default(),
        watched: None,
        rooms_shown: Default::default(),
        sample: Default::default(),
        events: None,
        out_of_memory: false.into(),
        endpoints: vec![Endpoints::new(target, url, "m1", Access::default())],
        gathering: Gathering::new(vec![], policy).unwrap(),
        dialect: Dialect::named("dashboard").unwrap(),
        naming: Naming::new("m1".to_owned(), 3),
        start: Instant::now(),
        start_unix_ms: 0,
        pool: vec![0; 1 << 17].into(),
        statuses: WorkerStatuses::new(1),
        share: plan.share(0, 1),
        plan,
    })
}

/// Plays with the one room of `common`, and what is recorded of it.
fn in_a_room(play: impl AsyncFnOnce(Arc<RunContext>, Rc<RefCell<Recorder>>)) {
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let common = common(format!("ws://{}/ws/", target.local_addr().unwrap()));
    let facts: Vec<_> = common.plan.share(0, 1).rooms.iter().map(|room| room_facts(&common, room)).collect();
    let recorder = Recorder::new(&facts, common.start, common.dialect.kinds().len());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, play(common, Rc::new(RefCell::new(recorder))));
}

#[test]
fn who_arrives_when_the_memory_is_used_up_fails_by_our_limit() {
    in_a_room(async |common, recorder| {
        common.out_of_memory.store(true, Ordering::Relaxed);
        let rooms = common.plan.share(0, 1).rooms;
        let mut spawner = PeerSpawner::new(common, rooms, AlarmClock::new().unwrap(), recorder.clone(), vec![]);
        while spawner.next_due().is_some() {
            spawner.run_next();
        }
        let tally = recorder.borrow().tally();
        assert_eq!((tally.peers_failed, tally.peers_alive, spawner.is_empty()), (3, 0, true));
    });
}

#[test]
fn a_panic_fails_its_own_peer_and_the_others_of_the_room_live_on() {
    in_a_room(async |common, recorder| {
        let rooms = common.plan.share(0, 1).rooms;
        let mut spawner = PeerSpawner::new(common, rooms, AlarmClock::new().unwrap(), recorder.clone(), vec![]);
        spawner.engines = vec![Engines::Made(|place| match place.seat {
            Seat(0) => Box::new(Panicking),
            _ => Box::new(NoneEngine::new(0)),
        })];
        while spawner.next_due().is_some() {
            spawner.run_next();
        }
        spawner.peer_ended().await;
        let tally = recorder.borrow().tally();
        assert_eq!((spawner.panics(), tally.peers_failed, tally.peers_alive, tally.edges_failed), (1, 1, 2, 2));

        spawner.apply(PeerCommand::Leave);
        while !spawner.is_empty() {
            spawner.peer_ended().await;
        }
        let tally = recorder.borrow().tally();
        assert_eq!((spawner.panics(), tally.peers_failed, tally.peers_alive), (1, 1, 0));
    });
}
