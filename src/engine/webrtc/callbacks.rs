//! What happens on one connection, told to its engine once and in order.

use super::turn::TurnReply;
use crate::engine::dtls_duplicates::DtlsDuplicates;
use crate::engine::peer_addresses::PeerAddresses;
use crate::engine::stage::ConnectionStage;
use crate::vocabulary::engine::EngineEvent;
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::message::Candidate;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc};
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

/// A notice, and of which of the connections to that seat.
#[derive(Debug)]
pub struct LinkEvent {
    pub seat: Seat,
    pub life: u64,
    pub notice: EngineEvent,
}

#[derive(Debug)]
struct ConnectionState {
    stage: ConnectionStage,
    candidates: usize,
    gathered: bool,
    /// Both descriptions are in force, as far as this side can know.
    described: bool,
    /// The last word of a TURN server, if it was a no.
    refusal: Option<String>,
    duplicates: DtlsDuplicates,
}

/// Sees what the library calls back with, and what passes the sockets.
#[derive(Debug)]
pub struct Callbacks {
    seat: Seat,
    life: u64,
    ufrag: String,
    addresses: PeerAddresses,
    facts: mpsc::Sender<LinkEvent>,
    /// The channel that the other end has made.
    channels: mpsc::Sender<OpenedChannel>,
    all_gathered: Notify,
    /// Something was taken in whose answer the library would leave lying until its next timer.
    unsettled: Notify,
    standing: Mutex<ConnectionState>,
}

/// A DataChannel of the library's.
pub struct OpenedChannel(pub Arc<dyn DataChannel>);

impl std::fmt::Debug for OpenedChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("channel")
    }
}

impl Callbacks {
    pub fn new(
        (seat, life): (Seat, u64),
        ufrag: String,
        addresses: PeerAddresses,
        facts: mpsc::Sender<LinkEvent>,
        channels: mpsc::Sender<OpenedChannel>,
    ) -> Self {
        let standing = ConnectionState {
            stage: ConnectionStage::Checking,
            candidates: 0,
            gathered: false,
            described: false,
            refusal: None,
            duplicates: DtlsDuplicates::default(),
        };
        let (all_gathered, unsettled) = (Notify::new(), Notify::new());
        let standing = Mutex::new(standing);
        Self { seat, life, ufrag, addresses, facts, channels, all_gathered, unsettled, standing }
    }

    pub fn may_reach(&self, address: SocketAddr) -> bool {
        self.addresses.has(address)
    }

    /// An engine that is gone wants to hear nothing.
    pub async fn tell(&self, notice: EngineEvent) {
        let _ = self.facts.send(self.fact(notice)).await;
    }

    /// Waits for the end of gathering.
    pub async fn gathered(&self) {
        self.all_gathered.notified().await;
    }

    /// Whether a datagram that has come is to be passed on: a flight of the handshake sent again is better lost on the
    /// way. The library drains its core once a datagram, and an event makes the next layer write: without another round
    /// that layer's first words wait for a timer of 400 ms.
    pub fn admits(&self, datagram: &[u8]) -> bool {
        let mut standing = self.standing();
        let is_repeat = standing.stage == ConnectionStage::Securing && standing.duplicates.has_come(datagram);
        if !is_repeat && matches!(standing.stage, ConnectionStage::Securing | ConnectionStage::Associating) {
            self.unsettled.notify_one();
        }
        !is_repeat
    }

    /// Waits until another round is wanted.
    pub async fn unsettled(&self) {
        self.unsettled.notified().await;
    }

    /// Both descriptions are in force.
    pub async fn described(&self) {
        self.standing().described = true;
        self.give_up_if_barren().await;
    }

    pub async fn opened(&self) {
        if self.advance(ConnectionStage::Open) {
            self.tell(EngineEvent::Open).await;
        }
    }

    /// The channel, or what carries it, is gone.
    pub async fn over(&self) {
        match self.end() {
            Some(ConnectionStage::Open) => self.tell(EngineEvent::Closed).await,
            Some(_) => self.tell(failed(Reason::ChannelFailed, "the connection has stopped")).await,
            None => {}
        }
    }

    pub async fn fail(&self, reason: Reason, detail: impl Into<Cow<'static, str>>) {
        if self.end().is_some() {
            self.tell(failed(reason, detail)).await;
        }
    }

    /// A DTLS alert has passed; while the handshake runs, it is its failure.
    pub fn alerted(&self, detail: &'static str) {
        let mut standing = self.standing();
        if standing.stage == ConnectionStage::Securing {
            standing.stage = ConnectionStage::Over;
            // With the queue full, the handshake's timeout tells it later.
            let _ = self.facts.try_send(self.fact(failed(Reason::DtlsFailed, detail)));
        }
    }

    /// A TURN server's answer. Its first no is part of every login (RFC 8489 §9.2.4), and a yes takes it back.
    pub fn answered(&self, answer: TurnReply) {
        self.standing().refusal = match answer {
            TurnReply::Granted => None,
            TurnReply::Refused(refusal) => Some(refusal),
        };
    }

    /// Without a candidate there is nothing to check, and the timeout need not be waited for.
    async fn give_up_if_barren(&self) {
        let detail = {
            let standing = self.standing();
            let barren = standing.gathered && standing.described && standing.candidates == 0;
            barren.then(|| match &standing.refusal {
                Some(refusal) => format!("no candidate; TURN: {refusal}"),
                None => "no candidate; TURN: no answer".to_owned(),
            })
        };
        if let Some(detail) = detail {
            self.fail(Reason::IceFailed, detail).await;
        }
    }

    async fn ice_failed(&self) {
        if self.standing().stage == ConnectionStage::Open {
            return self.over().await;
        }
        let refusal = self.standing().refusal.take();
        let detail = match refusal {
            Some(refusal) => format!("no check was answered; TURN: {refusal}"),
            None => "no check was answered".to_owned(),
        };
        self.fail(Reason::IceFailed, detail).await;
    }

    fn fact(&self, notice: EngineEvent) -> LinkEvent {
        LinkEvent { seat: self.seat, life: self.life, notice }
    }

    /// Whether `stage` is news.
    fn advance(&self, stage: ConnectionStage) -> bool {
        let mut standing = self.standing();
        let is_news = standing.stage < stage;
        standing.stage = standing.stage.max(stage);
        is_news
    }

    /// The stage in which it ends now; nothing if it had ended.
    fn end(&self) -> Option<ConnectionStage> {
        let stage = std::mem::replace(&mut self.standing().stage, ConnectionStage::Over);
        (stage != ConnectionStage::Over).then_some(stage)
    }

    fn standing(&self) -> MutexGuard<'_, ConnectionState> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(reason: Reason, detail: impl Into<Cow<'static, str>>) -> EngineEvent {
    EngineEvent::Failed { reason, detail: detail.into() }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(found) = event.candidate.to_json() else { return };
        self.standing().candidates += 1;
        let candidate = Candidate {
            candidate: found.candidate,
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: Some(self.ufrag.clone()),
        };
        self.tell(EngineEvent::Candidate(candidate)).await;
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.standing().gathered = true;
            self.all_gathered.notify_one();
            self.give_up_if_barren().await;
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.unsettled.notify_one();
        match state {
            RTCIceConnectionState::Connected if self.advance(ConnectionStage::Securing) => {
                self.tell(EngineEvent::IceUp).await;
            }
            RTCIceConnectionState::Failed => self.ice_failed().await,
            _ => {}
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.unsettled.notify_one();
        match state {
            RTCPeerConnectionState::Connected if self.advance(ConnectionStage::Associating) => {
                self.tell(EngineEvent::DtlsUp).await;
            }
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
                if self.standing().stage == ConnectionStage::Open =>
            {
                self.over().await;
            }
            _ => {}
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.unsettled.notify_one();
        // There is one channel an edge; another one is nobody's.
        let _ = self.channels.try_send(OpenedChannel(channel));
    }
}
