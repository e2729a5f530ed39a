//! What opens the channels: one engine a peer, told what to do about each edge.

mod admission;
mod dtls;
// The fuzzer, the benches and the tests drive its layers by themselves.
#[doc(hidden)]
pub mod lean;
mod neighbourhood;
mod none;
mod repeats;
mod rtc;
mod stage;
mod webrtc;

pub use admission::Admission;
pub use lean::{LeanEngine, LeanSetup};
pub use neighbourhood::Neighbourhood;
pub use none::NoneEngine;
pub use rtc::{RtcEngine, RtcSetup};
pub use webrtc::{Gathering, WebrtcEngine, WebrtcSetup};
// The fuzzer throws datagrams at it.
#[doc(hidden)]
pub use rtc::stun;
// The benches pass a pair's packets in memory: the floor under the mesh.
#[doc(hidden)]
pub use rtc::{Drained, Link, host_candidate};

use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::{Notice, Order};
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

/// One peer's connections to the others of its room. After anything, drain `poll`.
pub trait Engine {
    /// Does what is asked about the edge to `seat`. What fails is told as a notice.
    fn order(&mut self, now: Instant, seat: Seat, order: Order);

    /// Puts a message into the open channel to `seat`. `false`: there is none, or its queue is full.
    fn send(&mut self, now: Instant, seat: Seat, payload: &[u8]) -> bool;

    fn poll(&mut self) -> Option<(Seat, Notice)>;

    /// When `wake` is wanted.
    fn wake_at(&mut self) -> Option<Instant>;

    /// Serves every timer that is due.
    fn wake(&mut self, now: Instant);

    /// Ready when something has come from the network; then `read` it.
    fn poll_readable(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Takes in what has come, a bounded batch at a time.
    fn read(&mut self, now: Instant);

    /// Closes every connection, and says so to the other ends.
    fn close(&mut self, now: Instant);

    /// After `close`: ready when the other ends have been told.
    fn poll_closed(&mut self, _context: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}
