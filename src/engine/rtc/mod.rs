//! The default engine: the sans-IO `rtc` core over ONE UDP socket a peer, its edges told apart by address.

mod connection;
mod sctp_deadlines;
mod settings;
mod setup;
pub mod stun;
pub(super) mod timers;

pub(super) use connection::CONSENT_INTERVAL;
pub(super) use settings::{channel_init, settings};

use super::Engine;
use super::candidate_policy::CandidatePolicy;
use super::peer_addresses::{candidate_address, without_foreigners};
use crate::vocabulary::{Candidate, EngineCommand, EngineEvent, Reason, Seat};
pub use connection::{Drained, RtcConnection};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rtc::shared::error::Error;
use rustc_hash::FxHashMap;
pub use settings::host_candidate;
pub use setup::RtcSetup;
use socket2::SockRef;
use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};
use std::time::Instant;
use timers::EdgeTimers;
use tokio::net::UdpSocket;

/// Datagrams taken in at once, before others get their turn.
const BATCH: usize = 64;

/// Longer than any datagram that a loopback DTLS or STUN stack sends on purpose; in bytes.
const DATAGRAM_BYTES_MAX: usize = 4_096;

/// Unread bytes that may wait: a burst of DTLS flights from the others of a room of 100, while this peer waits for its turn. The
/// kernel's default holds 92 full datagrams; in bytes.
const RECEIVE_BYTES: usize = 1024 * 1024;

/// One peer's connections.
pub struct RtcEngine {
    setup: RtcSetup,
    socket: UdpSocket,
    local: SocketAddr,
    credentials: ChaCha8Rng,
    links: Vec<Option<Box<RtcConnection>>>,
    by_address: FxHashMap<SocketAddr, Seat>,
    /// Seats from here on are guests', which may use other addresses than this run's peers.
    guests_from: usize,
    policy: Option<CandidatePolicy>,
    timers: EdgeTimers,
    /// Links that were touched and not drained yet.
    touched: Vec<Seat>,
    notices: VecDeque<(Seat, EngineEvent)>,
    drained: Drained,
}

impl RtcEngine {
    /// Binds the peer's socket to a free port of 127.0.0.1: the core discards datagrams whose local address is
    /// not exactly that of a candidate. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// No descriptor or port was left.
    pub fn open(setup: RtcSetup, room_size: u16, credentials: ChaCha8Rng) -> io::Result<Self> {
        Self::bind(setup, room_size, credentials, Ipv4Addr::LOCALHOST.into())
    }

    /// As `open`, with seats for `guests` after the room's own, and at the address that they can reach.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_to_guests(
        setup: RtcSetup,
        room_size: u16,
        guests: u16,
        policy: CandidatePolicy,
        credentials: ChaCha8Rng,
    ) -> io::Result<Self> {
        let mut engine = Self::bind(setup, room_size.saturating_add(guests), credentials, policy.local())?;
        engine.guests_from = usize::from(room_size);
        engine.policy = Some(policy);
        Ok(engine)
    }

    fn bind(setup: RtcSetup, seats: u16, credentials: ChaCha8Rng, address: IpAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        // What waits unread is held by the kernel only while it waits. As much as the machine allows is better than nothing.
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BYTES);
        let local = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        setup.addresses.join(local);
        Ok(Self {
            setup,
            socket,
            local,
            credentials,
            links: (0..seats).map(|_| None).collect(),
            by_address: FxHashMap::default(),
            guests_from: usize::from(seats),
            policy: None,
            timers: EdgeTimers::default(),
            touched: Vec::new(),
            notices: VecDeque::new(),
            drained: Drained::default(),
        })
    }

    fn tell(&mut self, seat: Seat, notice: EngineEvent) {
        self.notices.push_back((seat, notice));
    }

    /// Lets the link be driven with the next `drain_touched`, once for all that has happened to it until then.
    fn touch(&mut self, seat: Seat) {
        if self.link(seat).is_some_and(RtcConnection::touch) {
            self.touched.push(seat);
        }
    }

    fn link(&mut self, seat: Seat) -> Option<&mut RtcConnection> {
        self.links.get_mut(usize::from(seat.0))?.as_deref_mut()
    }

    fn offer(&mut self, now: Instant, seat: Seat) -> Result<(), Error> {
        let (ufrag, password) = draw_credentials(&mut self.credentials, seat);
        let (link, sdp) = RtcConnection::offer(now, &self.setup, ufrag, password, self.local)?;
        self.place(seat, link);
        self.tell(seat, EngineEvent::Offer { sdp });
        self.tell_candidate(seat);
        Ok(())
    }

    fn accept(&mut self, now: Instant, seat: Seat, sdp: &str) -> Result<(), Error> {
        let (ufrag, password) = draw_credentials(&mut self.credentials, seat);
        let sdp = self.learn(seat, sdp);
        let (link, sdp) = RtcConnection::accept(now, &self.setup, ufrag, password, self.local, sdp)?;
        self.place(seat, link);
        self.tell(seat, EngineEvent::Answer { sdp });
        self.tell_candidate(seat);
        Ok(())
    }

    fn apply(&mut self, now: Instant, seat: Seat, sdp: &str) -> Result<(), Error> {
        let sdp = self.learn(seat, sdp);
        let Some(link) = self.link(seat) else { return Ok(()) };
        link.apply(now, sdp)?;
        self.touch(seat);
        self.tell(seat, EngineEvent::Applied);
        Ok(())
    }

    /// Peers of this run reach each other; a guest may be wherever the admission says.
    fn may_reach(&self, seat: Seat, address: SocketAddr) -> bool {
        let is_guest = usize::from(seat.0) >= self.guests_from;
        let admits = |policy: &CandidatePolicy| policy.admits(address);
        self.setup.addresses.has(address) || is_guest && self.policy.as_ref().is_some_and(admits)
    }

    /// A candidate that is neither a peer's of this run nor a guest's is ignored: not one packet goes there.
    fn admit(&mut self, seat: Seat, candidate: Candidate) -> Result<(), Error> {
        let Some(address) = candidate_address(&candidate.candidate) else { return Ok(()) };
        if !self.may_reach(seat, address) {
            return Ok(());
        }
        let Some(link) = self.link(seat) else { return Ok(()) };
        link.admit(candidate)?;
        self.by_address.insert(address, seat);
        self.touch(seat);
        Ok(())
    }

    /// The description less its foreign candidates; its own are this seat's addresses from now on.
    fn learn(&mut self, seat: Seat, sdp: &str) -> String {
        for line in sdp.lines() {
            if let Some(candidate) = line.strip_prefix("a=candidate:")
                && let Some(address) = candidate_address(candidate)
                && self.may_reach(seat, address)
            {
                self.by_address.insert(address, seat);
            }
        }
        without_foreigners(sdp, |address| self.may_reach(seat, address))
    }

    fn forget(&mut self, seat: Seat) {
        if let Some(slot) = self.links.get_mut(usize::from(seat.0)) {
            *slot = None;
        }
        self.timers.set(seat, None);
        self.by_address.retain(|_, owner| *owner != seat);
        self.notices.retain(|(owner, _)| *owner != seat);
    }

    fn place(&mut self, seat: Seat, link: RtcConnection) {
        if let Some(slot) = self.links.get_mut(usize::from(seat.0)) {
            *slot = Some(Box::new(link));
            self.touch(seat);
        }
    }

    fn tell_candidate(&mut self, seat: Seat) {
        if self.setup.trickle {
            let candidate = Candidate {
                candidate: host_candidate(self.local),
                mid: Some("0".to_owned()),
                line: Some(0),
                ufrag: self.link(seat).map(|link| link.ufrag().to_owned()),
            };
            self.tell(seat, EngineEvent::Candidate(candidate));
        }
    }

    fn take(&mut self, now: Instant, from: SocketAddr, datagram: &[u8]) {
        // Whatever comes from elsewhere than a peer of this run is not for us, unless it is a guest's check. A peer
        // that has just left is no neighbour any more, and its goodbye comes from an address that is known.
        let is_known = self.setup.addresses.has(from) || self.by_address.contains_key(&from);
        if !is_known && self.policy.is_none() {
            return;
        }
        let Some(seat) = self.owner(from, datagram) else { return };
        let local = self.local;
        let Some(link) = self.link(seat) else { return };
        if let Err(error) = link.receive(now, local, from, datagram) {
            self.fail(seat, &error);
        }
        self.touch(seat);
    }

    /// Binding requests go by their USERNAME and set the address; all else goes by the address.
    fn owner(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<Seat> {
        if stun::is_stun(datagram)
            && let Some(ufrag) = stun::receiver_ufrag(datagram)
        {
            let seat = Seat(u16::from_str_radix(ufrag.get(..4)?, 16).ok()?);
            let is_its_own = self.by_address.get(&from) == Some(&seat) || self.may_reach(seat, from);
            if self.link(seat)?.ufrag() != ufrag || !is_its_own {
                return None;
            }
            self.by_address.insert(from, seat);
            return Some(seat);
        }
        self.by_address.get(&from).copied()
    }

    fn fail(&mut self, seat: Seat, error: &Error) {
        let mut drained = std::mem::take(&mut self.drained);
        if let Some(link) = self.link(seat) {
            link.fail_with(error, &mut drained);
        }
        self.drained = drained;
        self.ship(seat);
    }

    /// Drives every touched link until it is quiet, and sets its timer anew.
    fn drain_touched(&mut self, now: Instant) {
        while let Some(seat) = self.touched.pop() {
            let mut drained = std::mem::take(&mut self.drained);
            let Some(link) = self.link(seat) else { continue };
            link.drain(now, &mut drained);
            let wake_at = link.wake_at();
            self.drained = drained;
            self.timers.set(seat, wake_at);
            self.ship(seat);
        }
    }

    /// A datagram that the socket has no room for is lost, as on any network: the stack above sends it again.
    fn ship(&mut self, seat: Seat) {
        for (to, datagram) in self.drained.datagrams.drain(..) {
            let is_guest = usize::from(seat.0) >= self.guests_from && self.by_address.get(&to) == Some(&seat);
            if is_guest || self.setup.addresses.has(to) {
                let _ = self.socket.try_send_to(&datagram, to);
            }
        }
        self.notices.extend(self.drained.notices.drain(..).map(|notice| (seat, notice)));
    }
}

/// An ICE ufrag and a password. The seat is the ufrag's first part, so that a check from an unknown address finds its
/// edge at once.
pub(super) fn draw_credentials(credentials: &mut ChaCha8Rng, seat: Seat) -> (String, String) {
    let (fragment, password) = (credentials.random::<u32>(), credentials.random::<u128>());
    (format!("{:04x}{fragment:08x}", seat.0), format!("{password:032x}"))
}

impl Engine for RtcEngine {
    fn order(&mut self, now: Instant, seat: Seat, order: EngineCommand) {
        let done = match order {
            EngineCommand::Offer => self.offer(now, seat),
            EngineCommand::Accept { sdp } => self.accept(now, seat, &sdp),
            EngineCommand::Apply { sdp } => self.apply(now, seat, &sdp),
            EngineCommand::Admit(candidate) => self.admit(seat, candidate),
            EngineCommand::Drop => {
                self.forget(seat);
                Ok(())
            }
        };
        if let Err(error) = done {
            self.tell(seat, EngineEvent::Failed { reason: Reason::Protocol, detail: error.to_string().into() });
        }
        self.drain_touched(now);
    }

    fn send(&mut self, now: Instant, seat: Seat, payload: &[u8]) -> bool {
        let sent = self.link(seat).is_some_and(|link| link.send(now, payload));
        if sent {
            self.touch(seat);
            self.drain_touched(now);
        }
        sent
    }

    fn poll(&mut self) -> Option<(Seat, EngineEvent)> {
        self.notices.pop_front()
    }

    fn wake_at(&mut self) -> Option<Instant> {
        self.timers.first()
    }

    fn wake(&mut self, now: Instant) {
        while let Some(seat) = self.timers.pop_due(now) {
            let Some(link) = self.link(seat) else { continue };
            if let Err(error) = link.tick(now) {
                self.fail(seat, &error);
            }
            self.touch(seat);
        }
        self.drain_touched(now);
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_recv_ready(context)
    }

    fn read(&mut self, now: Instant) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        for _ in 0..BATCH {
            match self.socket.try_recv_from(&mut buffer) {
                Ok((length, from)) => self.take(now, from, &buffer[..length]),
                // Nothing more has come, or an ICMP error of an earlier send: the stack above finds out by time.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {}
            }
        }
        self.drain_touched(now);
    }

    fn close(&mut self, now: Instant) {
        for index in 0..self.links.len() {
            if let Some(link) = self.links[index].as_deref_mut() {
                link.close();
                self.touch(Seat(index as u16));
            }
        }
        self.drain_touched(now);
        self.setup.addresses.leave(self.local);
    }
}

impl Drop for RtcEngine {
    /// Its port may be somebody else's next.
    fn drop(&mut self) {
        self.setup.addresses.leave(self.local);
    }
}
