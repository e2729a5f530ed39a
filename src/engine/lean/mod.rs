//! The engine made for load: ONE UDP socket a peer, its edges told apart by address, and a stack with only the features
//! that a mesh of DataChannels needs.

pub mod connection;
pub mod dcep;
pub mod drive;
pub mod dtls;
pub mod ice;
pub mod identity;
mod ranges;
pub mod sctp;
pub mod sdp;
pub mod stun;

use super::candidate_policy::CandidatePolicy;
use super::edge_timers::EdgeTimers;
use super::peer_addresses::{PeerAddresses, candidate_address, candidate_of_channel};
use super::settings::EngineSettings;
use super::stamped_socket::receive;
use super::{Engine, EngineNotice};
use crate::os::enable_receive_stamps;
use crate::vocabulary::engine::{EngineCommand, EngineEvent};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Seat;
use connection::{LeanConnection, SharedSettings};
use drive::Drive;
use ice::Credentials;
use identity::DtlsIdentity;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rustc_hash::FxHashMap;
use sctp::ChannelPromise;
use sdp::{Description, host_candidate};
use socket2::SockRef;
use std::collections::VecDeque;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};
use tokio::net::UdpSocket;

/// Most datagrams that one `read` takes in, before other tasks run.
const BATCH: usize = 64;

/// Receive buffer of one datagram, in bytes: DTLS and STUN stacks send shorter ones.
const DATAGRAM_BYTES_MAX: usize = 4_096;

/// The socket's receive buffer, in bytes: it holds a burst of DTLS flights from the other peers of a room of 100 until
/// this peer's task runs. The kernel's default holds 92 full datagrams.
const RECEIVE_BYTES: usize = 1024 * 1024;

/// Settings shared by the connections of a worker.
#[derive(Clone)]
pub struct LeanSetup {
    pub identity: Arc<DtlsIdentity>,
    pub settings: EngineSettings,
}

impl LeanSetup {
    /// Creates the settings with a fresh key and its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new(settings: EngineSettings) -> Result<Self, &'static str> {
        Ok(Self { identity: Self::identity(0)?, settings })
    }

    /// Makes a fresh key with its certificate.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn identity(serial: u64) -> Result<Arc<DtlsIdentity>, &'static str> {
        DtlsIdentity::generate(serial).map(Arc::new)
    }
}

/// One peer's connections.
pub struct LeanEngine {
    common: SharedSettings,
    addresses: PeerAddresses,
    /// The time after which ICE gives up.
    patience: Duration,
    trickle: bool,
    socket: UdpSocket,
    local: SocketAddr,
    connections: Vec<Option<Box<LeanConnection>>>,
    by_address: FxHashMap<SocketAddr, Seat>,
    /// Seats from here on are guests', which may use other addresses than this run's peers.
    guests_from: usize,
    policy: Option<CandidatePolicy>,
    timers: EdgeTimers,
    notices: VecDeque<EngineNotice>,
    /// Stamp of the datagram that is being handled.
    handling: Option<SystemTime>,
    drive: Drive,
}

impl LeanEngine {
    /// Binds the peer's socket to a free port of 127.0.0.1, or of an address that `guests` reach: their number, whose seats
    /// follow the room's own, and the addresses that they may have. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// No descriptor or port was left.
    pub fn open(
        setup: LeanSetup,
        room_size: u16,
        guests: Option<(u16, CandidatePolicy)>,
        random: ChaCha8Rng,
    ) -> io::Result<Self> {
        let LeanSetup { identity, settings } = setup;
        let (guests, policy) = guests.unzip();
        let address = policy.as_ref().map_or(Ipv4Addr::LOCALHOST.into(), CandidatePolicy::local);
        let socket = std::net::UdpSocket::bind((address, 0))?;
        socket.set_nonblocking(true)?;
        // The kernel uses the memory only for queued datagrams. A buffer smaller than asked for still helps.
        let _ = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BYTES);
        enable_receive_stamps(&socket);
        let local = socket.local_addr()?;
        let socket = UdpSocket::from_std(socket)?;
        settings.addresses.join(local);
        let promise = ChannelPromise { ordered: settings.ordered, reliability: settings.reliability };
        Ok(Self {
            common: SharedSettings { promise, identity },
            addresses: settings.addresses,
            // ICE gives up before the handshake's timeout: otherwise `ice_failed` would never be reported.
            patience: settings.timeout.mul_f64(0.9),
            trickle: settings.trickle,
            socket,
            local,
            connections: (0..room_size.saturating_add(guests.unwrap_or(0))).map(|_| None).collect(),
            by_address: FxHashMap::default(),
            guests_from: room_size.into(),
            policy,
            timers: EdgeTimers::default(),
            notices: VecDeque::new(),
            handling: None,
            drive: Drive::new(random),
        })
    }

    fn tell(&mut self, seat: Seat, event: EngineEvent) {
        self.notices.push_back(EngineNotice { seat, stamp: self.handling, event });
    }

    fn obey(&mut self, now: Instant, seat: Seat, order: EngineCommand) -> Result<(), &'static str> {
        match order {
            EngineCommand::Offer => self.offer(seat),
            EngineCommand::Accept { sdp } => self.accept(now, seat, &sdp)?,
            EngineCommand::Apply { sdp } => {
                self.apply(now, seat, &Description::read(&sdp)?)?;
                if self.connection(seat).is_some() {
                    self.tell(seat, EngineEvent::Applied);
                }
            }
            EngineCommand::Admit(candidate) => self.admit(now, seat, &candidate.candidate),
            EngineCommand::Drop => self.forget(seat),
        }
        Ok(())
    }

    fn offer(&mut self, seat: Seat) {
        self.connect(seat, true);
        if let Some(sdp) = self.describe(seat, None) {
            self.tell(seat, EngineEvent::Offer { sdp });
            self.tell_candidate(seat);
        }
    }

    fn accept(&mut self, now: Instant, seat: Seat, sdp: &str) -> Result<(), &'static str> {
        let offer = Description::read(sdp)?;
        self.connect(seat, false);
        if let Some(sdp) = self.describe(seat, Some(&offer)) {
            self.tell(seat, EngineEvent::Answer { sdp });
            self.tell_candidate(seat);
        }
        self.apply(now, seat, &offer)
    }

    /// Makes a connection whose ufrag starts with the seat: a check from an unknown address names its edge.
    fn connect(&mut self, seat: Seat, offers: bool) {
        let random = &mut self.drive.random;
        let (fragment, password) = (random.random::<u32>(), random.random::<u128>());
        let (ufrag, password) = (format!("{:04x}{fragment:08x}", seat.0).into(), format!("{password:032x}").into());
        let connection = LeanConnection::new(offers, Credentials { ufrag, password }, &self.common, &mut self.drive);
        if let Some(slot) = self.connections.get_mut(usize::from(seat.0)) {
            *slot = Some(Box::new(connection));
        }
    }

    fn describe(&mut self, seat: Seat, offer: Option<&Description<'_>>) -> Option<String> {
        let candidate = (!self.trickle).then(|| host_candidate(self.local));
        self.with(seat, |connection, drive| connection.describe(offer, candidate.as_deref(), &mut drive.random))
    }

    fn tell_candidate(&mut self, seat: Seat) {
        if let Some(connection) = self.connection(seat).filter(|_| self.trickle) {
            let candidate = candidate_of_channel(host_candidate(self.local), connection.ufrag());
            self.tell(seat, EngineEvent::Candidate(candidate));
        }
    }

    fn apply(&mut self, now: Instant, seat: Seat, description: &Description<'_>) -> Result<(), &'static str> {
        let patience = self.patience;
        let done = self.with(seat, |connection, drive| connection.apply(now, description, patience, drive));
        done.unwrap_or(Ok(()))?;
        description.candidates.iter().for_each(|candidate| self.admit(now, seat, candidate));
        Ok(())
    }

    /// Adds a candidate of a peer of this run or of a guest. Others are ignored: not one packet goes there.
    fn admit(&mut self, now: Instant, seat: Seat, candidate: &str) {
        if let Some(address) = candidate_address(candidate)
            && self.may_reach(seat, address)
            && self.connection(seat).is_some()
        {
            self.by_address.insert(address, seat);
            self.with(seat, |connection, drive| connection.add_candidate(now, address, drive));
        }
    }

    /// Peers of this run reach each other; a guest may have any address that the policy admits.
    fn may_reach(&self, seat: Seat, address: SocketAddr) -> bool {
        let is_guest = usize::from(seat.0) >= self.guests_from;
        let admits = |policy: &CandidatePolicy| policy.admits(address);
        self.addresses.has(address) || is_guest && self.policy.as_ref().is_some_and(admits)
    }

    fn forget(&mut self, seat: Seat) {
        if let Some(slot) = self.connections.get_mut(usize::from(seat.0)) {
            *slot = None;
        }
        self.timers.set(seat, None);
        self.by_address.retain(|_, owner| *owner != seat);
        self.notices.retain(|notice| notice.seat != seat);
    }

    fn connection(&self, seat: Seat) -> Option<&LeanConnection> {
        self.connections.get(usize::from(seat.0))?.as_deref()
    }

    /// Calls `act` on a connection, then updates its timer and passes on its events; its datagrams wait for `ship`.
    fn with<T>(&mut self, seat: Seat, act: impl FnOnce(&mut LeanConnection, &mut Drive) -> T) -> Option<T> {
        let connection = self.connections.get_mut(usize::from(seat.0))?.as_deref_mut()?;
        let done = act(connection, &mut self.drive);
        self.timers.set(seat, connection.wake_at());
        let stamp = self.handling;
        self.notices.extend(self.drive.events.drain(..).map(|event| EngineNotice { seat, stamp, event }));
        Some(done)
    }

    fn take_in(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8]) {
        if let Some(seat) = self.owner(from, datagram) {
            if self.connection(seat).is_some_and(LeanConnection::is_opening) {
                self.tell(seat, EngineEvent::Received { at: now });
            }
            self.with(seat, |connection, drive| connection.handle(now, from, datagram, drive));
        }
    }

    /// The seat that a datagram belongs to. Binding requests are matched by USERNAME and set the address; others are
    /// matched by address. Datagrams from outside this run are ignored, except a guest's checks.
    fn owner(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<Seat> {
        let known = self.by_address.get(&from).copied();
        let ufrag = if stun::is_stun(datagram) { stun::receiver_ufrag(datagram) } else { None };
        let Some(ufrag) = ufrag else { return known };
        let seat = Seat(u16::from_str_radix(ufrag.get(..4)?, 16).ok()?);
        if self.connection(seat)?.ufrag() != ufrag || known != Some(seat) && !self.may_reach(seat, from) {
            return None;
        }
        if known != Some(seat) {
            self.by_address.insert(from, seat);
        }
        Some(seat)
    }

    /// Sends the queued datagrams. A full socket drops a datagram, as any network may: the stack sends it again.
    fn ship(&mut self) {
        for (to, datagram) in self.drive.out.iter() {
            let owner = || self.by_address.get(&to).is_some_and(|seat| usize::from(seat.0) >= self.guests_from);
            if self.addresses.has(to) || owner() {
                let _ = self.socket.try_send_to(datagram, to);
            }
        }
        self.drive.out.clear();
    }
}

impl Engine for LeanEngine {
    fn order(&mut self, now: Instant, seat: Seat, order: EngineCommand) {
        if let Err(why) = self.obey(now, seat, order) {
            self.tell(seat, EngineEvent::Failed { reason: Reason::Protocol, detail: why.into() });
        }
        self.ship();
    }

    fn send(&mut self, now: Instant, seat: Seat, payload: &[u8]) -> bool {
        let sent = self.with(seat, |connection, drive| connection.send(now, payload, drive)).unwrap_or(false);
        self.ship();
        sent
    }

    fn poll(&mut self) -> Option<EngineNotice> {
        self.notices.pop_front()
    }

    fn wake_at(&mut self) -> Option<Instant> {
        self.timers.first()
    }

    fn wake(&mut self, now: Instant) {
        let mut checks_consent = false;
        while let Some(seat) = self.timers.pop_due(now) {
            let is_check = self.with(seat, |connection, drive| {
                let is_check = connection.consent_at().is_some_and(|at| at <= now);
                connection.wake(now, drive);
                is_check
            });
            checks_consent |= is_check == Some(true);
        }
        if checks_consent {
            // All checks that are near go out in one wake-up of the peer, instead of one an edge.
            for index in 0..self.connections.len() {
                self.with(Seat(index as u16), |connection, drive| connection.check_consent(now, drive));
            }
        }
        self.ship();
    }

    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_recv_ready(context)
    }

    fn read(&mut self, mut now: Instant) {
        let mut buffer = [0; DATAGRAM_BYTES_MAX];
        for index in 0..BATCH {
            match receive(&self.socket, &mut buffer) {
                Ok((read, from)) => {
                    self.handling = read.stamp;
                    // A DTLS flight takes up to a millisecond, for which the datagrams behind it wait.
                    now = if index > 0 { Instant::now() } else { now };
                    self.take_in(now, from, &mut buffer[..read.length]);
                }
                // `WouldBlock`: no datagram is left. Other errors are ICMP errors of earlier sends.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => {}
            }
        }
        self.handling = None;
        self.ship();
    }

    fn close(&mut self, now: Instant) {
        for index in 0..self.connections.len() {
            self.with(Seat(index as u16), |connection, drive| connection.close(now, drive));
        }
        self.ship();
        self.addresses.leave(self.local);
    }
}

impl Drop for LeanEngine {
    /// Removes the address from the run's peers: another process may bind the port next.
    fn drop(&mut self) {
        self.addresses.leave(self.local);
    }
}

#[cfg(test)]
mod tests;
