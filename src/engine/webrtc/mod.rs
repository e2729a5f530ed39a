//! The second engine: one async `webrtc` connection an edge, with sockets of its own, STUN and TURN.

mod callbacks;
mod connection;
mod gathering;
mod network;
mod setup;
mod turn;

pub use gathering::Gathering;
pub use setup::WebrtcSetup;

use super::Engine;
use super::peer_addresses::{candidate_address, without_foreigners};
use super::rtc::{RtcSetup, draw_credentials};
use crate::vocabulary::engine::{EngineCommand, EngineEvent};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Seat;
use callbacks::{Callbacks, LinkEvent};
use connection::{LinkCommand, LinkHandle, live};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Facts that wait for the engine; then its connections wait.
const FACTS_MAX: usize = 256;

/// Facts taken in at once, before others get their turn.
const BATCH: usize = 64;

/// Orders and messages that wait for a connection: two descriptions, twenty candidates, and what is to be sent.
const WISHES_MAX: usize = 64;

/// One peer's connections. Each is a task of the runtime, asked by one channel and heard by another.
pub struct WebrtcEngine {
    setup: Arc<WebrtcSetup>,
    credentials: ChaCha8Rng,
    links: Vec<Option<TaskHandle>>,
    lives: u64,
    /// Given to each connection; none is made after the engine was closed.
    tell: Option<mpsc::Sender<LinkEvent>>,
    facts: mpsc::Receiver<LinkEvent>,
    notices: VecDeque<(Seat, EngineEvent)>,
}

/// The engine's ends of what ties it to a connection.
struct TaskHandle {
    life: u64,
    commands: mpsc::Sender<LinkCommand>,
    is_open: bool,
    addresses: Vec<SocketAddr>,
    /// Its end is the connection's.
    _release: oneshot::Sender<()>,
}

impl WebrtcEngine {
    pub fn new(setup: Arc<WebrtcSetup>, room_size: u16, credentials: ChaCha8Rng) -> Self {
        let (tell, facts) = mpsc::channel(FACTS_MAX);
        let links = (0..room_size).map(|_| None).collect();
        Self { setup, credentials, links, lives: 0, tell: Some(tell), facts, notices: VecDeque::new() }
    }

    fn link(&mut self, seat: Seat) -> Option<&mut TaskHandle> {
        self.links.get_mut(usize::from(seat.0))?.as_mut()
    }

    /// Makes a connection, which lives until its handle is dropped. Must be called within a tokio runtime.
    fn begin(&mut self, seat: Seat) {
        self.forget(seat);
        let Some(tell) = self.tell.clone() else { return };
        self.lives += 1;
        let login = draw_credentials(&mut self.credentials, seat);
        let (commands, wished) = mpsc::channel(WISHES_MAX);
        let (channels, made) = mpsc::channel(1);
        let (release, released) = oneshot::channel();
        let addresses = self.setup.base.addresses.clone();
        let callbacks = Callbacks::new((seat, self.lives), login.0.clone(), addresses, tell, channels);
        let handle = LinkHandle { commands: wished, channels: made, release: released };
        tokio::spawn(live(self.setup.clone(), Arc::new(callbacks), login, handle));
        if let Some(slot) = self.links.get_mut(usize::from(seat.0)) {
            *slot =
                Some(TaskHandle { life: self.lives, commands, is_open: false, addresses: vec![], _release: release });
        }
    }

    fn command(&mut self, seat: Seat, command: LinkCommand) {
        let Some(link) = self.link(seat) else { return };
        let (reason, detail) = match link.commands.try_send(command) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => (Reason::GeneratorLimit, "too much waits for the connection"),
            // It has failed, and has said why, unless its task itself is broken.
            Err(mpsc::error::TrySendError::Closed(_)) => (Reason::Protocol, "the connection has stopped"),
        };
        self.notices.push_back((seat, EngineEvent::Failed { reason, detail: detail.into() }));
    }

    /// The description less the candidates that no peer of this run owns: not one packet goes there.
    fn own_of(&self, sdp: &str) -> String {
        without_foreigners(sdp, |address| self.setup.base.addresses.has(address))
    }

    fn forget(&mut self, seat: Seat) {
        let Some(link) = self.links.get_mut(usize::from(seat.0)).and_then(Option::take) else { return };
        for address in link.addresses {
            self.setup.base.addresses.leave(address);
        }
        self.notices.retain(|(owner, _)| *owner != seat);
    }

    fn take(&mut self, LinkEvent { seat, life, notice }: LinkEvent) {
        let setup = self.setup.clone();
        let (RtcSetup { addresses, trickle, .. }, gathering) = (&setup.base, &setup.gathering);
        let Some(link) = self.link(seat).filter(|link| link.life == life) else { return };
        match &notice {
            EngineEvent::Candidate(candidate) => {
                // What a server says of our address is believed only as far as it is one.
                let address = candidate_address(&candidate.candidate);
                let Some(address) = address.filter(|address| gathering.may_own(address.ip())) else { return };
                addresses.join(address);
                link.addresses.push(address);
                if !trickle {
                    return;
                }
            }
            EngineEvent::Open => link.is_open = true,
            EngineEvent::Closed | EngineEvent::Failed { .. } => link.is_open = false,
            _ => {}
        }
        self.notices.push_back((seat, notice));
    }
}

impl Engine for WebrtcEngine {
    fn order(&mut self, now: Instant, seat: Seat, order: EngineCommand) {
        match order {
            EngineCommand::Offer => {
                self.begin(seat);
                self.command(seat, LinkCommand::Offer { asked: now });
            }
            EngineCommand::Accept { sdp } => {
                self.begin(seat);
                let sdp = self.own_of(&sdp);
                self.command(seat, LinkCommand::Accept { asked: now, sdp });
            }
            EngineCommand::Apply { sdp } => {
                let sdp = self.own_of(&sdp);
                self.command(seat, LinkCommand::Apply { asked: now, sdp });
            }
            EngineCommand::Admit(candidate) => {
                let address = candidate_address(&candidate.candidate);
                if address.is_some_and(|address| self.setup.base.addresses.has(address)) {
                    self.command(seat, LinkCommand::Admit(candidate));
                }
            }
            EngineCommand::Drop => self.forget(seat),
        }
    }

    fn send(&mut self, _now: Instant, seat: Seat, payload: &[u8]) -> bool {
        let Some(link) = self.link(seat).filter(|link| link.is_open) else { return false };
        link.commands.try_send(LinkCommand::Send(payload.to_vec())).is_ok()
    }

    fn poll(&mut self) -> Option<(Seat, EngineEvent)> {
        self.notices.pop_front()
    }

    /// The connections keep their own time.
    fn wake_at(&mut self) -> Option<Instant> {
        None
    }

    fn wake(&mut self, _now: Instant) {}

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..BATCH {
            match self.facts.poll_recv(context) {
                Poll::Ready(Some(fact)) => self.take(fact),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if self.notices.is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    /// What has come was taken in when it was found.
    fn read(&mut self, _now: Instant) {}

    fn close(&mut self, _now: Instant) {
        for index in 0..self.links.len() {
            self.forget(Seat(index as u16));
        }
        self.tell = None;
    }

    fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.tell.is_some() {
            return Poll::Ready(());
        }
        // Each connection holds a sender until its goodbye is out.
        while let Poll::Ready(fact) = self.facts.poll_recv(context) {
            if fact.is_none() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}
