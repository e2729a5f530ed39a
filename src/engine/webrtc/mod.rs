//! The engine `webrtc`: one async connection per edge, with its own sockets, STUN and TURN.

mod alerts;
mod callbacks;
mod connection;
mod dtls_duplicates;
mod gathering;
mod network;
mod setup;
// Exported for the fuzzer.
#[doc(hidden)]
pub mod turn;

pub use gathering::Gathering;
pub use setup::WebrtcSetup;

use super::peer_addresses::{candidate_address, without_foreigners};
use super::settings::EngineSettings;
use super::{Engine, EngineNotice};
use crate::vocabulary::{EngineCommand, EngineEvent, Reason, Seat};
use callbacks::{Callbacks, LinkEvent};
use connection::{LinkCommand, LinkHandle};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Events that may wait for the engine; with a full queue its connections wait.
const EVENTS_MAX: usize = 256;

/// Maximum number of events handled per poll, so that other tasks get their turn.
const BATCH: usize = 64;

/// Commands that may wait for a connection: two descriptions, twenty candidates, and messages to send.
const COMMANDS_MAX: usize = 64;

/// One peer's connections. Each is a task of the runtime that takes commands from one channel and sends events to another.
pub struct WebrtcEngine {
    setup: Arc<WebrtcSetup>,
    credentials: ChaCha8Rng,
    links: Vec<Option<TaskHandle>>,
    /// Connections made so far; each has the next number as its generation.
    generations: u64,
    /// Cloned for each connection; `None` after `close`, when no further connection is made.
    sender: Option<mpsc::Sender<LinkEvent>>,
    receiver: mpsc::Receiver<LinkEvent>,
    events: VecDeque<EngineNotice>,
}

/// The engine's ends of the channels to one connection.
struct TaskHandle {
    generation: u64,
    commands: mpsc::Sender<LinkCommand>,
    is_open: bool,
    addresses: Vec<SocketAddr>,
    /// Ends the connection when dropped.
    _release: oneshot::Sender<()>,
}

impl WebrtcEngine {
    pub fn new(setup: Arc<WebrtcSetup>, room_size: u16, credentials: ChaCha8Rng) -> Self {
        let (sender, receiver) = mpsc::channel(EVENTS_MAX);
        let links = (0..room_size).map(|_| None).collect();
        Self { setup, credentials, links, generations: 0, sender: Some(sender), receiver, events: VecDeque::new() }
    }

    fn link(&mut self, seat: Seat) -> Option<&mut TaskHandle> {
        self.links.get_mut(usize::from(seat.0))?.as_mut()
    }

    /// Spawns a connection, which ends when its handle is dropped.
    ///
    /// # Panics
    /// Called outside a tokio runtime.
    fn connect(&mut self, seat: Seat) {
        self.forget(seat);
        let Some(sender) = self.sender.clone() else { return };
        self.generations += 1;
        let draws = &mut self.credentials;
        let login = (format!("{:012x}", draws.random::<u64>() >> 16), format!("{:032x}", draws.random::<u128>()));
        let (commands, receiver) = mpsc::channel(COMMANDS_MAX);
        let (channels, opened) = mpsc::channel(1);
        let (release, released) = oneshot::channel();
        let addresses = self.setup.settings.addresses.clone();
        let callbacks = Callbacks::new((seat, self.generations), login.0.clone(), addresses, sender, channels);
        let handle = LinkHandle { commands: receiver, channels: opened, release: released };
        tokio::spawn(connection::run(self.setup.clone(), Arc::new(callbacks), login, handle));
        if let Some(slot) = self.links.get_mut(usize::from(seat.0)) {
            *slot = Some(TaskHandle {
                generation: self.generations,
                commands,
                is_open: false,
                addresses: vec![],
                _release: release,
            });
        }
    }

    fn command(&mut self, seat: Seat, command: LinkCommand) {
        let Some(link) = self.link(seat) else { return };
        let (reason, detail) = match link.commands.try_send(command) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => (Reason::GeneratorLimit, "too much waits for the connection"),
            // A connection that failed has sent its reason already, so this reports a broken task.
            Err(mpsc::error::TrySendError::Closed(_)) => (Reason::Protocol, "the connection has stopped"),
        };
        let event = EngineEvent::Failed { reason, detail: detail.into() };
        self.events.push_back(EngineNotice { seat, event, stamp: None });
    }

    fn forget(&mut self, seat: Seat) {
        let Some(link) = self.links.get_mut(usize::from(seat.0)).and_then(Option::take) else { return };
        for address in link.addresses {
            self.setup.settings.addresses.leave(address);
        }
        self.events.retain(|notice| notice.seat != seat);
    }

    fn handle_event(&mut self, LinkEvent { generation, notice }: LinkEvent) {
        let setup = self.setup.clone();
        let (EngineSettings { addresses, trickle, .. }, gathering) = (&setup.settings, &setup.gathering);
        let Some(link) = self.link(notice.seat).filter(|link| link.generation == generation) else { return };
        match &notice.event {
            EngineEvent::Candidate(candidate) => {
                let Some(address) = gathering.own_address(&candidate.candidate) else { return };
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
        self.events.push_back(notice);
    }
}

impl Engine for WebrtcEngine {
    /// Removes the candidates that no peer of this run owns, so that no packet goes there.
    fn order(&mut self, now: Instant, seat: Seat, order: EngineCommand) {
        let addresses = self.setup.settings.addresses.clone();
        let owned = |sdp: &str| without_foreigners(sdp, |address| addresses.has(address));
        let order = match order {
            EngineCommand::Drop => return self.forget(seat),
            EngineCommand::Accept { sdp } => EngineCommand::Accept { sdp: owned(&sdp) },
            EngineCommand::Apply { sdp } => EngineCommand::Apply { sdp: owned(&sdp) },
            EngineCommand::Admit(candidate) => match candidate_address(&candidate.candidate) {
                Some(address) if addresses.has(address) => EngineCommand::Admit(candidate),
                _ => return,
            },
            EngineCommand::Offer => EngineCommand::Offer,
        };
        if matches!(order, EngineCommand::Offer | EngineCommand::Accept { .. }) {
            self.connect(seat);
        }
        self.command(seat, LinkCommand::Order(now, order));
    }

    fn send(&mut self, _now: Instant, seat: Seat, payload: &[u8]) -> bool {
        let Some(link) = self.link(seat).filter(|link| link.is_open) else { return false };
        link.commands.try_send(LinkCommand::Send(payload.to_vec())).is_ok()
    }

    fn poll(&mut self) -> Option<EngineNotice> {
        self.events.pop_front()
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        for _ in 0..BATCH {
            match self.receiver.poll_recv(context) {
                Poll::Ready(Some(event)) => self.handle_event(event),
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if self.events.is_empty() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn close(&mut self, _now: Instant) {
        for index in 0..self.links.len() {
            self.forget(Seat(index as u16));
        }
        self.sender = None;
    }

    fn poll_closed(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.sender.is_some() {
            return Poll::Ready(());
        }
        // Each connection holds a sender until it has closed.
        while let Poll::Ready(event) = self.receiver.poll_recv(context) {
            if event.is_none() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}
