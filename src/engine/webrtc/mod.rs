//! The second engine: one async `webrtc` connection an edge, with sockets of its own, STUN and TURN.

mod gathering;
mod link;
mod network;
mod setup;
mod turn;
mod witness;

pub use gathering::Gathering;
pub use setup::WebrtcSetup;

use super::Engine;
use super::neighbourhood::{candidate_address, without_foreigners};
use super::rtc::{RtcSetup, draw_credentials};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use link::{Reins, Wish, live};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot};
use witness::{Fact, Witness};

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
    links: Vec<Option<Handle>>,
    lives: u64,
    /// Given to each connection; none is made after the engine was closed.
    tell: Option<mpsc::Sender<Fact>>,
    facts: mpsc::Receiver<Fact>,
    notices: VecDeque<(Seat, Notice)>,
}

/// The engine's ends of what ties it to a connection.
struct Handle {
    life: u64,
    wishes: mpsc::Sender<Wish>,
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

    fn link(&mut self, seat: Seat) -> Option<&mut Handle> {
        self.links.get_mut(usize::from(seat.0))?.as_mut()
    }

    /// Makes a connection, which lives until its handle is dropped. Must be called within a tokio runtime.
    fn begin(&mut self, seat: Seat) {
        self.forget(seat);
        let Some(tell) = self.tell.clone() else { return };
        self.lives += 1;
        let login = draw_credentials(&mut self.credentials, seat);
        let (wishes, wished) = mpsc::channel(WISHES_MAX);
        let (channels, made) = mpsc::channel(1);
        let (release, released) = oneshot::channel();
        let neighbourhood = self.setup.base.neighbourhood.clone();
        let witness = Witness::new((seat, self.lives), login.0.clone(), neighbourhood, tell, channels);
        let reins = Reins { wishes: wished, channels: made, release: released };
        tokio::spawn(live(self.setup.clone(), Arc::new(witness), login, reins));
        if let Some(slot) = self.links.get_mut(usize::from(seat.0)) {
            *slot = Some(Handle { life: self.lives, wishes, is_open: false, addresses: vec![], _release: release });
        }
    }

    fn wish(&mut self, seat: Seat, wish: Wish) {
        let Some(link) = self.link(seat) else { return };
        let (reason, detail) = match link.wishes.try_send(wish) {
            Ok(()) => return,
            Err(mpsc::error::TrySendError::Full(_)) => (Reason::GeneratorLimit, "too much waits for the connection"),
            // It has failed, and has said why, unless its task itself is broken.
            Err(mpsc::error::TrySendError::Closed(_)) => (Reason::Protocol, "the connection has stopped"),
        };
        self.notices.push_back((seat, Notice::Failed { reason, detail: detail.into() }));
    }

    /// The description less the candidates that no peer of this run owns: not one packet goes there.
    fn own_of(&self, sdp: &str) -> String {
        without_foreigners(sdp, |address| self.setup.base.neighbourhood.has(address))
    }

    fn forget(&mut self, seat: Seat) {
        let Some(link) = self.links.get_mut(usize::from(seat.0)).and_then(Option::take) else { return };
        for address in link.addresses {
            self.setup.base.neighbourhood.leave(address);
        }
        self.notices.retain(|(owner, _)| *owner != seat);
    }

    fn take(&mut self, Fact { seat, life, notice }: Fact) {
        let setup = self.setup.clone();
        let (RtcSetup { neighbourhood, trickle, .. }, gathering) = (&setup.base, &setup.gathering);
        let Some(link) = self.link(seat).filter(|link| link.life == life) else { return };
        match &notice {
            Notice::Candidate(candidate) => {
                // What a server says of our address is believed only as far as it is one.
                let address = candidate_address(&candidate.candidate);
                let Some(address) = address.filter(|address| gathering.may_own(address.ip())) else { return };
                neighbourhood.join(address);
                link.addresses.push(address);
                if !trickle {
                    return;
                }
            }
            Notice::Open => link.is_open = true,
            Notice::Closed | Notice::Failed { .. } => link.is_open = false,
            _ => {}
        }
        self.notices.push_back((seat, notice));
    }
}

impl Engine for WebrtcEngine {
    fn order(&mut self, now: Instant, seat: Seat, order: Order) {
        match order {
            Order::Offer => {
                self.begin(seat);
                self.wish(seat, Wish::Offer { asked: now });
            }
            Order::Accept { sdp } => {
                self.begin(seat);
                let sdp = self.own_of(&sdp);
                self.wish(seat, Wish::Accept { asked: now, sdp });
            }
            Order::Apply { sdp } => {
                let sdp = self.own_of(&sdp);
                self.wish(seat, Wish::Apply { asked: now, sdp });
            }
            Order::Admit(candidate) => {
                let address = candidate_address(&candidate.candidate);
                if address.is_some_and(|address| self.setup.base.neighbourhood.has(address)) {
                    self.wish(seat, Wish::Admit(candidate));
                }
            }
            Order::Drop => self.forget(seat),
        }
    }

    fn send(&mut self, _now: Instant, seat: Seat, payload: &[u8]) -> bool {
        let Some(link) = self.link(seat).filter(|link| link.is_open) else { return false };
        link.wishes.try_send(Wish::Send(payload.to_vec())).is_ok()
    }

    fn poll(&mut self) -> Option<(Seat, Notice)> {
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
