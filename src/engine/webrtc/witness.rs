//! What happens on one connection, told to its engine once and in order.

use super::turn::Answer;
use crate::engine::neighbourhood::Neighbourhood;
use crate::engine::repeats::Repeats;
use crate::engine::stage::Stage;
use crate::vocabulary::failure::Reason;
use crate::vocabulary::ids::Seat;
use crate::vocabulary::link::Notice;
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
pub struct Fact {
    pub seat: Seat,
    pub life: u64,
    pub notice: Notice,
}

#[derive(Debug)]
struct Standing {
    stage: Stage,
    candidates: usize,
    gathered: bool,
    /// Both descriptions are in force, as far as this side can know.
    described: bool,
    /// The last word of a TURN server, if it was a no.
    refusal: Option<String>,
    repeats: Repeats,
}

/// Sees what the library calls back with, and what passes the sockets.
#[derive(Debug)]
pub struct Witness {
    seat: Seat,
    life: u64,
    ufrag: String,
    neighbourhood: Neighbourhood,
    facts: mpsc::Sender<Fact>,
    /// The channel that the other end has made.
    channels: mpsc::Sender<Channel>,
    all_gathered: Notify,
    /// Something was taken in whose answer the library would leave lying until its next timer.
    unsettled: Notify,
    standing: Mutex<Standing>,
}

/// A DataChannel of the library's.
pub struct Channel(pub Arc<dyn DataChannel>);

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("channel")
    }
}

impl Witness {
    pub fn new(
        (seat, life): (Seat, u64),
        ufrag: String,
        neighbourhood: Neighbourhood,
        facts: mpsc::Sender<Fact>,
        channels: mpsc::Sender<Channel>,
    ) -> Self {
        let standing = Standing {
            stage: Stage::Checking,
            candidates: 0,
            gathered: false,
            described: false,
            refusal: None,
            repeats: Repeats::default(),
        };
        let (all_gathered, unsettled) = (Notify::new(), Notify::new());
        let standing = Mutex::new(standing);
        Self { seat, life, ufrag, neighbourhood, facts, channels, all_gathered, unsettled, standing }
    }

    pub fn may_reach(&self, address: SocketAddr) -> bool {
        self.neighbourhood.has(address)
    }

    /// An engine that is gone wants to hear nothing.
    pub async fn tell(&self, notice: Notice) {
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
        let is_repeat = standing.stage == Stage::Securing && standing.repeats.has_come(datagram);
        if !is_repeat && matches!(standing.stage, Stage::Securing | Stage::Associating) {
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
        if self.advance(Stage::Open) {
            self.tell(Notice::Open).await;
        }
    }

    /// The channel, or what carries it, is gone.
    pub async fn over(&self) {
        match self.end() {
            Some(Stage::Open) => self.tell(Notice::Closed).await,
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
        if standing.stage == Stage::Securing {
            standing.stage = Stage::Over;
            // With the queue full, the handshake's timeout tells it later.
            let _ = self.facts.try_send(self.fact(failed(Reason::DtlsFailed, detail)));
        }
    }

    /// A TURN server's answer. Its first no is part of every login (RFC 8489 §9.2.4), and a yes takes it back.
    pub fn answered(&self, answer: Answer) {
        self.standing().refusal = match answer {
            Answer::Granted => None,
            Answer::Refused(refusal) => Some(refusal),
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
        if self.standing().stage == Stage::Open {
            return self.over().await;
        }
        let refusal = self.standing().refusal.take();
        let detail = match refusal {
            Some(refusal) => format!("no check was answered; TURN: {refusal}"),
            None => "no check was answered".to_owned(),
        };
        self.fail(Reason::IceFailed, detail).await;
    }

    fn fact(&self, notice: Notice) -> Fact {
        Fact { seat: self.seat, life: self.life, notice }
    }

    /// Whether `stage` is news.
    fn advance(&self, stage: Stage) -> bool {
        let mut standing = self.standing();
        let is_news = standing.stage < stage;
        standing.stage = standing.stage.max(stage);
        is_news
    }

    /// The stage in which it ends now; nothing if it had ended.
    fn end(&self) -> Option<Stage> {
        let stage = std::mem::replace(&mut self.standing().stage, Stage::Over);
        (stage != Stage::Over).then_some(stage)
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn failed(reason: Reason, detail: impl Into<Cow<'static, str>>) -> Notice {
    Notice::Failed { reason, detail: detail.into() }
}

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Witness {
    async fn on_ice_candidate(&self, event: RTCPeerConnectionIceEvent) {
        let Ok(found) = event.candidate.to_json() else { return };
        self.standing().candidates += 1;
        let candidate = Candidate {
            candidate: found.candidate,
            mid: Some("0".to_owned()),
            line: Some(0),
            ufrag: Some(self.ufrag.clone()),
        };
        self.tell(Notice::Candidate(candidate)).await;
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
            RTCIceConnectionState::Connected if self.advance(Stage::Securing) => self.tell(Notice::IceUp).await,
            RTCIceConnectionState::Failed => self.ice_failed().await,
            _ => {}
        }
    }

    async fn on_connection_state_change(&self, state: RTCPeerConnectionState) {
        self.unsettled.notify_one();
        match state {
            RTCPeerConnectionState::Connected if self.advance(Stage::Associating) => {
                self.tell(Notice::DtlsUp).await;
            }
            RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed if self.standing().stage == Stage::Open => {
                self.over().await;
            }
            _ => {}
        }
    }

    async fn on_data_channel(&self, channel: Arc<dyn DataChannel>) {
        self.unsettled.notify_one();
        // There is one channel an edge; another one is nobody's.
        let _ = self.channels.try_send(Channel(channel));
    }
}
