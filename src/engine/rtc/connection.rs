//! One connection of the sans-IO `rtc` core, and how it is driven until it is quiet.

use super::sctp_deadlines::SctpDeadlines;
use super::settings::{CHECK_PAUSE_FIRST, candidate_init, channel_init, settings};
use super::setup::RtcSetup;
use super::stun::is_stun;
use crate::engine::dtls::is_plain_alert;
use crate::engine::dtls_duplicates::DtlsDuplicates;
use crate::engine::stage::ConnectionStage;
use crate::vocabulary::{Candidate, EngineEvent, Reason};
use bytes::BytesMut;
use rtc::data_channel::RTCDataChannelId;
use rtc::peer_connection::configuration::RTCConfigurationBuilder;
use rtc::peer_connection::event::{RTCDataChannelEvent, RTCPeerConnectionEvent};
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::state::{RTCIceConnectionState, RTCPeerConnectionState};
use rtc::peer_connection::transport::RTCIceCandidateInit;
use rtc::peer_connection::{RTCPeerConnection, RTCPeerConnectionBuilder};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtc::shared::{TaggedBytesMut, TransportContext, TransportProtocol};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// The longest pause between connectivity checks: it doubles while nothing answers (RFC 8445 §14.3). A room of 100
/// has 9,900 ends that check: at 50 ms they would keep the machine from doing anything else.
const CHECK_PAUSE_LAST: Duration = Duration::from_millis(500);

/// Consent is asked for this often at most (RFC 7675 §5.1).
pub(crate) const CONSENT_INTERVAL: Duration = Duration::from_secs(5);

/// The end that answered asks this many times more seldom: the core's answers a check of the offering end with one of its
/// own, so that it knows of consent without asking. It still asks, for ends that never check.
const CONSENT_SPARED: u32 = 3;

/// The core's ICE agent wants to be looked at this often, whatever its consent interval.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(200);

/// Rounds of a drain; a core that is not quiet by then goes on at the next wake-up.
const ROUNDS_MAX: usize = 64;

/// A channel holds at most this much that is not acknowledged yet; in bytes.
const OUTSTANDING_BYTES_MAX: usize = 256 * 1024;

/// Messages that the core lets wait for us before its flow control holds back more.
const BACKLOG_MAX: usize = 256;

/// One connection.
pub struct RtcConnection {
    core: RTCPeerConnection,
    channel: Option<RTCDataChannelId>,
    stage: ConnectionStage,
    ufrag: String,
    check_pause: Duration,
    last_tick: Instant,
    deadlines: SctpDeadlines,
    duplicates: DtlsDuplicates,
    consent_interval: Duration,
    /// When the core wants its timers served, as of the last drain.
    asked: Option<Instant>,
    /// Something has happened to it since the last drain.
    touched: bool,
}

/// The state after a drain.
#[derive(Default)]
pub struct Drained {
    pub datagrams: Vec<(SocketAddr, BytesMut)>,
    pub notices: Vec<EngineEvent>,
}

impl RtcConnection {
    /// A connection that offers: with the DataChannel, and its description.
    pub fn offer(
        now: Instant,
        setup: &RtcSetup,
        ufrag: String,
        password: String,
        local: SocketAddr,
    ) -> Result<(Self, String), Error> {
        let mut link = Self::new(now, setup, ufrag, password, 1)?;
        link.channel = Some(link.core.create_data_channel("chat", Some(channel_init(setup)))?.id());
        link.gather_early(setup, local)?;
        let offer = link.core.create_offer(None)?;
        let sdp = offer.sdp.clone();
        link.core.set_local_description(now, offer)?;
        link.gather_late(setup, local)?;
        Ok((link, sdp))
    }

    /// A connection made from the other's offer: with its answer's description.
    pub fn accept(
        now: Instant,
        setup: &RtcSetup,
        ufrag: String,
        password: String,
        local: SocketAddr,
        sdp: String,
    ) -> Result<(Self, String), Error> {
        let mut link = Self::new(now, setup, ufrag, password, CONSENT_SPARED)?;
        link.core.set_remote_description(now, RTCSessionDescription::offer(sdp)?)?;
        link.gather_early(setup, local)?;
        let answer = link.core.create_answer(None)?;
        let sdp = answer.sdp.clone();
        link.core.set_local_description(now, answer)?;
        link.gather_late(setup, local)?;
        Ok((link, sdp))
    }

    pub fn apply(&mut self, now: Instant, sdp: String) -> Result<(), Error> {
        self.core.set_remote_description(now, RTCSessionDescription::answer(sdp)?)
    }

    pub fn admit(&mut self, candidate: Candidate) -> Result<(), Error> {
        self.check_pause = CHECK_PAUSE_FIRST;
        self.core.add_remote_candidate(RTCIceCandidateInit {
            candidate: candidate.candidate,
            sdp_mid: candidate.mid,
            sdp_mline_index: candidate.line,
            username_fragment: candidate.ufrag,
            ..RTCIceCandidateInit::default()
        })
    }

    /// Marks it as one to be drained. `false`: it is marked already.
    pub fn touch(&mut self) -> bool {
        !std::mem::replace(&mut self.touched, true)
    }

    pub fn ufrag(&self) -> &str {
        &self.ufrag
    }

    /// Takes in one datagram.
    pub fn receive(&mut self, now: Instant, local: SocketAddr, from: SocketAddr, datagram: &[u8]) -> Result<(), Error> {
        if !is_stun(datagram) {
            self.deadlines.heard(now, datagram.len());
        }
        if self.stage == ConnectionStage::Securing && self.duplicates.is_duplicate(datagram) {
            return Ok(());
        }
        let transport = TransportContext {
            local_addr: local,
            peer_addr: from,
            transport_protocol: TransportProtocol::UDP,
            ecn: None,
        };
        let alerted = self.stage == ConnectionStage::Securing && is_plain_alert(datagram);
        self.core.handle_read(TaggedBytesMut { now, transport, message: BytesMut::from(datagram) })?;
        if alerted { Err(Error::Other("alert received".to_owned())) } else { Ok(()) }
    }

    /// Puts a message into the channel, if it is open and has room.
    pub fn send(&mut self, now: Instant, payload: &[u8]) -> bool {
        let Some(channel) = self.channel else { return false };
        let Some(mut channel) = self.core.data_channel(channel) else { return false };
        if self.stage != ConnectionStage::Open || channel.outstanding_bytes() + payload.len() > OUTSTANDING_BYTES_MAX {
            return false;
        }
        channel.send(now, BytesMut::from(payload)).is_ok()
    }

    /// Serves the core's timers.
    pub fn tick(&mut self, now: Instant) -> Result<(), Error> {
        self.last_tick = now;
        if self.stage == ConnectionStage::Checking {
            self.check_pause = (self.check_pause * 2).min(CHECK_PAUSE_LAST);
        }
        self.deadlines.served(now);
        self.core.handle_timeout(now)
    }

    /// Closes the connection; drain once more for the goodbye to the other end.
    pub fn close(&mut self) {
        self.stage = ConnectionStage::Over;
        // Nothing is left to do for a connection that can't even close.
        let _ = self.core.close();
    }

    /// Drives the core until it is quiet and no timer is due. An event makes the next layer write, and may raise
    /// another, so events come first and are asked for again until there was none.
    pub fn drain(&mut self, now: Instant, drained: &mut Drained) {
        self.touched = false;
        for _ in 0..ROUNDS_MAX {
            let mut eventful = false;
            let was_checking = self.stage == ConnectionStage::Checking;
            while let Some(event) = self.core.poll_event() {
                eventful = true;
                self.on_event(event, drained);
            }
            self.take_messages(drained);
            while let Some(datagram) = self.core.poll_write() {
                if !is_stun(&datagram.message) {
                    self.deadlines.said(now, datagram.message.len());
                }
                if self.stage == ConnectionStage::Securing && is_plain_alert(&datagram.message) {
                    self.fail(Reason::DtlsFailed, "alert sent", drained);
                }
                drained.datagrams.push((datagram.transport.peer_addr, datagram.message));
            }
            // When a pair is selected the core has a ClientHello ready, and lets it go when its timers are served. Not
            // before the answer to the check: the other end drops what comes ahead of that.
            if was_checking
                && self.stage == ConnectionStage::Securing
                && let Err(error) = self.tick(now)
            {
                self.fail_with(&error, drained);
            }
            if eventful {
                continue;
            }
            self.asked = self.core.poll_timeout();
            if !self.is_due(now) {
                return;
            }
            if let Err(error) = self.tick(now) {
                self.fail_with(&error, drained);
            }
        }
        self.asked = self.core.poll_timeout();
    }

    /// `poll_read` sweeps all eight layers each time, and what has come already waits behind them. Only a full
    /// backlog can have made flow control hold back more, which it lets go when it is asked.
    fn take_messages(&mut self, drained: &mut Drained) {
        let mut taken = 0;
        loop {
            while let Some(read) = self.core.poll_data_read() {
                taken += 1;
                take_message(read.message, drained);
            }
            if taken < BACKLOG_MAX {
                return;
            }
            let Some(read) = self.core.poll_read() else { return };
            taken = 1;
            take_message(read.message, drained);
        }
    }

    /// When the core's timers are to be served, as of the last drain; later than it asked for where it only wants to look.
    pub fn wake_at(&mut self) -> Option<Instant> {
        let asked = self.asked?;
        match self.stage {
            ConnectionStage::Over => None,
            ConnectionStage::Checking => Some(asked.max(self.last_tick + self.check_pause)),
            ConnectionStage::Securing | ConnectionStage::Associating => Some(asked),
            // What is due before the ICE agent's next look is another's, or a check that was asked of it.
            ConnectionStage::Open if asked < self.last_tick + LOOKED_AT_EVERY => Some(asked),
            ConnectionStage::Open => {
                let (core, channel) = (&mut self.core, self.channel);
                let in_flight = || {
                    let channel = channel.and_then(|channel| core.data_channel(channel));
                    channel.is_some_and(|channel| channel.outstanding_bytes() > 0)
                };
                let consent = self.last_tick + self.consent_interval;
                Some(self.deadlines.next(in_flight).map_or(consent, |due| due.min(consent)))
            }
        }
    }

    /// Whatever drains a connection that is not open yet lets it check, too.
    fn is_due(&mut self, now: Instant) -> bool {
        let at = if self.stage == ConnectionStage::Checking { self.asked } else { self.wake_at() };
        at.is_some_and(|at| at <= now)
    }

    /// An error of the core is the end of this connection, and of no other.
    pub fn fail_with(&mut self, error: &Error, drained: &mut Drained) {
        let reason = match self.stage {
            ConnectionStage::Checking => Reason::Protocol,
            ConnectionStage::Securing => Reason::DtlsFailed,
            _ => Reason::ChannelFailed,
        };
        let detail = error.to_string();
        self.fail(reason, detail, drained);
    }

    fn new(now: Instant, setup: &RtcSetup, ufrag: String, password: String, spared: u32) -> Result<Self, Error> {
        let consent_interval = CONSENT_INTERVAL.min(setup.timeout.mul_f64(0.4));
        let configuration = RTCConfigurationBuilder::new().with_certificates(vec![setup.certificate.clone()]).build();
        let core = RTCPeerConnectionBuilder::new()
            .with_configuration(configuration)
            .with_setting_engine(settings(setup, CHECK_PAUSE_FIRST, consent_interval * spared, ufrag.clone(), password))
            .build(now)?;
        Ok(Self {
            core,
            channel: None,
            stage: ConnectionStage::Checking,
            ufrag,
            check_pause: CHECK_PAUSE_FIRST,
            last_tick: now,
            deadlines: SctpDeadlines::default(),
            duplicates: DtlsDuplicates::default(),
            consent_interval,
            asked: None,
            touched: false,
        })
    }

    /// Without trickling, the description carries the candidate and the end of gathering.
    fn gather_early(&mut self, setup: &RtcSetup, local: SocketAddr) -> Result<(), Error> {
        if setup.trickle {
            return Ok(());
        }
        self.core.add_local_candidate(candidate_init(local))?;
        self.core.add_local_candidate(RTCIceCandidateInit::default())
    }

    /// With trickling, the candidate is found after the description is set, so that it is not part of it.
    fn gather_late(&mut self, setup: &RtcSetup, local: SocketAddr) -> Result<(), Error> {
        if setup.trickle { self.core.add_local_candidate(candidate_init(local)) } else { Ok(()) }
    }

    fn on_event(&mut self, event: RTCPeerConnectionEvent, drained: &mut Drained) {
        match event {
            RTCPeerConnectionEvent::OnIceConnectionStateChangeEvent(state) => match state {
                RTCIceConnectionState::Connected if self.stage == ConnectionStage::Checking => {
                    self.stage = ConnectionStage::Securing;
                    drained.notices.push(EngineEvent::IceUp);
                }
                RTCIceConnectionState::Failed if self.stage == ConnectionStage::Open => self.over(drained),
                RTCIceConnectionState::Failed => self.fail(Reason::IceFailed, "no check was answered", drained),
                _ => {}
            },
            RTCPeerConnectionEvent::OnConnectionStateChangeEvent(state) => match state {
                RTCPeerConnectionState::Connected if self.stage == ConnectionStage::Securing => {
                    self.stage = ConnectionStage::Associating;
                    drained.notices.push(EngineEvent::DtlsUp);
                }
                RTCPeerConnectionState::Failed | RTCPeerConnectionState::Closed
                    if self.stage == ConnectionStage::Open =>
                {
                    self.over(drained);
                }
                _ => {}
            },
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnOpen(id))
                if self.stage < ConnectionStage::Open =>
            {
                self.channel = Some(id);
                self.stage = ConnectionStage::Open;
                drained.notices.push(EngineEvent::Open);
            }
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnClose(id)) if self.channel == Some(id) => {
                self.over(drained);
            }
            RTCPeerConnectionEvent::OnDataChannel(RTCDataChannelEvent::OnError(_))
                if self.stage < ConnectionStage::Open =>
            {
                self.fail(Reason::ChannelFailed, "channel error", drained);
            }
            _ => {}
        }
    }

    fn over(&mut self, drained: &mut Drained) {
        if self.stage != ConnectionStage::Over {
            self.stage = ConnectionStage::Over;
            drained.notices.push(EngineEvent::Closed);
        }
    }

    fn fail(&mut self, reason: Reason, detail: impl Into<std::borrow::Cow<'static, str>>, drained: &mut Drained) {
        if self.stage != ConnectionStage::Over {
            self.stage = ConnectionStage::Over;
            drained.notices.push(EngineEvent::Failed { reason, detail: detail.into() });
        }
    }
}

fn take_message(message: RTCMessage, drained: &mut Drained) {
    if let RTCMessage::DataChannelMessage(_, message) = message {
        drained.notices.push(EngineEvent::Message(message.data.to_vec()));
    }
}
