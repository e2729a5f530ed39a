//! The events of one connection, sent to its engine once each and in order.

use super::dtls_duplicates::DtlsDuplicates;
use super::turn::TurnReply;
use crate::engine::EngineNotice;
use crate::engine::peer_addresses::{PeerAddresses, candidate_of_channel};
use crate::vocabulary::{EngineEvent, Reason, Seat};
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};
use tokio::sync::{Notify, mpsc};
use webrtc::data_channel::DataChannel;
use webrtc::peer_connection::{
    PeerConnectionEventHandler, RTCIceConnectionState, RTCIceGatheringState, RTCPeerConnectionIceEvent,
    RTCPeerConnectionState,
};

/// An event, with the connection of that seat that it came from.
#[derive(Debug)]
pub(super) struct LinkEvent {
    pub generation: u64,
    pub notice: EngineNotice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum ConnectionStage {
    /// ICE.
    Checking,
    /// DTLS.
    Securing,
    /// SCTP.
    Associating,
    Open,
    Over,
}

#[derive(Debug)]
struct ConnectionState {
    stage: ConnectionStage,
    candidates: usize,
    gathered: bool,
    /// True once both descriptions are set on this side.
    described: bool,
    /// Last refusal of a TURN server, unless a success followed.
    refusal: Option<String>,
    duplicates: DtlsDuplicates,
    /// The kernel's receive stamp of the last datagram, by the wall clock.
    stamp: Option<SystemTime>,
}

/// Observer of the library's callbacks and of the datagrams at the sockets.
#[derive(Debug)]
pub(super) struct Callbacks {
    seat: Seat,
    generation: u64,
    ufrag: String,
    addresses: PeerAddresses,
    events: mpsc::Sender<LinkEvent>,
    /// Takes the channel that the other end has created.
    channels: mpsc::Sender<OpenedChannel>,
    all_gathered: Notify,
    /// Wakes the core, whose reply to the last datagram would otherwise wait for its next timer.
    round_needed: Notify,
    state: Mutex<ConnectionState>,
}

/// A DataChannel of the library, with `Debug`.
pub(super) struct OpenedChannel(pub Arc<dyn DataChannel>);

impl std::fmt::Debug for OpenedChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("channel")
    }
}

impl Callbacks {
    pub(super) fn new(
        (seat, generation): (Seat, u64),
        ufrag: String,
        addresses: PeerAddresses,
        events: mpsc::Sender<LinkEvent>,
        channels: mpsc::Sender<OpenedChannel>,
    ) -> Self {
        let state = ConnectionState {
            stage: ConnectionStage::Checking,
            candidates: 0,
            gathered: false,
            described: false,
            refusal: None,
            duplicates: DtlsDuplicates::default(),
            stamp: None,
        };
        let (all_gathered, round_needed) = (Notify::new(), Notify::new());
        let state = Mutex::new(state);
        Self { seat, generation, ufrag, addresses, events, channels, all_gathered, round_needed, state }
    }

    /// True if datagrams may go to `address`.
    pub(super) fn may_reach(&self, address: SocketAddr) -> bool {
        self.addresses.has(address)
    }

    /// Sends an event to the engine; drops it if the engine has stopped.
    pub(super) async fn emit(&self, event: EngineEvent) {
        // Only these follow from a datagram; a description or a candidate is made at once.
        let follows = matches!(
            event,
            EngineEvent::IceUp
                | EngineEvent::DtlsUp
                | EngineEvent::Open
                | EngineEvent::Message(_)
                | EngineEvent::Closed
        );
        let stamp = if follows { self.state().stamp } else { None };
        let _ = self.events.send(self.link_event(event, stamp)).await;
    }

    /// Waits for the end of gathering.
    pub(super) async fn gathering_complete(&self) {
        self.all_gathered.notified().await;
    }

    /// True if a received datagram is to be passed to the library; a retransmitted handshake flight is not (see
    /// `dtls_duplicates`). Also requests another round of the core: `webrtc` 0.21.1 drains it once per datagram, so a
    /// layer that starts to write on an event would wait for a timer of 400 ms.
    pub(super) fn accepts(&self, datagram: &[u8], stamp: Option<SystemTime>) -> bool {
        let mut state = self.state();
        state.stamp = stamp;
        let opens = state.stage < ConnectionStage::Open;
        let is_repeat = state.stage == ConnectionStage::Securing && state.duplicates.is_duplicate(datagram);
        if !is_repeat && matches!(state.stage, ConnectionStage::Securing | ConnectionStage::Associating) {
            self.round_needed.notify_one();
        }
        drop(state);
        if opens {
            // With a full queue the wait of this datagram goes uncounted.
            let _ = self.events.try_send(self.link_event(EngineEvent::Received { at: Instant::now() }, stamp));
        }
        !is_repeat
    }

    /// Waits until the core needs another round.
    pub(super) async fn round_needed(&self) {
        self.round_needed.notified().await;
    }

    /// Records that both descriptions are set.
    pub(super) async fn on_described(&self) {
        self.state().described = true;
        self.fail_without_candidates().await;
    }

    pub(super) async fn on_open(&self) {
        if self.advance(ConnectionStage::Open) {
            self.emit(EngineEvent::Open).await;
        }
    }

    /// Ends the connection after the channel or its transport has closed.
    pub(super) async fn on_closed(&self) {
        match self.end() {
            Some(ConnectionStage::Open) => self.emit(EngineEvent::Closed).await,
            Some(_) => self.emit(failed(Reason::ChannelFailed, "the connection has stopped")).await,
            None => {}
        }
    }

    pub(super) async fn fail(&self, reason: Reason, detail: impl Into<Cow<'static, str>>) {
        if self.end().is_some() {
            self.emit(failed(reason, detail)).await;
        }
    }

    /// Fails the connection on a DTLS alert during the handshake.
    pub(super) fn on_alert(&self, detail: &'static str) {
        let mut state = self.state();
        if state.stage == ConnectionStage::Securing {
            state.stage = ConnectionStage::Over;
            // If the queue is full, the handshake's timeout reports the failure later.
            let _ = self.events.try_send(self.link_event(failed(Reason::DtlsFailed, detail), None));
        }
    }

    /// Records a TURN server's reply. Every login begins with a refusal (RFC 8489 §9.2.4), which a success clears.
    pub(super) fn on_turn_reply(&self, reply: TurnReply) {
        self.state().refusal = match reply {
            TurnReply::Granted => None,
            TurnReply::Refused(refusal) => Some(refusal),
        };
    }

    /// Fails the connection at once if gathering found no candidate, rather than wait for the timeout.
    async fn fail_without_candidates(&self) {
        let detail = {
            let state = self.state();
            let is_hopeless = state.gathered && state.described && state.candidates == 0;
            is_hopeless.then(|| match &state.refusal {
                Some(refusal) => format!("no candidate; TURN: {refusal}"),
                None => "no candidate; TURN: no answer".to_owned(),
            })
        };
        if let Some(detail) = detail {
            self.fail(Reason::IceFailed, detail).await;
        }
    }

    /// Fails the connection if no check was answered yet.
    pub(super) async fn on_ice_timeout(&self) {
        if self.state().stage == ConnectionStage::Checking {
            self.ice_failed().await;
        }
    }

    async fn ice_failed(&self) {
        if self.state().stage == ConnectionStage::Open {
            return self.on_closed().await;
        }
        let refusal = self.state().refusal.take();
        let detail = match refusal {
            Some(refusal) => format!("no check was answered; TURN: {refusal}"),
            None => "no check was answered".to_owned(),
        };
        self.fail(Reason::IceFailed, detail).await;
    }

    fn link_event(&self, event: EngineEvent, stamp: Option<SystemTime>) -> LinkEvent {
        LinkEvent { generation: self.generation, notice: EngineNotice { seat: self.seat, event, stamp } }
    }

    /// Advances to `stage`; false if it was reached before.
    fn advance(&self, stage: ConnectionStage) -> bool {
        let mut state = self.state();
        let is_new = state.stage < stage;
        state.stage = state.stage.max(stage);
        is_new
    }

    /// Ends the connection and returns its last stage; `None` if it had ended before.
    fn end(&self) -> Option<ConnectionStage> {
        let stage = std::mem::replace(&mut self.state().stage, ConnectionStage::Over);
        (stage != ConnectionStage::Over).then_some(stage)
    }

    fn state(&self) -> MutexGuard<'_, ConnectionState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(reason: Reason, detail: impl Into<Cow<'static, str>>) -> EngineEvent {
    EngineEvent::Failed { reason, detail: detail.into() }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Callbacks {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(found) = event.candidate.to_json() else { return };
        self.state().candidates += 1;
        self.emit(EngineEvent::Candidate(candidate_of_channel(found.candidate, &self.ufrag))).await;
    }

    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
            self.state().gathered = true;
            self.all_gathered.notify_one();
            self.fail_without_candidates().await;
        }
    }

    async fn on_ice_connection_state_change(&self, state: RTCIceConnectionState) {
        self.round_needed.notify_one();
        match state {
            RTCIceConnectionState::Connected if self.advance(ConnectionStage::Securing) => {
                self.emit(EngineEvent::IceUp).await;
            }
            RTCIceConnectionState::Failed => self.ice_failed().await,
            _ => {}
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.round_needed.notify_one();
        match state {
            RTCPeerConnectionState::Connected if self.advance(ConnectionStage::Associating) => {
                self.emit(EngineEvent::DtlsUp).await;
            }
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
                if self.state().stage == ConnectionStage::Open =>
            {
                self.on_closed().await;
            }
            _ => {}
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.round_needed.notify_one();
        // An edge has one channel; a second one is dropped.
        let _ = self.channels.try_send(OpenedChannel(channel));
    }
}
