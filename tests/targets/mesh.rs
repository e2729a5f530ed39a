//! One room of virtual peers against a server, without a controller: joins, opens, talks, leaves.

use meshload::dialect::Dialect;
use meshload::driver::{AlarmClock, IdExchange, PeerSpec, PeerTask};
use meshload::engine::{EngineSettings, LeanEngine, LeanSetup, PeerAddresses};
use meshload::peer::{PeerCommand, TrafficConfig, TrafficPattern};
use meshload::signaling::Endpoint;
use meshload::vocabulary::{
    Concern, EdgeEvent, Event, EventKind, FrameKind, HandshakeSettings, Naming, PeerEvent, PeerIndex, Place,
    Reliability, RoomIndex, Seat, Seed,
};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tokio::task::LocalSet;

const TIMEOUT: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// Each when the one before it has joined.
    InOrder,
    AtOnce,
}

/// Leave of the last peer, while the others stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    Said,
    /// As a tab that is killed: its sockets are gone, and it tells nobody.
    Silent,
}

/// The outcome of a play.
pub struct Mesh {
    pub edges_open: u64,
    pub pairs_that_talked: u64,
    pub failures: Vec<Event>,
    /// From the first dial to the last open channel.
    took: Duration,
    sent: usize,
    received: usize,
    /// Pairs that both offered; either of them may say so, or both.
    glare: usize,
    /// Notices of the last seat's leave that each peer which stayed got from the server.
    pub leave_words: Vec<usize>,
    /// Peers that noticed the last seat's leave: by a word from the server or by their channel, whichever came.
    pub leave_notices: usize,
}

impl fmt::Display for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = self.edges_open.max(1) as f64;
        let (sent, received) = (self.sent as f64 / pairs, self.received as f64 / pairs);
        write!(
            f,
            "{} open in {:?}, frames per pair {sent:.1} sent {received:.1} received, ",
            self.edges_open, self.took
        )?;
        write!(f, "glare {}, leave notices {}", self.glare, self.leave_notices)
    }
}

impl Farewell {
    fn nudge(self) -> PeerCommand {
        match self {
            Self::Said => PeerCommand::Leave,
            Self::Silent => PeerCommand::Depart { silent: true },
        }
    }
}

impl Mesh {
    pub fn play(dialect: &str, url: &str, round: usize, size: u16, arrival: Arrival, farewell: Farewell) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let events = Rc::new(RefCell::new(Vec::<Event>::new()));
        let room = Room::new(dialect, url, round, size, events.clone());
        let leave = room.leave_kind();
        LocalSet::new().block_on(&runtime, room.play(arrival, farewell));
        let events = events.take();
        Self::of(&events, leave)
    }

    fn of(events: &[Event], leave: Option<FrameKind>) -> Self {
        let count = |wanted: fn(&EventKind) -> bool| events.iter().filter(|event| wanted(&event.kind)).count();
        let ends = |wanted: fn(&EventKind) -> Option<Seat>| {
            let end = |event: &Event| wanted(&event.kind).map(|other| (event.place.seat, other));
            events.iter().filter_map(end).collect::<BTreeSet<_>>()
        };
        let both = |ends: BTreeSet<(Seat, Seat)>| {
            ends.iter().filter(|(a, b)| a < b && ends.contains(&(*b, *a))).count() as u64
        };
        let open =
            ends(|what| if let EventKind::Edge { other, event: EdgeEvent::Open } = what { Some(*other) } else { None });
        let talked = ends(|what| {
            if let EventKind::Edge { other, event: EdgeEvent::MessageReceived { .. } } = what {
                Some(*other)
            } else {
                None
            }
        });
        let glared =
            ends(
                |what| if let EventKind::Edge { other, event: EdgeEvent::Glare } = what { Some(*other) } else { None },
            );
        let failed = |event: &&Event| {
            matches!(
                event.kind,
                EventKind::Edge { event: EdgeEvent::Failed { .. }, .. } | EventKind::Peer(PeerEvent::PeerFailed { .. })
            )
        };
        let began = events.first().unwrap().at;
        let last_open =
            events.iter().rfind(|event| matches!(event.kind, EventKind::Edge { event: EdgeEvent::Open, .. }));
        let last_seat = events.iter().map(|event| event.place.seat).max();
        let words_at = |seat: Seat| {
            let told = |event: &&Event| event.place.seat == seat && tells_of_leave(&event.kind, leave, last_seat);
            events.iter().filter(told).count()
        };
        Self {
            edges_open: both(open),
            pairs_that_talked: both(talked),
            failures: events.iter().filter(failed).cloned().collect(),
            took: last_open.map_or(Duration::ZERO, |event| event.at - began),
            sent: count(|what| matches!(what, EventKind::Peer(PeerEvent::Said { .. }))),
            received: count(|what| matches!(what, EventKind::Peer(PeerEvent::Frame { .. }))),
            glare: glared.iter().map(|(a, b)| (a.min(b), a.max(b))).collect::<BTreeSet<_>>().len(),
            leave_words: (0..last_seat.map_or(0, |seat| seat.0)).map(|seat| words_at(Seat(seat))).collect(),
            leave_notices: events
                .iter()
                .filter(|event| matches!(event.kind, EventKind::Edge { other, event: EdgeEvent::NoticedLeave } if Some(other) == last_seat))
                .map(|event| event.place.seat)
                .collect::<BTreeSet<_>>()
                .len(),
        }
    }
}

/// A frame of the server about the leave of `leaver`.
fn tells_of_leave(what: &EventKind, leave: Option<FrameKind>, leaver: Option<Seat>) -> bool {
    matches!(what, EventKind::Peer(PeerEvent::Frame { kind, concern: Concern::Me { from }, .. }) if Some(*kind) == leave && *from == leaver)
}

struct Room {
    dialect: Dialect,
    url: String,
    round: usize,
    size: u16,
    events: Rc<RefCell<Vec<Event>>>,
    naming: Naming,
    exchange: IdExchange,
    setup: LeanSetup,
    epoch: Instant,
}

impl Room {
    fn new(dialect: &str, url: &str, round: usize, size: u16, events: Rc<RefCell<Vec<Event>>>) -> Self {
        let dialect = Dialect::named(dialect).unwrap();
        let settings = EngineSettings {
            addresses: PeerAddresses::default(),
            timeout: TIMEOUT,
            trickle: dialect.trickles(),
            ordered: true,
            reliability: Reliability::Reliable,
        };
        let setup = LeanSetup::new(settings).unwrap();
        let naming = Naming::new(format!("t{round}"), size.into());
        let exchange = IdExchange::new(size);
        Self { dialect, url: url.to_owned(), round, size, events, naming, exchange, setup, epoch: Instant::now() }
    }

    /// Name under which the dialect's frames about a leave are counted, if it has any.
    fn leave_kind(&self) -> Option<FrameKind> {
        let leave = self.dialect.kinds().iter().position(|name| *name == "leave")?;
        Some(FrameKind(leave as u8))
    }

    async fn play(self, arrival: Arrival, farewell: Farewell) {
        let clock = AlarmClock::new().unwrap();
        let ticking = clock.clone();
        tokio::task::spawn_local(async move { ticking.run().await });
        let mut mailboxes: Vec<mpsc::Sender<PeerCommand>> = vec![];
        let mut tasks = vec![];
        for seat in (0..self.size).map(Seat) {
            let (sender, receiver) = mpsc::channel(256);
            let task = self.task(seat, receiver, &clock);
            tasks.push(tokio::task::spawn_local(task.run(Instant::now())));
            for (other, mailbox) in mailboxes.iter().enumerate() {
                // Who has failed hears nothing any more; the failure is told with the mesh.
                mailbox.try_send(PeerCommand::Companion { seat }).ok();
                sender.try_send(PeerCommand::Companion { seat: Seat(other as u16) }).unwrap();
            }
            mailboxes.push(sender);
            if arrival == Arrival::InOrder {
                self.until(usize::from(seat.0) + 1, |what| {
                    matches!(what, EventKind::Peer(PeerEvent::Joined) | EventKind::Peer(PeerEvent::PeerFailed { .. }))
                })
                .await;
            }
        }
        let ends = usize::from(self.size) * usize::from(self.size - 1);
        self.until(ends, |what| {
            matches!(
                what,
                EventKind::Edge { event: EdgeEvent::Open, .. }
                    | EventKind::Edge { event: EdgeEvent::Failed { .. }, .. }
            )
        })
        .await;
        for mailbox in &mailboxes {
            mailbox.send(PeerCommand::StartTraffic).await.ok();
        }
        self.until(ends, |what| matches!(what, EventKind::Edge { event: EdgeEvent::MessageReceived { .. }, .. })).await;
        if let Some(last) = mailboxes.pop() {
            last.send(farewell.nudge()).await.ok();
            self.until_told().await;
        }
        for mailbox in mailboxes.iter().rev() {
            mailbox.send(PeerCommand::Leave).await.ok();
        }
        for task in tasks {
            task.await.unwrap();
        }
    }

    fn task(
        &self,
        seat: Seat,
        mailbox: mpsc::Receiver<PeerCommand>,
        clock: &Rc<AlarmClock>,
    ) -> PeerTask<impl Fn(Event) + use<>> {
        let place = Place { room: RoomIndex(0), seat, peer: PeerIndex(seat.0.into()) };
        let spec = PeerSpec {
            place,
            room_size: self.size,
            guests: 0,
            naming: self.naming.clone(),
            name: format!("peer {}", seat.0),
            room: format!("t-room-{}", self.round),
            dialect: self.dialect.clone(),
            handshake: HandshakeSettings { trickle: self.dialect.trickles(), ..HandshakeSettings::within(TIMEOUT) },
            epoch: (self.epoch, 0),
            token: String::new(),
            data: Default::default(),
            seed: Seed(self.round as u64),
            traffic: TrafficConfig {
                pattern: TrafficPattern::Broadcast,
                interval: Duration::from_millis(100),
                bytes: (64, 64),
                pool: Arc::from(vec![0; 4096]),
                draws: Seed(1).stream("talk", seat.0.into()),
            },
            backoff: None,
            exchange: Some(self.exchange.clone()),
        };
        let mut virtual_peer = spec.build();
        let connect = virtual_peer.conversation().connect(&self.url);
        let endpoint = Endpoint {
            url: connect.url.parse().unwrap(),
            headers: connect.headers,
            subprotocol: connect.subprotocol,
            origin: None,
            user_agent: "meshload/test".to_owned(),
            route: Arc::default(),
            wire: connect.wire,
            before: None,
        };
        let engine =
            LeanEngine::open(self.setup.clone(), self.size, None, Seed(1).stream("ice", seat.0.into())).unwrap();
        let events = self.events.clone();
        let recorder = move |event| events.borrow_mut().push(event);
        PeerTask::new(virtual_peer, Box::new(engine), Rc::new(endpoint), mailbox, clock.alarm(), recorder)
    }

    /// Until the server has told all who stay that the last seat has left, as often as the dialect says; without
    /// a word from the server, a leave is noticed only when ICE gives up.
    async fn until_told(&self) {
        let (leave, stay) = (self.leave_kind(), usize::from(self.size) - 1);
        let words = usize::from(self.dialect.leave_notices()) * stay;
        if words > 0 {
            self.until(words, move |what| tells_of_leave(what, leave, Some(Seat(stay as u16)))).await;
            self.until(stay, |what| matches!(what, EventKind::Edge { event: EdgeEvent::NoticedLeave, .. })).await;
        }
    }

    /// Until so many facts of that sort are booked, or time is up.
    async fn until(&self, count: usize, wanted: impl Fn(&EventKind) -> bool) {
        let deadline = Instant::now() + TIMEOUT + Duration::from_secs(1);
        while Instant::now() < deadline {
            if self.events.borrow().iter().filter(|event| wanted(&event.kind)).count() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
