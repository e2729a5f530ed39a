//! The engine `none`: opens channels without WebRTC, to load the signaling server alone.

use super::Engine;
use crate::vocabulary::{Candidate, EngineCommand, EngineEvent, Seat};
use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

/// Engine that makes well-formed descriptions and candidates of realistic size, and sends no datagram. An edge is open once
/// its answer is made or applied (docs/spec/measurement.md, "Load model").
#[derive(Debug)]
pub struct NoneEngine {
    /// Distinguishes the descriptions of different peers.
    stamp: u64,
    events: VecDeque<(Seat, EngineEvent)>,
}

impl NoneEngine {
    pub fn new(stamp: u64) -> Self {
        Self { stamp, events: VecDeque::new() }
    }

    fn emit(&mut self, seat: Seat, event: EngineEvent) {
        self.events.push_back((seat, event));
    }

    fn describe(&self, seat: Seat, setup: &str) -> String {
        let (stamp, seat) = (self.stamp, seat.0);
        let fingerprint: Vec<String> =
            (0..32_u64).map(|index| format!("{:02X}", stamp.wrapping_mul(index + 7) as u8)).collect();
        format!(
            "v=0\r\no=- {stamp} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\na=msid-semantic: WMS\r\n\
             m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:{seat:04x}\r\n\
             a=ice-pwd:{stamp:024x}\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {}\r\na=setup:{setup}\r\n\
             a=mid:0\r\na=sctp-port:5000\r\na=max-message-size:262144\r\n",
            fingerprint.join(":")
        )
    }

    fn candidate(&self, seat: Seat) -> Candidate {
        let port = 1_024 + self.stamp % 60_000;
        Candidate {
            candidate: format!("candidate:1 1 udp 2130706431 127.0.0.1 {port} typ host ufrag {:04x}", seat.0),
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: Some(format!("{:04x}", seat.0)),
        }
    }
}

impl Engine for NoneEngine {
    fn order(&mut self, _now: Instant, seat: Seat, order: EngineCommand) {
        match order {
            EngineCommand::Offer => {
                self.emit(seat, EngineEvent::Offer { sdp: self.describe(seat, "actpass") });
                self.emit(seat, EngineEvent::Candidate(self.candidate(seat)));
            }
            EngineCommand::Accept { .. } => {
                self.emit(seat, EngineEvent::Answer { sdp: self.describe(seat, "active") });
                self.emit(seat, EngineEvent::Candidate(self.candidate(seat)));
                self.emit(seat, EngineEvent::Open);
            }
            EngineCommand::Apply { .. } => {
                self.emit(seat, EngineEvent::Applied);
                self.emit(seat, EngineEvent::Open);
            }
            EngineCommand::Admit(_) => {}
            EngineCommand::Drop => self.events.retain(|(other, _)| *other != seat),
        }
    }

    fn send(&mut self, _now: Instant, _seat: Seat, _payload: &[u8]) -> bool {
        false
    }

    fn poll(&mut self) -> Option<(Seat, EngineEvent)> {
        self.events.pop_front()
    }

    fn wake_at(&mut self) -> Option<Instant> {
        None
    }

    fn wake(&mut self, _now: Instant) {}

    fn poll_readable(&mut self, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }

    fn read(&mut self, _now: Instant) {}

    fn close(&mut self, _now: Instant) {}
}
