//! The task of one `webrtc` connection: built, negotiated and used until its engine drops it.

use super::callbacks::{Callbacks, OpenedChannel};
use super::network::Network;
use super::setup::WebrtcSetup;
use crate::vocabulary::{EngineCommand, EngineEvent, Reason};
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

/// Maximum unacknowledged data of a channel, in bytes.
const OUTSTANDING_BYTES_MAX: usize = 256 * 1024;

/// Time limit for closing towards the other end and a TURN server.
const CLOSE_TIMEOUT: Duration = Duration::from_millis(500);

/// Command of the engine to a connection.
#[derive(Debug)]
pub(super) enum LinkCommand {
    /// With the time at which it was asked for.
    Order(Instant, EngineCommand),
    Send(Vec<u8>),
}

/// The connection's ends of the channels to its engine.
pub(super) struct LinkHandle {
    pub commands: mpsc::Receiver<LinkCommand>,
    pub channels: mpsc::Receiver<OpenedChannel>,
    /// Resolves when the engine drops its handle.
    pub release: oneshot::Receiver<()>,
}

/// Runs a connection from its creation to its close.
pub(super) async fn run(
    setup: Arc<WebrtcSetup>,
    callbacks: Arc<Callbacks>,
    login: (String, String),
    handle: LinkHandle,
) {
    let LinkHandle { commands, channels, release } = handle;
    let connection = match Box::pin(build(&setup, &callbacks, login)).await {
        Ok(connection) => connection,
        Err(error) => return callbacks.fail(Reason::GeneratorLimit, error.to_string()).await,
    };
    let mut link = WebrtcConnection {
        setup: &setup,
        callbacks: &callbacks,
        connection: &*connection,
        channel: None,
        unsent: None,
        ice_ends_at: None,
    };
    tokio::select! {
        biased;
        _ = release => {}
        () = link.serve(commands, channels) => {}
    }
    let _ = tokio::time::timeout(CLOSE_TIMEOUT, connection.close()).await;
}

async fn build(
    setup: &WebrtcSetup,
    callbacks: &Arc<Callbacks>,
    (ufrag, password): (String, String),
) -> Result<Box<dyn PeerConnection>, Error> {
    let gathering = &setup.gathering;
    let policy = if gathering.relay_only { RTCIceTransportPolicy::Relay } else { RTCIceTransportPolicy::All };
    let configuration = webrtc::peer_connection::RTCConfigurationBuilder::new()
        .with_certificates(vec![setup.certificate.clone()])
        .with_ice_servers(gathering.servers())
        .with_ice_transport_policy(policy)
        .build();
    let connection = PeerConnectionBuilder::new()
        .with_configuration(configuration)
        .with_setting_engine(setup.engine(ufrag, password))
        .with_runtime(Arc::new(Network(callbacks.clone())))
        .with_handler(callbacks.clone())
        .with_udp_addrs(gathering.local.clone())
        .with_data_channel_send_buffer_limit(OUTSTANDING_BYTES_MAX)
        .build();
    // Boxed, since the future's 20 KiB would otherwise stay in the task's state.
    Ok(Box::new(Box::pin(connection).await?))
}

struct WebrtcConnection<'a> {
    setup: &'a WebrtcSetup,
    callbacks: &'a Callbacks,
    connection: &'a dyn PeerConnection,
    channel: Option<OpenedChannel>,
    /// Message that waits for room in the channel; no further command is taken meanwhile.
    unsent: Option<Vec<u8>>,
    /// The time by which a check must be answered, once both descriptions are set.
    ice_ends_at: Option<Instant>,
}

impl WebrtcConnection<'_> {
    /// Serves commands and channel events until the channel closes or the connection fails.
    async fn serve(&mut self, mut commands: mpsc::Receiver<LinkCommand>, mut channels: mpsc::Receiver<OpenedChannel>) {
        loop {
            tokio::select! {
                command = commands.recv(), if self.unsent.is_none() => {
                    let done = match command {
                        None => return,
                        Some(LinkCommand::Order(asked, order)) => self.obey(asked, order).await,
                        Some(LinkCommand::Send(payload)) => {
                            self.unsent = Some(payload);
                            Ok(())
                        }
                    };
                    if let Err(error) = done {
                        return self.callbacks.fail(Reason::Protocol, error.to_string()).await;
                    }
                }
                channel = channels.recv(), if self.channel.is_none() => self.channel = channel,
                event = event_of(self.channel.as_ref()) => match event {
                    Some(event) => self.on_event(event).await,
                    None => return self.callbacks.on_closed().await,
                },
                room = room_of(self.channel.as_ref()), if self.unsent.is_some() => {
                    if room.is_err() || self.send().await.is_err() {
                        return self.callbacks.on_closed().await;
                    }
                }
                () = until(self.ice_ends_at) => {
                    self.ice_ends_at = None;
                    self.callbacks.on_ice_timeout().await;
                }
            }
        }
    }

    async fn obey(&mut self, asked: Instant, order: EngineCommand) -> Result<(), Error> {
        match order {
            EngineCommand::Offer => {
                let init = self.setup.channel();
                self.channel = Some(OpenedChannel(self.connection.create_data_channel("chat", Some(init)).await?));
                let offer = self.connection.create_offer(None).await?;
                let sdp = self.describe(offer, |sdp| EngineEvent::Offer { sdp }).await?;
                self.emit_work(asked, sdp).await;
            }
            EngineCommand::Accept { sdp } => {
                self.connection.set_remote_description(RTCSessionDescription::offer(sdp)?).await?;
                let answer = self.connection.create_answer(None).await?;
                let sdp = self.describe(answer, |sdp| EngineEvent::Answer { sdp }).await?;
                self.emit_work(asked, sdp).await;
                self.on_described().await;
            }
            EngineCommand::Apply { sdp } => {
                self.connection.set_remote_description(RTCSessionDescription::answer(sdp)?).await?;
                self.emit_work(asked, Some(EngineEvent::Applied)).await;
                self.on_described().await;
            }
            EngineCommand::Admit(candidate) => {
                let init = RTCIceCandidateInit {
                    candidate: candidate.candidate,
                    sdp_mid: candidate.mid,
                    sdp_mline_index: candidate.line,
                    username_fragment: candidate.ufrag,
                    ..RTCIceCandidateInit::default()
                };
                self.connection.add_ice_candidate(init).await?;
            }
            // The engine drops the connection's handle instead.
            EngineCommand::Drop => {}
        }
        Ok(())
    }

    async fn on_described(&mut self) {
        self.ice_ends_at = Some(Instant::now() + self.setup.ice_timeout());
        self.callbacks.on_described().await;
    }

    /// Sets the local description, which starts gathering. With trickle it emits the description first, before any
    /// candidate, and returns `None`; without, it waits for gathering and returns the event to emit.
    async fn describe(
        &self,
        description: RTCSessionDescription,
        event: impl Fn(String) -> EngineEvent,
    ) -> Result<Option<EngineEvent>, Error> {
        if self.setup.settings.trickle {
            self.callbacks.emit(event(description.sdp.clone())).await;
            self.connection.set_local_description(description).await?;
            return Ok(None);
        }
        self.connection.set_local_description(description).await?;
        self.callbacks.gathering_complete().await;
        let whole = self.connection.local_description().await;
        Ok(whole.map(|description| event(description.sdp)))
    }

    /// Emits the time since `asked`, which includes the time this thread was busy with other work, then `event`.
    async fn emit_work(&self, asked: Instant, event: Option<EngineEvent>) {
        self.callbacks.emit(EngineEvent::Worked { spent: asked.elapsed() }).await;
        if let Some(event) = event {
            self.callbacks.emit(event).await;
        }
    }

    async fn on_event(&mut self, event: DataChannelEvent) {
        match event {
            DataChannelEvent::OnOpen => self.callbacks.on_open().await,
            DataChannelEvent::OnMessage(message) => {
                self.callbacks.emit(EngineEvent::Message(message.data.to_vec())).await;
            }
            DataChannelEvent::OnClose => self.callbacks.on_closed().await,
            DataChannelEvent::OnError => self.callbacks.fail(Reason::ChannelFailed, "channel error").await,
            _ => {}
        }
    }

    async fn send(&mut self) -> Result<(), Error> {
        match (&self.channel, self.unsent.take()) {
            (Some(OpenedChannel(channel)), Some(payload)) => channel.try_send(BytesMut::from(&payload[..])).await,
            _ => Ok(()),
        }
    }
}

async fn event_of(channel: Option<&OpenedChannel>) -> Option<DataChannelEvent> {
    match channel {
        Some(OpenedChannel(channel)) => channel.poll().await,
        None => pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => pending().await,
    }
}

async fn room_of(channel: Option<&OpenedChannel>) -> Result<(), Error> {
    match channel {
        Some(OpenedChannel(channel)) => channel.writable().await,
        None => Err(Error::ErrDataChannelClosed),
    }
}
