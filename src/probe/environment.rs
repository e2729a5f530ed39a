//! The interface through which the probe acts, for real sockets and for a virtual server and clock.

use super::progress::HandshakeProgress;
use crate::dialect::{Dialect, Trial};
use crate::driver::PeerSpec;
use crate::peer::TrafficConfig;
use crate::vocabulary::{Failure, HandshakeSettings, Naming, Place, Seed};
use std::time::{Duration, Instant};

/// The number of one of the probe's own WebSocket connections, which has no virtual peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawConnection(pub usize);

/// An event of one raw connection.
#[derive(Clone, Debug, PartialEq)]
pub struct TimedLineEvent {
    pub line: RawConnection,
    pub at: Instant,
    pub event: LineEvent,
}

/// An event of a raw connection.
#[derive(Clone, Debug, PartialEq)]
pub enum LineEvent {
    /// The WebSocket is open.
    Up,
    /// A text frame arrived.
    Frame(String),
    /// The connection could not be opened, or has closed.
    Down(Failure),
}

/// One handshake of a room of virtual peers.
#[derive(Clone, Debug)]
pub struct HandshakePlay {
    pub dialect: Dialect,
    pub naming: Naming,
    pub room: String,
    /// Begin of each peer, counted from the start of the handshake; the host first.
    pub begins: Vec<Duration>,
    pub handshake: HandshakeSettings,
    /// The begin of a further client, which joins the room and says nothing else; its seat is the one after the room's own.
    pub observer: Option<Duration>,
}

/// Sockets and time of a probe. Methods block, so that experiments read as scripts.
pub trait Environment {
    fn now(&self) -> Instant;
    /// Starts to open a raw connection; `next_event` reports `Up` or `Down`.
    fn open_connection(&mut self) -> RawConnection;
    /// Sends a text frame; it is lost if the connection is not open.
    fn send_text(&mut self, line: RawConnection, text: String);
    /// Closes the connection without a leave message.
    fn close_connection(&mut self, line: RawConnection);
    /// Waits for the next event of any raw connection; `None` if none comes before `until`.
    fn next_event(&mut self, until: Instant) -> Option<TimedLineEvent>;
    /// Connects as `dialect` would, says nothing, and returns the server's first frame; `None` if none comes in time.
    fn first_frame(&mut self, dialect: &Dialect, at_most: Duration) -> Option<String>;
    /// Runs virtual peers until `progress.ends_at()`, then lets them leave.
    fn play(&mut self, play: &HandshakePlay, progress: &mut HandshakeProgress<'_>);
}

impl HandshakePlay {
    /// The peer at `place`, or the observer behind the room's seats, silent, without a token or an exchange. `epoch`: an
    /// instant and ms since the Unix epoch then.
    pub fn spec(&self, place: Place, epoch: (Instant, u64), seed: Seed) -> PeerSpec {
        let observes = place.seat.0 >= self.size();
        let trial = Trial { captures: true, observes: true, ..Trial::default() };
        PeerSpec {
            place,
            room_size: self.size(),
            guests: 0,
            naming: self.naming.clone(),
            name: self.naming.peer(place.peer),
            room: self.room.clone(),
            dialect: if observes { self.dialect.with_trial(trial) } else { self.dialect.clone() },
            handshake: self.handshake,
            epoch,
            token: String::new(),
            data: Default::default(),
            seed,
            traffic: TrafficConfig::silent(),
            backoff: None,
            exchange: None,
        }
    }

    pub fn size(&self) -> u16 {
        self.begins.len() as u16
    }

    /// The most time that the handshake can take.
    pub fn duration_max(&self) -> Duration {
        self.begins.iter().max().copied().unwrap_or_default() + self.handshake.timeout
    }
}
