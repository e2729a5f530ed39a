//! The `Environment` of a real probe: sockets, virtual peers on their own runtime, and the system clock.

use super::environment::{Environment, HandshakePlay, LineEvent, RawConnection, TimedLineEvent};
use super::progress::HandshakeProgress;
use crate::dialect::{Conversation, Dialect};
use crate::driver::{AlarmClock, COMMANDS_MORE, GOODBYES_MAX, IdExchange, PeerSpec, PeerTask, VirtualPeer};
use crate::engine::{
    Engine, EngineSettings, Gathering, LeanEngine, LeanSetup, NoneEngine, PeerAddresses, WebrtcEngine, WebrtcSetup,
};
use crate::peer::PeerCommand;
use crate::signaling::{Endpoint, Refused, SignalingConnection, dial};
use crate::vocabulary::{
    EngineKind, Event, EventKind, Failure, PeerEvent, PeerIndex, Phase, Place, Reason, Redactor, Reliability,
    RoomIndex, Seat, Seed,
};
use serde_json::Value;
use std::cell::RefCell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, mpsc};

/// The SCTP max message size that is asked for, in bytes.
const MESSAGE_BYTES_MAX: u32 = 4_096;
/// Time that peers have to see that theirs is over, counted from when the handshake's own is seen to be.
const LAST_TURN: Duration = Duration::from_millis(100);
/// The most time until a raw connection is open.
const DIAL_MAX: Duration = Duration::from_secs(10);

/// Makes an endpoint from a peer's id, index, room and conversation; a raw connection has no conversation.
pub(super) type EndpointOf = dyn Fn(&str, u32, &str, Option<&mut dyn Conversation>) -> Result<Endpoint, String>;

/// Makes the endpoint of no planned peer for a dialect.
pub(super) type DialectEndpointOf = dyn Fn(&Dialect) -> Result<Endpoint, String>;

/// Target, engine and seed of a probe.
pub struct ProbeSetup {
    pub endpoint: Box<EndpointOf>,
    /// The endpoint of no planned peer, as a dialect dials it.
    pub any_endpoint: Box<DialectEndpointOf>,
    /// The token of a peer, empty if there are none, and its row, null if there are none, by its index.
    pub own: Box<dyn Fn(u32) -> (String, Value)>,
    pub engine: EngineKind,
    /// STUN and TURN servers, and the transport policy, of the `webrtc` engine.
    pub gathering: Gathering,
    /// Hides the probe's secrets in what the server says.
    pub redactor: Arc<Redactor>,
    pub seed: Seed,
    /// The time at which the probe starts, in ms since the Unix epoch.
    pub unix_ms: u64,
}

/// Real sockets and the system clock.
pub struct LiveEnvironment {
    runtime: Runtime,
    setup: ProbeSetup,
    epoch: Instant,
    lines: Vec<RawSocket>,
    plays: u64,
}

type Dialled = Result<Box<dyn SignalingConnection>, Failure>;

enum RawSocket {
    Dialing(Pin<Box<dyn Future<Output = Dialled>>>),
    Open(Box<dyn SignalingConnection>),
    Gone,
}

/// The setup that the engines of one handshake share.
enum EngineSetup {
    None,
    Lean(LeanSetup),
    Webrtc(Arc<WebrtcSetup>),
}

impl LiveEnvironment {
    /// Makes the runtime; connects to nothing yet.
    ///
    /// # Errors
    /// The system refuses the runtime.
    pub fn new(setup: ProbeSetup) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { runtime, setup, epoch: Instant::now(), lines: vec![], plays: 0 })
    }

    /// Checks the target against the policy; `Some` if it may not be probed.
    pub fn refused(&self) -> Option<Refused> {
        let endpoint = (self.setup.endpoint)("probe", 0, "probe", None).ok()?;
        self.runtime.block_on(endpoint.refused())
    }

    fn engine(&self, play: &HandshakePlay, place: Place, shared: &EngineSetup) -> Result<Box<dyn Engine>, Failure> {
        let limit =
            |error: io::Error| Failure::new(Phase::Connect, Reason::GeneratorLimit, format!("UDP socket: {error}"));
        let (size, draws) = (play.size(), self.setup.seed.stream("ice", self.plays << 16 | u64::from(place.peer.0)));
        Ok(match shared {
            EngineSetup::None => Box::new(NoneEngine::new(place.peer.0.into())),
            EngineSetup::Lean(setup) => Box::new(LeanEngine::open(setup.clone(), size, None, draws).map_err(limit)?),
            EngineSetup::Webrtc(setup) => Box::new(WebrtcEngine::new(setup.clone(), size, draws)),
        })
    }

    /// The setup that all peers of a handshake share.
    fn engine_setup(&self, play: &HandshakePlay) -> Result<EngineSetup, Failure> {
        let limit = |error: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, error);
        let settings = EngineSettings {
            addresses: PeerAddresses::default(),
            timeout: play.handshake.timeout,
            trickle: play.handshake.trickle,
            ordered: true,
            reliability: Reliability::Reliable,
        };
        Ok(match self.setup.engine {
            EngineKind::None => EngineSetup::None,
            EngineKind::Lean => EngineSetup::Lean(LeanSetup::new(settings).map_err(|error| limit(error.to_owned()))?),
            EngineKind::Webrtc => {
                let setup = WebrtcSetup::new(settings, MESSAGE_BYTES_MAX, self.setup.gathering.clone());
                EngineSetup::Webrtc(Arc::new(setup.map_err(|error| limit(error.to_string()))?))
            }
        })
    }

    fn virtual_peer(&self, play: &HandshakePlay, place: Place, exchange: Option<&IdExchange>) -> VirtualPeer {
        // Another seed for each handshake: the server must see new ids.
        let seed = Seed(self.setup.seed.0 ^ (self.plays << 32));
        let (token, data) = (self.setup.own)(place.peer.0);
        let spec = PeerSpec {
            token,
            data,
            exchange: exchange.cloned(),
            ..play.spec(place, (self.epoch, self.setup.unix_ms), seed)
        };
        spec.build()
    }

    /// Starts the peers one after the other, and lets them leave when the handshake is over.
    async fn run_peers(
        &self,
        play: &HandshakePlay,
        engines: EngineSetup,
        recorder: &Rc<PlayRecorder<'_, '_>>,
    ) -> io::Result<()> {
        let start = Instant::now();
        let mut mailboxes: Vec<mpsc::Sender<PeerCommand>> = vec![];
        let shared = SharedByPeers {
            engines,
            clock: AlarmClock::new()?,
            exchange: play.dialect.needs_id_exchange().then(|| IdExchange::new(play.size())),
            recorder: recorder.clone(),
        };
        let clock = &shared.clock;
        let mut tasks: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = vec![];
        let mut left_at: Option<Instant> = None;
        let mut last_turn_ends: Option<Instant> = None;
        let mut ticking = Box::pin(async { clock.run().await });
        let boxed = |task: PeerTask<_>, due: Instant| -> Pin<Box<dyn Future<Output = ()> + '_>> {
            Box::pin(async move {
                clock.sleep_until(due).await;
                _ = task.run(due).await;
            })
        };
        let observer = play.observer.map(|begin| {
            let (task, mailbox) = self.start_peer(play, play.size(), &[], &shared);
            tasks.extend(task.map(|task| boxed(task, start + begin)));
            mailbox
        });
        loop {
            let now = Instant::now();
            let ends_at = recorder.progress.borrow().ends_at();
            let is_over = ends_at <= now
                && (recorder.progress.borrow().is_decided() || *last_turn_ends.get_or_insert(now + LAST_TURN) <= now);
            if left_at.is_none() && is_over {
                let all = mailboxes.iter().chain(&observer);
                all.for_each(|mailbox| _ = mailbox.try_send(PeerCommand::Leave));
                left_at = Some(now);
            }
            if left_at.is_some_and(|left| tasks.is_empty() || left + GOODBYES_MAX <= now) {
                return Ok(());
            }
            let next = play.begins.get(mailboxes.len()).map(|begin| start + *begin).filter(|_| left_at.is_none());
            if let Some(due) = next.filter(|due| *due <= now) {
                let (task, mailbox) = self.start_peer(play, mailboxes.len() as u16, &mailboxes, &shared);
                mailboxes.push(mailbox);
                tasks.extend(task.map(|task| boxed(task, due)));
                continue;
            }
            let ends_at = last_turn_ends.unwrap_or(ends_at);
            let wake = left_at.map_or(ends_at, |left| left + GOODBYES_MAX).min(next.unwrap_or(ends_at).max(now));
            tokio::select! {
                // Peers whose timers are due come before the end: after a standstill of this machine all are.
                biased;
                ended = &mut ticking => return ended,
                () = any_ended(&mut tasks) => {}
                () = recorder.changed.notified() => {}
                () = clock.sleep_until(wake) => {}
            }
        }
    }

    /// Builds the next peer's task and mailbox; no task if that fails, which is recorded as a failure of the peer.
    fn start_peer<'a, 'b>(
        &self,
        play: &HandshakePlay,
        index: u16,
        mailboxes: &[mpsc::Sender<PeerCommand>],
        shared: &SharedByPeers<'a, 'b>,
    ) -> (Option<PeerTask<impl Fn(Event) + use<'a, 'b>>>, mpsc::Sender<PeerCommand>) {
        // No peer of the room needs to know of an observer.
        let exchange = shared.exchange.as_ref().filter(|_| index < play.size());
        let recorder = shared.recorder.clone();
        let place = Place { room: RoomIndex(0), seat: Seat(index), peer: PeerIndex(index.into()) };
        let (mailbox, commands) = mpsc::channel(usize::from(play.size()) + COMMANDS_MORE);
        for (seat, earlier) in mailboxes.iter().enumerate() {
            let _ = earlier.try_send(PeerCommand::Companion { seat: place.seat });
            let _ = mailbox.try_send(PeerCommand::Companion { seat: Seat(seat as u16) });
        }
        let mut virtual_peer = self.virtual_peer(play, place, exchange);
        let id = play.naming.peer(place.peer);
        let endpoint = (self.setup.endpoint)(&id, place.peer.0, &play.room, Some(virtual_peer.conversation()))
            .map_err(|why| Failure::new(Phase::Connect, Reason::Protocol, format!("URL: {why}")));
        let made = endpoint.and_then(|endpoint| Ok((endpoint, self.engine(play, place, &shared.engines)?)));
        match made {
            Ok((endpoint, engine)) => {
                let alarm = shared.clock.alarm();
                let record = move |event: Event| recorder.record(event);
                let task = PeerTask::new(virtual_peer, engine, Rc::new(endpoint), commands, alarm, record);
                (Some(task), mailbox)
            }
            Err(failure) => {
                recorder.record(Event::new(Instant::now(), place, EventKind::Peer(PeerEvent::PeerFailed { failure })));
                exchange.iter().for_each(|exchange| exchange.mark_gone(place.seat));
                (None, mailbox)
            }
        }
    }
}

/// Shared by all peers of a handshake.
struct SharedByPeers<'a, 'b> {
    engines: EngineSetup,
    clock: Rc<AlarmClock>,
    exchange: Option<IdExchange>,
    recorder: Rc<PlayRecorder<'a, 'b>>,
}

/// The recorder that all peers of a handshake share.
struct PlayRecorder<'a, 'b> {
    progress: RefCell<&'a mut HandshakeProgress<'b>>,
    redactor: Arc<Redactor>,
    changed: Notify,
}

impl PlayRecorder<'_, '_> {
    fn record(&self, mut event: Event) {
        self.redactor.event(&mut event);
        self.progress.borrow_mut().record(&event);
        self.changed.notify_one();
    }
}

/// Polls all tasks; ready when at least one has ended. Pending if there is none.
async fn any_ended(tasks: &mut Vec<Pin<Box<dyn Future<Output = ()> + '_>>>) {
    std::future::poll_fn(|context| {
        let before = tasks.len();
        tasks.retain_mut(|task| task.as_mut().poll(context).is_pending());
        if tasks.len() < before { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

impl Environment for LiveEnvironment {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn open_connection(&mut self) -> RawConnection {
        let index = self.lines.len();
        let endpoint = (self.setup.endpoint)(&format!("line-{index}"), index as u32, "lab", None);
        self.lines.push(RawSocket::Dialing(Box::pin(async move {
            let endpoint =
                endpoint.map_err(|why| Failure::new(Phase::Connect, Reason::Protocol, format!("URL: {why}")))?;
            match tokio::time::timeout(DIAL_MAX, dial(&endpoint)).await {
                Ok(dialled) => dialled,
                Err(_) => Err(Failure::timed_out(Phase::Connect)),
            }
        })));
        RawConnection(index)
    }

    fn send_text(&mut self, line: RawConnection, text: String) {
        let Self { runtime, lines, .. } = self;
        if let Some(RawSocket::Open(connection)) = lines.get_mut(line.0) {
            // `next_event` reports a failure.
            let _ = connection.push(text);
            runtime.block_on(std::future::poll_fn(|context| {
                let _ = connection.poll_flush(context);
                Poll::Ready(())
            }));
        }
    }

    fn close_connection(&mut self, line: RawConnection) {
        if let Some(socket) = self.lines.get_mut(line.0) {
            let _in_runtime = self.runtime.enter();
            *socket = RawSocket::Gone;
        }
    }

    fn next_event(&mut self, until: Instant) -> Option<TimedLineEvent> {
        let Self { runtime, lines, setup, .. } = self;
        runtime.block_on(async {
            let next = std::future::poll_fn(|context| {
                for (index, socket) in lines.iter_mut().enumerate() {
                    if let Poll::Ready(mut event) = socket.poll(context) {
                        if let LineEvent::Down(failure) = &mut event {
                            setup.redactor.failure(failure);
                        }
                        return Poll::Ready(TimedLineEvent { line: RawConnection(index), at: Instant::now(), event });
                    }
                }
                Poll::Pending
            });
            tokio::time::timeout_at(until.into(), next).await.ok()
        })
    }

    fn first_frame(&mut self, dialect: &Dialect, at_most: Duration) -> Option<String> {
        let endpoint = (self.setup.any_endpoint)(dialect).ok()?;
        let first = async {
            let mut connection = dial(&endpoint).await.ok()?;
            let frame = std::future::poll_fn(|context| connection.poll_frame(context)).await.ok()?;
            Some(frame.as_str().to_owned())
        };
        self.runtime.block_on(async { tokio::time::timeout(at_most, first).await.ok().flatten() })
    }

    fn play(&mut self, play: &HandshakePlay, progress: &mut HandshakeProgress<'_>) {
        self.plays += 1;
        let recorder = Rc::new(PlayRecorder {
            progress: RefCell::new(progress),
            redactor: self.setup.redactor.clone(),
            changed: Notify::new(),
        });
        let done = self.engine_setup(play).and_then(|shared| {
            let done = self.runtime.block_on(self.run_peers(play, shared, &recorder));
            done.map_err(|error| Failure::new(Phase::Connect, Reason::GeneratorLimit, error.to_string()))
        });
        if let Err(failure) = done {
            let place = Place { room: RoomIndex(0), seat: Seat(0), peer: PeerIndex(0) };
            recorder.record(Event::new(Instant::now(), place, EventKind::Peer(PeerEvent::PeerFailed { failure })));
        }
    }
}

impl RawSocket {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<LineEvent> {
        match self {
            Self::Gone => Poll::Pending,
            Self::Dialing(dialing) => match dialing.as_mut().poll(context) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Ok(connection)) => {
                    *self = Self::Open(connection);
                    Poll::Ready(LineEvent::Up)
                }
                Poll::Ready(Err(failure)) => {
                    *self = Self::Gone;
                    Poll::Ready(LineEvent::Down(failure))
                }
            },
            Self::Open(connection) => {
                if connection.is_waiting() {
                    let _ = connection.poll_flush(context);
                }
                match connection.poll_frame(context) {
                    Poll::Pending => Poll::Pending,
                    Poll::Ready(Ok(text)) => Poll::Ready(LineEvent::Frame(text.as_str().to_owned())),
                    Poll::Ready(Err(failure)) => {
                        *self = Self::Gone;
                        Poll::Ready(LineEvent::Down(failure))
                    }
                }
            }
        }
    }
}
