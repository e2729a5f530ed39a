//! The engine `none`: opens channels without WebRTC, to load the signaling server alone.

use super::lean::connection::MESSAGE_BYTES_MAX;
use super::lean::ice::Credentials;
use super::lean::sdp::{Own, Setup, host_candidate};
use super::peer_addresses::candidate_of_channel;
use super::{Engine, EngineNotice};
use crate::vocabulary::{EngineCommand, EngineEvent, Seat};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Instant;

/// Engine that makes well-formed descriptions and candidates of realistic size, and sends no datagram. An edge is open once
/// its answer is made or applied (docs/spec/measurement.md, "Load model").
#[derive(Debug)]
pub struct NoneEngine {
    /// Distinguishes the descriptions of different peers.
    stamp: u64,
    events: VecDeque<EngineNotice>,
}

impl NoneEngine {
    pub fn new(stamp: u64) -> Self {
        Self { stamp, events: VecDeque::new() }
    }

    fn emit(&mut self, seat: Seat, event: EngineEvent) {
        self.events.push_back(EngineNotice { seat, event, stamp: None });
    }

    fn tell_description(&mut self, seat: Seat, setup: Setup, event: impl FnOnce(String) -> EngineEvent) {
        let stamp = self.stamp;
        let credentials =
            Credentials { ufrag: format!("{:04x}", seat.0).into(), password: format!("{stamp:024x}").into() };
        let hash: Vec<String> =
            (0..32_u64).map(|index| format!("{:02X}", stamp.wrapping_mul(index + 7) as u8)).collect();
        let fingerprint = format!("sha-256 {}", hash.join(":"));
        let own = Own {
            session: stamp << 1,
            credentials: &credentials,
            fingerprint: &fingerprint,
            setup,
            candidate: None,
            message_bytes_max: MESSAGE_BYTES_MAX,
        };
        self.emit(seat, event(own.offer()));
        let socket = SocketAddr::from((Ipv4Addr::LOCALHOST, (1_024 + stamp % 60_000) as u16));
        self.emit(seat, EngineEvent::Candidate(candidate_of_channel(host_candidate(socket), &credentials.ufrag)));
    }
}

impl Engine for NoneEngine {
    fn order(&mut self, _now: Instant, seat: Seat, order: EngineCommand) {
        match order {
            EngineCommand::Offer => self.tell_description(seat, Setup::Actpass, |sdp| EngineEvent::Offer { sdp }),
            EngineCommand::Accept { .. } => {
                self.tell_description(seat, Setup::Active, |sdp| EngineEvent::Answer { sdp });
                self.emit(seat, EngineEvent::Open);
            }
            EngineCommand::Apply { .. } => {
                self.emit(seat, EngineEvent::Applied);
                self.emit(seat, EngineEvent::Open);
            }
            EngineCommand::Admit(_) => {}
            EngineCommand::Drop => self.events.retain(|notice| notice.seat != seat),
        }
    }

    fn send(&mut self, _now: Instant, _seat: Seat, _payload: &[u8]) -> bool {
        false
    }

    fn poll(&mut self) -> Option<EngineNotice> {
        self.events.pop_front()
    }

    fn close(&mut self, _now: Instant) {}
}
