//! The world on a virtual clock: one queue of dated happenings, from which everything else follows.

use super::foreign::ForeignServer;
use super::judge::Judge;
use super::links::{Links, Posted, Side};
use super::scenario::{Deed, Fate, Scenario, Turn};
use meshload::driver::{Input, OutgoingFrame, Output, PeerSpec, VirtualPeer};
use meshload::engine::{Engine, NoneEngine};
use meshload::peer::{PeerCommand, ReconnectBackoff, TrafficConfig};
use meshload::server::faults::FaultAction;
use meshload::server::rooms::{ClientId, SharedText, SignalingRooms};
use meshload::server::service::Service;
use meshload::vocabulary::{
    Approval, EngineCommand, EngineEvent, Event, EventKind, Failure, HandshakeSettings, Naming, PeerEvent, Phase,
    Place, Reason, Seat,
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Far more than any run needs: beyond it somebody is talking to himself.
const HAPPENINGS_MAX: usize = 1_000_000;
/// After the last deadline all leave, and their goodbyes get this long.
const AFTERMATH: Duration = Duration::from_secs(2);

#[derive(Debug)]
enum Happening {
    Begin(usize),
    ServerSees(usize),
    Upgraded(usize),
    Lost(usize),
    /// The upgrade is answered with HTTP 429.
    TurnedAway(usize),
    ToServer(usize, String),
    ServerMisses(usize),
    ToPeer(usize, SharedText),
    Notice(Posted),
    InstantNotice(usize, Seat, EngineEvent),
    Wake(usize),
    ServerWake,
    /// To every peer, without a cause.
    ServerMakesUp(String),
    Leave(usize),
    /// Of the peer at this position in the plan, whatever its session.
    Turn(usize, Deed),
}

struct World<'a> {
    scenario: &'a Scenario,
    start: Instant,
    now: Instant,
    queue: BTreeMap<(Instant, u64), Happening>,
    queued: u64,
    network: ChaCha8Rng,
    server: Server,
    server_wake: Option<Instant>,
    /// One a session.
    players: Vec<Player>,
    /// Each peer's latest session.
    current: Vec<usize>,
    /// Until then the server is down, and dials are refused.
    down_until: Instant,
    links: Links,
    judge: Judge,
    aloud: bool,
}

struct Player {
    virtual_peer: VirtualPeer,
    place: Place,
    room_size: u16,
    fate: Fate,
    has_socket: bool,
    is_dialing: bool,
    /// The last frame each way arrives then: TCP keeps their order.
    up: Instant,
    down: Instant,
    wake: Option<Instant>,
    instant_engine: Option<NoneEngine>,
}

/// Plays the scenario to its end, and gives what was seen. `aloud` prints everything.
pub fn play(scenario: &Scenario, aloud: bool) -> Judge {
    let start = Instant::now();
    let mut world = World {
        scenario,
        start,
        now: start,
        queue: BTreeMap::new(),
        queued: 0,
        network: scenario.seed.stream("network", 0),
        server: server(scenario, start),
        server_wake: None,
        players: scenario.peers().map(|(place, size, _)| player(scenario, start, place, size, 0)).collect(),
        current: (0..scenario.fates.len()).collect(),
        down_until: start,
        links: Links::new(scenario.seed.stream("links", 0), scenario.lame_per_mille),
        judge: Judge::default(),
        aloud,
    };
    world.run();
    world.judge
}

/// The reference server, or one of another dialect.
enum Server {
    Reference(Box<Service>),
    Foreign(Box<ForeignServer>),
}

fn server(scenario: &Scenario, start: Instant) -> Server {
    if let Some(foreign) = scenario.foreign {
        return Server::Foreign(Box::new(ForeignServer::new(foreign, scenario.seed.stream("foreign", 0), start)));
    }
    let rooms = SignalingRooms::new(
        scenario.kind,
        scenario.routing,
        scenario.list_interval,
        start,
        jiff::Timestamp::UNIX_EPOCH,
    );
    Server::Reference(Box::new(Service::new(rooms, scenario.rules.clone(), scenario.seed, start)))
}

fn player(scenario: &Scenario, start: Instant, place: Place, room_size: u16, session: u64) -> Player {
    let draws = scenario.seed.stream("redial", session << 32 | u64::from(place.peer.0));
    let backoff = || ReconnectBackoff::new(Duration::from_millis(250), Duration::from_secs(5), draws);
    let spec = PeerSpec {
        place,
        room_size,
        guests: 0,
        naming: Naming::new("s", scenario.fates.len() as u32),
        name: format!("Peer {}", place.peer.0),
        room: format!("s-room-{}", place.room.0),
        dialect: scenario.dialect(),
        handshake: HandshakeSettings {
            trigger: scenario.trigger,
            initiator: scenario.initiator,
            settle: scenario.settle,
            approval: Approval::Off,
            timeout: scenario.timeout,
            trickle: scenario.trickle,
        },
        epoch: (start, 1_763_712_345_678),
        token: String::new(),
        data: Default::default(),
        seed: scenario.seed,
        traffic: TrafficConfig::silent(),
        backoff: scenario.redials.then(backoff),
        exchange: None,
    };
    Player {
        virtual_peer: spec.build(),
        place,
        room_size,
        fate: scenario.fates[place.peer.0 as usize],
        has_socket: false,
        is_dialing: false,
        up: start,
        down: start,
        wake: None,
        instant_engine: scenario.no_webrtc.then(|| NoneEngine::new(place.peer.0.into())),
    }
}

impl World<'_> {
    fn run(&mut self) {
        let mut last = self.start;
        for (place, _, begin) in self.scenario.peers() {
            self.post(self.start + begin, Happening::Begin(place.peer.0 as usize));
            last = last.max(self.start + begin);
        }
        for Turn { at, peer, deed } in &self.scenario.turns {
            self.post(self.start + *at, Happening::Turn(*peer, *deed));
            last = last.max(self.start + *at);
        }
        for (at, frame) in &self.scenario.made_up {
            self.post(self.start + *at, Happening::ServerMakesUp(frame.clone()));
        }
        let leave = last + self.scenario.timeout + Duration::from_millis(1);
        for peer in 0..self.players.len() {
            self.post(leave, Happening::Turn(peer, Deed::End));
        }
        // Each connection is told to everybody.
        let peers = self.players.len();
        for _ in 0..HAPPENINGS_MAX + 10 * peers * peers {
            let Some(((at, _), happening)) = self.queue.pop_first() else { return };
            if at > leave + AFTERMATH {
                return;
            }
            self.now = at;
            if self.aloud {
                println!("{:?} {happening:.300?}", at - self.start);
            }
            self.happen(happening);
        }
        self.fault("the world never comes to rest".to_owned());
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Begin(index) => self.begin(index),
            Happening::Upgraded(index) => {
                self.players[index].is_dialing = false;
                if !self.players[index].virtual_peer.is_gone() {
                    self.players[index].has_socket = true;
                    self.stimulate(index, Input::Upgraded);
                }
            }
            Happening::Lost(index) => self.lose(index),
            Happening::TurnedAway(index) => {
                self.players[index].is_dialing = false;
                let failure = Failure::new(Phase::Connect, Reason::Rejected, "HTTP 429");
                self.stimulate(index, Input::Lost(failure));
            }
            Happening::ToPeer(index, text) => {
                // Frames that were read together with the last words still reach the actor.
                if self.players[index].has_socket || self.players[index].virtual_peer.is_gone() {
                    self.judge.hear(self.players[index].place, text.len());
                    self.stimulate(index, Input::Frame(&text));
                }
            }
            Happening::Notice(posted) => {
                if self.links.is_current(&posted) {
                    let index = self.current[posted.side.own.0 as usize];
                    self.stimulate(index, Input::Engine(posted.side.other_seat, posted.notice));
                }
            }
            Happening::InstantNotice(index, seat, notice) => self.stimulate(index, Input::Engine(seat, notice)),
            Happening::Wake(index) => self.wake(index),
            Happening::Leave(index) => {
                if !self.players[index].virtual_peer.is_gone() {
                    self.stimulate(index, Input::Command(PeerCommand::Leave));
                }
            }
            Happening::Turn(peer, deed) => self.turn(peer, deed),
            Happening::ServerMakesUp(frame) => {
                let everybody: Vec<usize> =
                    (0..self.players.len()).filter(|index| self.players[*index].has_socket).collect();
                self.deliver(everybody, &frame.into());
            }
            Happening::ServerSees(index) => {
                self.serve(|server, now| match server {
                    Server::Reference(server) => server.connected(now, client(index)),
                    Server::Foreign(server) => server.connected(now, index),
                });
            }
            Happening::ToServer(index, text) => {
                self.serve(|server, now| match server {
                    Server::Reference(server) => server.frame(now, client(index), &text),
                    Server::Foreign(server) => server.frame(now, index, &text),
                });
            }
            Happening::ServerMisses(index) => {
                self.serve(|server, now| match server {
                    Server::Reference(server) => server.closed(now, client(index)),
                    Server::Foreign(server) => server.closed(index),
                });
            }
            Happening::ServerWake => {
                self.server_wake = None;
                self.serve(|server, now| {
                    if let Server::Reference(server) = server {
                        server.wake(now);
                    }
                });
            }
        }
    }

    fn turn(&mut self, peer: usize, deed: Deed) {
        let index = self.current[peer];
        match deed {
            Deed::End if !self.players[index].virtual_peer.is_gone() => {
                self.stimulate(index, Input::Command(PeerCommand::Leave));
            }
            Deed::Depart { silent } if !self.players[index].virtual_peer.is_gone() => {
                self.stimulate(index, Input::Command(PeerCommand::Depart { silent }));
            }
            Deed::Return if self.players[index].virtual_peer.is_gone() => self.come_back(peer),
            Deed::Cut if self.players[index].has_socket => self.lose(index),
            Deed::Restart { down } => self.restart(down),
            Deed::End | Deed::Depart { .. } | Deed::Return | Deed::Cut => {}
        }
    }

    fn come_back(&mut self, peer: usize) {
        let Player { place, room_size, .. } = self.players[self.current[peer]];
        let session = self.players.len();
        self.players.push(player(self.scenario, self.start, place, room_size, session as u64));
        self.judge.renew(place);
        self.current[peer] = session;
        for seat in (0..room_size).map(Seat).filter(|seat| *seat != place.seat) {
            let other = self.current[place.neighbour(seat).0 as usize];
            if !self.players[other].virtual_peer.is_gone() {
                self.stimulate(other, Input::Command(PeerCommand::Back { seat: place.seat }));
                self.stimulate(session, Input::Command(PeerCommand::Companion { seat }));
            }
        }
        self.stimulate(session, Input::Begin { due: self.now });
    }

    /// The server is killed: every socket is gone at once, and with it all that it knew.
    fn restart(&mut self, down: Duration) {
        self.server = server(self.scenario, self.start);
        self.server_wake = None;
        self.down_until = self.now + down;
        self.queue.retain(|_, happening| {
            !matches!(
                happening,
                Happening::ServerSees(_)
                    | Happening::Upgraded(_)
                    | Happening::ToServer(..)
                    | Happening::ServerMisses(_)
                    | Happening::ToPeer(..)
                    | Happening::ServerWake
            )
        });
        for index in 0..self.players.len() {
            let player = &mut self.players[index];
            if std::mem::take(&mut player.has_socket) || player.is_dialing {
                self.lose(index);
            }
        }
    }

    fn begin(&mut self, index: usize) {
        match self.players[index].fate {
            Fate::Cut(after) => self.post(self.now + after, Happening::Lost(index)),
            Fate::Leaves(after) => self.post(self.now + after, Happening::Leave(index)),
            _ => {}
        }
        self.stimulate(index, Input::Begin { due: self.now });
        let Player { place, room_size, .. } = self.players[index];
        for seat in (0..room_size).map(Seat).filter(|seat| *seat != place.seat) {
            let other = place.neighbour(seat).0 as usize;
            if !self.players[other].virtual_peer.is_gone() {
                self.stimulate(other, Input::Command(PeerCommand::Companion { seat: place.seat }));
            }
        }
    }

    fn lose(&mut self, index: usize) {
        let player = &mut self.players[index];
        player.is_dialing = false;
        if player.virtual_peer.is_gone() {
            return;
        }
        if std::mem::take(&mut player.has_socket) {
            let at = self.upward(index);
            self.post(at, Happening::ServerMisses(index));
        }
        self.stimulate(index, Input::Lost(Failure::new(Phase::Connect, Reason::Closed, "cut")));
    }

    fn wake(&mut self, index: usize) {
        self.players[index].wake = None;
        if self.players[index].virtual_peer.wake_at().is_some_and(|at| at <= self.now) {
            self.stimulate(index, Input::Wake);
            if self.players[index].virtual_peer.wake_at().is_some_and(|at| at <= self.now) {
                self.fault(format!("peer {index} was woken, and wants to be woken at once again"));
            }
        } else {
            self.set_alarm(index);
        }
    }

    fn stimulate(&mut self, index: usize, input: Input<'_>) {
        let player = &mut self.players[index];
        player.virtual_peer.handle(self.now, input);
        while let Some(output) = self.players[index].virtual_peer.poll() {
            if self.aloud {
                println!("    peer {index}: {output:.200?}");
            }
            let Player { place, has_socket, .. } = self.players[index];
            if let Output::Event(what) = &output {
                self.judge.events.push(Event::new(self.now, place, what.clone()));
            }
            self.judge.watch(self.now - self.start, place, &output, has_socket);
            self.carry_out(index, output);
        }
        self.set_alarm(index);
    }

    fn carry_out(&mut self, index: usize, output: Output) {
        match output {
            Output::Dial => self.dial(index),
            Output::Say(OutgoingFrame { text, kind, to }) => {
                if self.players[index].has_socket {
                    let kind = EventKind::Peer(PeerEvent::Said { kind, bytes: text.len() as u32, to });
                    let place = self.players[index].place;
                    self.judge.events.push(Event::new(self.now, place, kind));
                    let at = self.upward(index);
                    if self.players[index].fate != Fate::Mute {
                        self.post(at, Happening::ToServer(index, text));
                    }
                }
            }
            Output::Engine(seat, order) => self.order(index, seat, order),
            Output::Close => {
                self.links.close(self.now, self.players[index].place.peer);
                self.take_links();
                if std::mem::take(&mut self.players[index].has_socket) {
                    let at = self.upward(index);
                    self.post(at, Happening::ServerMisses(index));
                }
            }
            Output::Send(parcel) => self.fault(format!("a silent peer sends {parcel:?}")),
            Output::Event(_) => {}
        }
    }

    fn dial(&mut self, index: usize) {
        self.players[index].is_dialing = true;
        match self.players[index].fate {
            _ if self.is_full() => {
                let at = self.now + self.delay();
                self.post(at, Happening::TurnedAway(index));
            }
            _ if self.now < self.down_until => {
                let at = self.now + self.delay();
                self.post(at, Happening::Lost(index));
            }
            Fate::Unanswered => {}
            Fate::Refused => {
                let at = self.now + self.delay();
                self.post(at, Happening::Lost(index));
            }
            _ => {
                let seen = self.upward(index);
                self.post(seen, Happening::ServerSees(index));
                let upgraded = seen + self.delay();
                self.players[index].down = upgraded;
                self.post(upgraded, Happening::Upgraded(index));
            }
        }
    }

    /// The server has as many connections of this address as it accepts.
    fn is_full(&self) -> bool {
        let open = self.players.iter().filter(|player| player.has_socket || player.is_dialing).count();
        let limits = self.scenario.rules.iter().filter_map(|rule| match rule.action {
            FaultAction::LimitByAddress(limit) => Some(limit as usize),
            _ => None,
        });
        // The one that dials now counts itself.
        limits.min().is_some_and(|limit| open > limit)
    }

    fn order(&mut self, index: usize, seat: Seat, order: EngineCommand) {
        let place = self.players[index].place;
        if let Some(engine) = &mut self.players[index].instant_engine {
            engine.order(self.now, seat, order);
            let notices: Vec<_> = std::iter::from_fn(|| engine.poll()).collect();
            for notice in notices {
                self.post(self.now, Happening::InstantNotice(index, notice.seat, notice.event));
            }
            return;
        }
        let side = Side { own: place.peer, own_seat: place.seat, other: place.neighbour(seat), other_seat: seat };
        self.links.order(self.now, side, order);
        self.take_links();
    }

    fn take_links(&mut self) {
        for posted in self.links.take_posts() {
            self.post(posted.at, Happening::Notice(posted));
        }
        for timeline in self.links.take_faults() {
            self.fault(timeline);
        }
    }

    fn serve(&mut self, input: impl FnOnce(&mut Server, Instant)) {
        input(&mut self.server, self.now);
        let (mut deliveries, mut closes) = (vec![], vec![]);
        let wake_at = match &mut self.server {
            Server::Reference(server) => {
                while let Some(delivery) = server.poll() {
                    let clients = server.recipients(&delivery.to).map(|client| client.0 as usize).collect();
                    deliveries.push((clients, delivery.text));
                }
                closes.extend(std::iter::from_fn(|| server.poll_disconnect()).map(|client| client.0 as usize));
                server.wake_at()
            }
            Server::Foreign(server) => {
                let due = server.take(self.now).into_iter();
                deliveries.extend(due.map(|(client, text)| (vec![client], text.into())));
                closes.extend(server.take_closes());
                server.wake_at()
            }
        };
        for (clients, text) in deliveries {
            self.deliver(clients, &text);
        }
        for client in closes {
            self.post(self.now, Happening::Lost(client));
        }
        if let Some(at) = wake_at
            && self.server_wake.is_none_or(|set| at < set)
        {
            self.server_wake = Some(at);
            self.post(at.max(self.now), Happening::ServerWake);
        }
    }

    fn deliver(&mut self, clients: Vec<usize>, text: &SharedText) {
        for index in clients {
            let at = (self.now + self.delay()).max(self.players[index].down);
            self.players[index].down = at;
            if self.players[index].fate != Fate::Numb {
                self.post(at, Happening::ToPeer(index, text.clone()));
            }
        }
    }

    fn set_alarm(&mut self, index: usize) {
        let wanted = self.players[index].virtual_peer.wake_at();
        if let Some(at) = wanted
            && self.players[index].wake.is_none_or(|set| at < set)
        {
            self.players[index].wake = Some(at);
            self.post(at.max(self.now), Happening::Wake(index));
        }
    }

    /// When something said now arrives at the server.
    fn upward(&mut self, index: usize) -> Instant {
        let at = (self.now + self.delay()).max(self.players[index].up);
        self.players[index].up = at;
        at
    }

    fn delay(&mut self) -> Duration {
        let longest = self.scenario.delay_max.as_micros() as u64;
        Duration::from_micros(self.network.random_range(0..=longest))
    }

    fn post(&mut self, at: Instant, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at, self.queued), happening);
    }

    fn fault(&mut self, timeline: String) {
        self.judge.fault(self.now - self.start, timeline);
    }
}

fn client(index: usize) -> ClientId {
    ClientId(index as u32)
}
