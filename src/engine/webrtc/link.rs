//! One connection of the `webrtc` library: made, described, and used, until its engine lets go of it.

use super::network::Network;
use super::setup::WebrtcSetup;
use super::witness::{Channel, Witness};
use crate::engine::rtc::{CONSENT_INTERVAL, channel_init, settings};
use crate::vocabulary::failure::Reason;
use crate::vocabulary::link::Notice;
use crate::vocabulary::message::Candidate;
use bytes::BytesMut;
use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use webrtc::data_channel::DataChannelEvent;
use webrtc::error::Error;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCIceCandidateInit, RTCIceTransportPolicy, RTCSessionDescription,
};

/// The pause between connectivity checks. The library checks at one pace until something answers, so that a shorter
/// one would cost a storm of checks behind a slow signaling server.
const CHECK_PAUSE: Duration = Duration::from_millis(5);

/// A channel holds at most this much that is not acknowledged yet; in bytes.
const OUTSTANDING_BYTES_MAX: usize = 256 * 1024;

/// How long telling the other end, and a TURN server, may take.
const GOODBYE_MAX: Duration = Duration::from_millis(500);

/// What the engine wants of a connection.
#[derive(Debug)]
pub enum Wish {
    Offer { asked: Instant },
    Accept { asked: Instant, sdp: String },
    Apply { asked: Instant, sdp: String },
    Admit(Candidate),
    Send(Vec<u8>),
}

/// A connection's ends of what ties it to its engine.
pub struct Reins {
    pub wishes: mpsc::Receiver<Wish>,
    pub channels: mpsc::Receiver<Channel>,
    /// Resolves when the engine lets go.
    pub release: oneshot::Receiver<()>,
}

/// From its making to its goodbye.
pub async fn live(setup: Arc<WebrtcSetup>, witness: Arc<Witness>, login: (String, String), reins: Reins) {
    let Reins { wishes, channels, release } = reins;
    let connection = match Box::pin(build(&setup, &witness, login)).await {
        Ok(connection) => connection,
        Err(error) => return witness.fail(Reason::GeneratorLimit, error.to_string()).await,
    };
    let mut link = Link { setup: &setup, witness: &witness, connection: &*connection, channel: None, unsent: None };
    tokio::select! {
        biased;
        _ = release => {}
        () = link.serve(wishes, channels) => {}
    }
    let _ = tokio::time::timeout(GOODBYE_MAX, connection.close()).await;
}

async fn build(
    setup: &WebrtcSetup,
    witness: &Arc<Witness>,
    (ufrag, password): (String, String),
) -> Result<Box<dyn PeerConnection>, Error> {
    let (base, gathering) = (&setup.base, &setup.gathering);
    let consent_interval = CONSENT_INTERVAL.min(base.timeout.mul_f64(0.4));
    let policy = if gathering.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let configuration = webrtc::peer_connection::RTCConfigurationBuilder::new()
        .with_certificates(vec![base.certificate.clone()])
        .with_ice_servers(gathering.servers())
        .with_ice_transport_policy(policy)
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(settings(base, CHECK_PAUSE, consent_interval, ufrag, password))
        .with_runtime(Arc::new(Network(witness.clone())))
        .with_handler(witness.clone())
        .with_udp_addrs(gathering.local.clone())
        .with_data_channel_send_buffer_limit(OUTSTANDING_BYTES_MAX)
        .build();
    // 20 KiB that are wanted for an instant, and not for the life of the task.
    Ok(Box::new(Box::pin(connection).await?))
}

struct Link<'a> {
    setup: &'a WebrtcSetup,
    witness: &'a Witness,
    connection: &'a dyn PeerConnection,
    channel: Option<Channel>,
    /// Waits for room in the channel; nothing else is taken up meanwhile.
    unsent: Option<Vec<u8>>,
}

enum Turn {
    Wish(Option<Wish>),
    Channel(Option<Channel>),
    Event(Option<DataChannelEvent>),
    Room(Result<(), Error>),
}

impl Link<'_> {
    /// Until the channel is gone or something fails.
    async fn serve(&mut self, mut wishes: mpsc::Receiver<Wish>, mut channels: mpsc::Receiver<Channel>) {
        loop {
            let turn = tokio::select! {
                wish = wishes.recv(), if self.unsent.is_none() => Turn::Wish(wish),
                channel = channels.recv(), if self.channel.is_none() => Turn::Channel(channel),
                event = event_of(self.channel.as_ref()) => Turn::Event(event),
                room = room_of(self.channel.as_ref()), if self.unsent.is_some() => Turn::Room(room),
            };
            match turn {
                Turn::Wish(None) => return,
                Turn::Wish(Some(wish)) => {
                    if let Err(error) = self.carry_out(wish).await {
                        return self.witness.fail(Reason::Protocol, error.to_string()).await;
                    }
                }
                Turn::Channel(channel) => self.channel = channel,
                Turn::Event(Some(event)) => self.on_event(event).await,
                Turn::Event(None) => return self.witness.over().await,
                Turn::Room(room) => {
                    if room.is_err() || self.send().await.is_err() {
                        return self.witness.over().await;
                    }
                }
            }
        }
    }

    async fn carry_out(&mut self, wish: Wish) -> Result<(), Error> {
        match wish {
            Wish::Offer { asked } => {
                let init = channel_init(&self.setup.base);
                self.channel = Some(Channel(self.connection.create_data_channel("chat", Some(init)).await?));
                let offer = self.connection.create_offer(None).await?;
                let sdp = self.describe(offer, |sdp| Notice::Offer { sdp }).await?;
                self.worked(asked, sdp).await;
            }
            Wish::Accept { asked, sdp } => {
                self.connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
                let answer = self.connection.create_answer(None).await?;
                let sdp = self.describe(answer, |sdp| Notice::Answer { sdp }).await?;
                self.worked(asked, sdp).await;
                self.witness.described().await;
            }
            Wish::Apply { asked, sdp } => {
                self.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
                self.worked(asked, Some(Notice::Applied)).await;
                self.witness.described().await;
            }
            Wish::Admit(candidate) => {
                let init = RTCIceCandidateInit {
                    candidate: candidate.candidate,
                    sdp_mid: candidate.mid,
                    sdp_mline_index: candidate.line,
                    username_fragment: candidate.ufrag,
                    ..RTCIceCandidateInit::default()
                };
                self.connection.add_ice_candidate(init).await?;
            }
            Wish::Send(payload) => self.unsent = Some(payload),
        }
        Ok(())
    }

    /// Puts the description in force, which starts the gathering. With trickling it is told before any candidate can
    /// be; without, when it carries them all, and then it is what is still to be told.
    async fn describe(
        &self,
        description: RTCSessionDescription,
        told: impl Fn(String) -> Notice,
    ) -> Result<Option<Notice>, Error> {
        if self.setup.base.trickle {
            self.witness.tell(told(description.sdp.clone())).await;
            self.connection.set_local_description(description).await?;
            return Ok(None);
        }
        self.connection.set_local_description(description).await?;
        self.witness.gathered().await;
        let whole = self.connection.local_description().await;
        Ok(whole.map(|description| told(description.sdp)))
    }

    /// From when it was asked for, so that the time this thread was busy with others counts as ours as well.
    async fn worked(&self, asked: Instant, notice: Option<Notice>) {
        self.witness.tell(Notice::Worked { spent: asked.elapsed() }).await;
        if let Some(notice) = notice {
            self.witness.tell(notice).await;
        }
    }

    async fn on_event(&mut self, event: DataChannelEvent) {
        match event {
            DataChannelEvent::OnOpen => self.witness.opened().await,
            DataChannelEvent::OnMessage(message) => self.witness.tell(Notice::Message(message.data.to_vec())).await,
            DataChannelEvent::OnClose => self.witness.over().await,
            DataChannelEvent::OnError => self.witness.fail(Reason::ChannelFailed, "channel error").await,
            _ => {}
        }
    }

    async fn send(&mut self) -> Result<(), Error> {
        match (&self.channel, self.unsent.take()) {
            (Some(Channel(channel)), Some(payload)) => channel.try_send(BytesMut::from(&payload[..])).await,
            _ => Ok(()),
        }
    }
}

async fn event_of(channel: Option<&Channel>) -> Option<DataChannelEvent> {
    match channel {
        Some(Channel(channel)) => channel.poll().await,
        None => pending().await,
    }
}

async fn room_of(channel: Option<&Channel>) -> Result<(), Error> {
    match channel {
        Some(Channel(channel)) => channel.writable().await,
        None => Err(Error::ErrDataChannelClosed),
    }
}
