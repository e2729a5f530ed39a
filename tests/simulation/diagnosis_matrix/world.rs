//! A world on a virtual clock: the reference server without sockets, a network that takes its time, engine `none`.

use meshload::dialect::Dialect;
use meshload::driver::{Input, OutgoingFrame, Output, VirtualPeer};
use meshload::engine::{Engine, NoneEngine};
use meshload::peer::PeerCommand;
use meshload::probe::{Environment, HandshakePlay, HandshakeProgress, LineEvent, RawConnection, TimedLineEvent};
use meshload::server::rooms::{ClientId, SignalingRooms};
use meshload::server::service::Service;
use meshload::server::{RoomModel, Routing, faults};
use meshload::vocabulary::{
    EngineEvent, Event, EventKind, Failure, PeerEvent, PeerIndex, Phase, Place, Reason, RoomIndex, Seat, Seed,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Far more than any probe needs.
const HAPPENINGS_MAX: usize = 1_000_000;

/// Owner of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    Line(RawConnection),
    Player(usize),
}

#[derive(Debug)]
enum Happening {
    ServerSees(usize),
    Up(usize),
    ToServer(usize, String),
    ServerMisses(usize),
    ToClient(usize, Arc<str>),
    Cut(usize),
    ServerWake,
    Begin(usize),
    Notice(usize, Seat, EngineEvent),
    Wake(usize),
}

struct Client {
    owner: Owner,
    open: bool,
    up: Instant,
    down: Instant,
    /// The server reads nothing of it before.
    heard_from: Instant,
}

/// Settings that a server loads before it listens to a client: how long that takes, and how long they then stay fresh.
pub struct CachedSettings {
    pub loads: Duration,
    pub fresh: Duration,
    loaded: Option<Instant>,
}

impl CachedSettings {
    pub fn new(loads: Duration, fresh: Duration) -> Self {
        Self { loads, fresh, loaded: None }
    }

    /// The end of the load that a client waits for who connects now.
    fn loaded_for(&mut self, now: Instant) -> Instant {
        let is_stale = self.loaded.is_none_or(|loaded| loaded + self.fresh <= now);
        if is_stale {
            self.loaded = Some(now + self.loads);
        }
        self.loaded.unwrap_or(now)
    }
}

struct Player {
    virtual_peer: VirtualPeer,
    engine: NoneEngine,
    client: Option<usize>,
    wake: Option<Instant>,
}

pub struct Virtual {
    start: Instant,
    now: Instant,
    queue: BTreeMap<(Instant, u64), Happening>,
    queued: u64,
    network: ChaCha8Rng,
    delay_max: Duration,
    server: Service,
    server_wake: Option<Instant>,
    pub settings: Option<CachedSettings>,
    clients: Vec<Client>,
    lines: Vec<usize>,
    players: Vec<Player>,
    news: VecDeque<TimedLineEvent>,
    events: VecDeque<Event>,
}

impl Virtual {
    pub fn new(kind: RoomModel, routing: Routing, fault: Option<&str>, delay_max: Duration, seed: Seed) -> Self {
        let start = Instant::now();
        let rules = fault.map_or(vec![], |fault| faults::rules(fault).unwrap());
        let rooms = SignalingRooms::new(kind, routing, Duration::from_millis(100), start, jiff::Timestamp::UNIX_EPOCH);
        Self {
            start,
            now: start,
            queue: BTreeMap::new(),
            queued: 0,
            network: seed.stream("network", 0),
            delay_max,
            server: Service::new(rooms, rules, seed, start),
            server_wake: None,
            settings: None,
            clients: vec![],
            lines: vec![],
            players: vec![],
            news: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    /// Since the world began.
    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    fn post(&mut self, at: Instant, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at.max(self.now), self.queued), happening);
    }

    fn delay(&mut self) -> Duration {
        let longest = self.delay_max.as_micros() as u64;
        Duration::from_micros(self.network.random_range(longest / 4..=longest))
    }

    /// When something said now arrives: TCP keeps the order.
    fn upward(&mut self, client: usize) -> Instant {
        let at = (self.now + self.delay()).max(self.clients[client].up);
        self.clients[client].up = at;
        at
    }

    fn connect(&mut self, owner: Owner) -> usize {
        let index = self.clients.len();
        self.clients.push(Client { owner, open: false, up: self.now, down: self.now, heard_from: self.now });
        let seen = self.upward(index);
        self.post(seen, Happening::ServerSees(index));
        let up = seen + self.delay();
        self.clients[index].down = up;
        self.post(up, Happening::Up(index));
        index
    }

    fn send(&mut self, client: usize, text: String) {
        if self.clients[client].open {
            let at = self.upward(client);
            self.post(at, Happening::ToServer(client, text));
        }
    }

    fn disconnect(&mut self, client: usize) {
        if std::mem::take(&mut self.clients[client].open) {
            let at = self.upward(client);
            self.post(at, Happening::ServerMisses(client));
        }
    }

    /// The next happening, if it is not after `until`; else the clock moves there.
    fn step(&mut self, until: Instant) -> bool {
        match self.queue.first_key_value() {
            Some(((at, _), _)) if *at <= until => {
                let ((at, _), happening) = self.queue.pop_first().unwrap();
                self.now = at;
                self.happen(happening);
                true
            }
            _ => {
                self.now = self.now.max(until);
                false
            }
        }
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::ServerSees(client) => {
                let loaded = self.settings.as_mut().map(|settings| settings.loaded_for(self.now));
                self.clients[client].heard_from = loaded.unwrap_or(self.now);
                self.serve(|server, now| server.connected(now, id(client)));
            }
            Happening::ToServer(client, _) if self.now < self.clients[client].heard_from => {}
            Happening::ToServer(client, text) => self.serve(|server, now| server.frame(now, id(client), &text)),
            Happening::ServerMisses(client) => self.serve(|server, now| server.closed(now, id(client))),
            Happening::ServerWake => {
                self.server_wake = None;
                self.serve(Service::wake);
            }
            Happening::Up(client) => {
                self.clients[client].open = true;
                match self.clients[client].owner {
                    Owner::Line(line) => {
                        self.news.push_back(TimedLineEvent { line, at: self.now, event: LineEvent::Up });
                    }
                    Owner::Player(player) => self.stimulate(player, Input::Upgraded),
                }
            }
            Happening::ToClient(client, text) if self.clients[client].open => match self.clients[client].owner {
                Owner::Line(line) => {
                    let event = LineEvent::Frame(text.to_string());
                    self.news.push_back(TimedLineEvent { line, at: self.now, event });
                }
                Owner::Player(player) => self.stimulate(player, Input::Frame(&text)),
            },
            Happening::ToClient(..) => {}
            Happening::Cut(client) => {
                self.disconnect(client);
                let failure = || Failure::new(Phase::Connect, Reason::Closed, "");
                match self.clients[client].owner {
                    Owner::Line(line) => {
                        self.news.push_back(TimedLineEvent { line, at: self.now, event: LineEvent::Down(failure()) });
                    }
                    Owner::Player(player) => self.stimulate(player, Input::Lost(failure())),
                }
            }
            Happening::Begin(player) => self.begin(player),
            Happening::Notice(player, seat, notice) => self.stimulate(player, Input::Engine(seat, notice)),
            Happening::Wake(player) => {
                self.players[player].wake = None;
                if self.players[player].virtual_peer.wake_at().is_some_and(|at| at <= self.now) {
                    self.stimulate(player, Input::Wake);
                } else {
                    self.set_alarm(player);
                }
            }
        }
    }

    fn serve(&mut self, input: impl FnOnce(&mut Service, Instant)) {
        input(&mut self.server, self.now);
        while let Some(delivery) = self.server.poll() {
            let clients: Vec<ClientId> = self.server.recipients(&delivery.to).collect();
            for client in clients {
                let index = client.0 as usize;
                let at = (self.now + self.delay()).max(self.clients[index].down);
                self.clients[index].down = at;
                self.post(at, Happening::ToClient(index, delivery.text.clone()));
            }
        }
        while let Some(client) = self.server.poll_disconnect() {
            self.post(self.now, Happening::Cut(client.0 as usize));
        }
        if let Some(at) = self.server.wake_at()
            && self.server_wake.is_none_or(|set| at < set)
        {
            self.server_wake = Some(at);
            self.post(at, Happening::ServerWake);
        }
    }

    fn begin(&mut self, player: usize) {
        self.stimulate(player, Input::Begin { due: self.now });
        for other in (0..self.players.len()).filter(|other| *other != player) {
            // Both learn of each other, as soon as both have begun.
            if self.players[other].client.is_some() {
                self.stimulate(other, Input::Command(PeerCommand::Companion { seat: Seat(player as u16) }));
                self.stimulate(player, Input::Command(PeerCommand::Companion { seat: Seat(other as u16) }));
            }
        }
    }

    fn stimulate(&mut self, player: usize, input: Input<'_>) {
        self.players[player].virtual_peer.handle(self.now, input);
        while let Some(output) = self.players[player].virtual_peer.poll() {
            self.carry_out(player, output);
        }
        self.set_alarm(player);
    }

    fn carry_out(&mut self, player: usize, output: Output) {
        let place = self.players[player].virtual_peer.place();
        match output {
            Output::Dial => self.players[player].client = Some(self.connect(Owner::Player(player))),
            Output::Say(OutgoingFrame { text, kind, to }) => {
                let what = EventKind::Peer(PeerEvent::Said { kind, bytes: text.len() as u32, to });
                self.events.push_back(Event::new(self.now, place, what));
                if let Some(client) = self.players[player].client {
                    self.send(client, text);
                }
            }
            Output::Engine(seat, order) => {
                let engine = &mut self.players[player].engine;
                engine.order(self.now, seat, order);
                let notices: Vec<_> = std::iter::from_fn(|| engine.poll()).collect();
                for notice in notices {
                    self.post(self.now, Happening::Notice(player, notice.seat, notice.event));
                }
            }
            Output::Close => {
                if let Some(client) = self.players[player].client {
                    self.disconnect(client);
                }
            }
            Output::Event(what) => self.events.push_back(Event::new(self.now, place, what)),
            Output::Send(_) => {}
        }
    }

    fn set_alarm(&mut self, player: usize) {
        if let Some(at) = self.players[player].virtual_peer.wake_at()
            && self.players[player].wake.is_none_or(|set| at < set)
        {
            self.players[player].wake = Some(at);
            self.post(at, Happening::Wake(player));
        }
    }
}

impl Environment for Virtual {
    fn now(&self) -> Instant {
        self.now
    }

    fn open_connection(&mut self) -> RawConnection {
        let line = RawConnection(self.lines.len());
        let client = self.connect(Owner::Line(line));
        self.lines.push(client);
        line
    }

    fn send_text(&mut self, line: RawConnection, text: String) {
        self.send(self.lines[line.0], text);
    }

    fn close_connection(&mut self, line: RawConnection) {
        self.disconnect(self.lines[line.0]);
    }

    fn next_event(&mut self, until: Instant) -> Option<TimedLineEvent> {
        for _ in 0..HAPPENINGS_MAX {
            if let Some(news) = self.news.pop_front() {
                return Some(news);
            }
            if !self.step(until) {
                return self.news.pop_front();
            }
        }
        panic!("the world never comes to rest");
    }

    fn first_frame(&mut self, _dialect: &Dialect, _at_most: Duration) -> Option<String> {
        None
    }

    fn play(&mut self, play: &HandshakePlay, progress: &mut HandshakeProgress<'_>) {
        let size = play.size();
        assert!(play.observer.is_none(), "the dashboard has experiments of its own");
        let player = |index: u16| {
            let place = Place { room: RoomIndex(0), seat: Seat(index), peer: PeerIndex(index.into()) };
            let virtual_peer = play.spec(place, (self.start, 1_763_712_345_678), Seed(1)).build();
            Player { virtual_peer, engine: NoneEngine::new(u64::from(index) + 1), client: None, wake: None }
        };
        self.players = (0..size).map(player).collect();
        for (index, begin) in play.begins.iter().enumerate() {
            self.post(self.now + *begin, Happening::Begin(index));
        }
        for _ in 0..HAPPENINGS_MAX {
            if !self.step(progress.ends_at()) {
                break;
            }
            while let Some(event) = self.events.pop_front() {
                progress.record(&event);
            }
            if progress.ends_at() <= self.now {
                break;
            }
        }
        for index in 0..self.players.len() {
            self.stimulate(index, Input::Command(PeerCommand::Leave));
        }
        // Until the goodbyes have been heard.
        let until = self.now + 4 * self.delay_max;
        while self.step(until) {}
        self.events.clear();
    }
}

fn id(client: usize) -> ClientId {
    ClientId(client as u32)
}
