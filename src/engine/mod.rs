//! The engines that open DataChannels: one per peer, behind the trait `Engine`.

mod candidate_policy;
mod edge_timers;
// Exported for the fuzzer, the benches and the tests, which drive its layers one by one.
#[doc(hidden)]
pub mod lean;
mod none;
mod peer_addresses;
mod settings;
mod stamped_socket;
mod webrtc;

pub use candidate_policy::CandidatePolicy;
pub use lean::{LeanEngine, LeanSetup};
pub use none::NoneEngine;
pub use peer_addresses::PeerAddresses;
pub use settings::EngineSettings;
#[doc(hidden)]
pub use webrtc::turn;
pub use webrtc::{Gathering, WebrtcEngine, WebrtcSetup};

use crate::vocabulary::{EngineCommand, EngineEvent, Seat};
use std::io;
use std::task::{Context, Poll};
use std::time::{Instant, SystemTime};

/// An event of the edge to `seat`.
#[derive(Debug)]
pub struct EngineNotice {
    pub seat: Seat,
    pub event: EngineEvent,
    /// The kernel's receive stamp, by the wall clock, of the datagram that led to the event.
    pub stamp: Option<SystemTime>,
}

/// One peer's connections to the others of its room. Drain `poll` after every call.
pub trait Engine {
    /// Applies a command to the edge to `seat`. A failure becomes an `EngineEvent::Failed`.
    fn order(&mut self, now: Instant, seat: Seat, order: EngineCommand);

    /// Queues a message on the open channel to `seat`; false if there is none, or its queue is full.
    fn send(&mut self, now: Instant, seat: Seat, payload: &[u8]) -> bool;

    /// Returns the next event.
    fn poll(&mut self) -> Option<EngineNotice>;

    /// Time of the next `wake`; `None` for an engine that has no timers, or runs its own.
    fn wake_at(&mut self) -> Option<Instant> {
        None
    }

    /// Fires every timer that is due.
    fn wake(&mut self, _now: Instant) {}

    /// Ready when datagrams wait, then call `read`, or when events do.
    ///
    /// # Errors
    /// The socket's error.
    fn poll_readable(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    /// Handles a bounded batch of waiting datagrams.
    fn read(&mut self, _now: Instant) {}

    /// Closes every connection and notifies the other ends.
    fn close(&mut self, now: Instant);

    /// Ready, after `close`, when the other ends have been notified.
    fn poll_closed(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
