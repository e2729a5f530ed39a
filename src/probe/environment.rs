//! Where the probe acts: real sockets, or a virtual server and clock.

use super::progress::HandshakeProgress;
use crate::dialect::Dialect;
use crate::driver::PeerSpec;
use crate::peer::TrafficConfig;
use crate::vocabulary::failure::Failure;
use crate::vocabulary::ids::{Naming, Place};
use crate::vocabulary::options::{Approval, Initiator, Trigger};
use crate::vocabulary::seed::Seed;
use std::time::{Duration, Instant};

/// A connection of the probe's own, without a peer behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawConnection(pub usize);

/// What came over a line.
#[derive(Clone, Debug, PartialEq)]
pub struct LineNews {
    pub line: RawConnection,
    pub at: Instant,
    pub event: LineEvent,
}

#[derive(Clone, Debug, PartialEq)]
pub enum LineEvent {
    /// The WebSocket is open.
    Up,
    Frame(String),
    /// It could not be opened, or has ended.
    Down(Failure),
}

/// One handshake of a room, to be played by whole virtual peers.
#[derive(Clone, Debug)]
pub struct HandshakePlay {
    pub dialect: Dialect,
    pub naming: Naming,
    pub room: String,
    /// When each peer begins, from the start of the play; the host first.
    pub begins: Vec<Duration>,
    pub trigger: Trigger,
    pub initiator: Initiator,
    pub settle: Duration,
    pub approval: Approval,
    pub timeout: Duration,
    pub trickle: bool,
}

/// The experiments are written as a script, line by line; the world lets time pass for them.
pub trait Environment {
    fn now(&self) -> Instant;
    /// Starts to connect; `Up` or `Down` will tell.
    fn dial(&mut self) -> RawConnection;
    /// Says a text frame. On a line that is not open, it is lost.
    fn say(&mut self, line: RawConnection, text: String);
    /// Ends a line without a goodbye.
    fn hang_up(&mut self, line: RawConnection);
    /// The next news of any line; nothing if none comes until then.
    fn hear(&mut self, until: Instant) -> Option<LineNews>;
    /// Plays until the curtain falls, and sees the peers out.
    fn play(&mut self, play: &HandshakePlay, progress: &mut HandshakeProgress<'_>);
}

impl HandshakePlay {
    /// The peer at `place`, silent, without a token or an exchange. `epoch`: an instant and ms since the Unix epoch then.
    pub fn spec(&self, place: Place, epoch: (Instant, u64), seed: Seed) -> PeerSpec {
        PeerSpec {
            place,
            room_size: self.size(),
            guests: 0,
            naming: self.naming.clone(),
            name: self.naming.peer(place.peer),
            room: self.room.clone(),
            dialect: self.dialect.clone(),
            trigger: self.trigger,
            initiator: self.initiator,
            settle: self.settle,
            approval: self.approval,
            timeout: self.timeout,
            trickle: self.trickle,
            epoch,
            token: String::new(),
            seed,
            traffic: TrafficConfig::silent(),
            backoff: None,
            exchange: None,
        }
    }

    pub fn size(&self) -> u16 {
        self.begins.len() as u16
    }

    /// How long it can take at most.
    pub fn longest(&self) -> Duration {
        self.begins.iter().max().copied().unwrap_or_default() + self.timeout
    }
}
