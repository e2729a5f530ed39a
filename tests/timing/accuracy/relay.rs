//! A relay that holds each frame back for exactly as long as it is told to, by a timer that wakes within microseconds.

use futures_util::{SinkExt, StreamExt};
use meshload::driver::AlarmClock;
use meshload::server::rooms::{ClientId, SharedText, SignalingRooms};
use meshload::server::{RoomModel, Routing};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::LocalSet;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

/// Frames on their way to the hub: far more than a test sends.
const INBOX: usize = 65_536;

/// The first second finds cold code and no memory: it is a run's warm-up.
const WARMUP: Duration = Duration::from_secs(1);

/// Runs on a thread of its own until it is dropped.
pub struct Relay {
    address: SocketAddr,
    held: Held,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Relay {
    pub fn start(delay: impl Fn(u64) -> Duration + Send + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let held = Held::default();
        let noted = held.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            LocalSet::new().block_on(&runtime, async {
                let listener = TcpListener::from_std(listener).expect("a listener");
                tokio::select! {
                    () = serve(listener, delay, noted) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, held, stop: Some(stop), thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws/", self.address)
    }

    /// Time for which it really held each copy back, in microseconds, ascending: a virtual machine stands still now and then.
    pub fn held_us(&self) -> Vec<u64> {
        let held = self.held.lock().expect("nobody panicked");
        let warm = held.first().map(|(first, _)| *first + WARMUP);
        let of_the_run = held.iter().filter(|(read, _)| warm.is_some_and(|warm| *read > warm));
        let mut held: Vec<u64> = of_the_run.map(|(read, written)| (*written - *read).as_micros() as u64).collect();
        held.sort_unstable();
        held
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
        self.thread.take().map(JoinHandle::join);
    }
}

/// When a copy's frame was read and the copy written, of all copies.
type Held = Arc<Mutex<Vec<(Instant, Instant)>>>;

/// A copy, and when its frame was read, if one caused it.
type Copy = (SharedText, Option<Instant>);

enum Input {
    Came(ClientId, mpsc::Sender<Copy>),
    Said(ClientId, Instant, String),
    Went(ClientId),
}

async fn serve(listener: TcpListener, delay: impl Fn(u64) -> Duration, held: Held) {
    let clock = AlarmClock::new().expect("a timer");
    let ticking = clock.clone();
    tokio::task::spawn_local(async move { ticking.run().await });
    tokio::task::spawn_local(stay_awake());
    let (tell, inbox) = mpsc::channel(INBOX);
    tokio::task::spawn_local(async move {
        let mut next = 0;
        while let Ok((stream, _)) = listener.accept().await {
            tokio::task::spawn_local(connection(stream, ClientId(next), tell.clone(), held.clone()));
            next += 1;
        }
    });
    hub(&clock, inbox, delay).await;
}

/// A thread that sleeps is woken tens of microseconds late, and hundreds in a virtual machine: once for what it reads,
/// and once for what is due.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

async fn connection(stream: TcpStream, client: ClientId, tell: mpsc::Sender<Input>, held: Held) {
    stream.set_nodelay(true).expect("a TCP socket");
    let Ok(socket) = accept_async(stream).await else { return };
    let (mut sink, mut frames) = socket.split();
    let (mailbox, mut mail) = mpsc::channel::<Copy>(INBOX);
    tokio::task::spawn_local(async move {
        while let Some((text, read_at)) = mail.recv().await {
            let written_at = Instant::now();
            if sink.send(Message::text(&*text)).await.is_err() {
                return;
            }
            if let Some(read_at) = read_at {
                held.lock().expect("nobody panicked").push((read_at, written_at));
            }
        }
    });
    tell.send(Input::Came(client, mailbox)).await.ok();
    while let Some(Ok(message)) = frames.next().await {
        if let Message::Text(text) = message {
            tell.send(Input::Said(client, Instant::now(), text.as_str().to_owned())).await.ok();
        }
    }
    tell.send(Input::Went(client)).await.ok();
}

/// Frames wait by (due, ordinal), so that those of one delay keep their order.
async fn hub(clock: &Rc<AlarmClock>, mut inbox: mpsc::Receiver<Input>, delay: impl Fn(u64) -> Duration) {
    let (start, wall) = (Instant::now(), jiff::Timestamp::now());
    let mut rooms = SignalingRooms::new(RoomModel::Relay, Routing::Room, Duration::ZERO, start, wall);
    let mut mailboxes = BTreeMap::new();
    let mut waiting = BTreeMap::new();
    let mut ordinal = 0;
    loop {
        let next = waiting.first_key_value().map(|((due, _), _)| *due);
        let wake_at = [next, rooms.wake_at()].into_iter().flatten().min();
        tokio::select! {
            biased;
            input = inbox.recv() => match input {
                Some(Input::Came(client, mailbox)) => {
                    mailboxes.insert(client, mailbox);
                    rooms.connected(Instant::now(), client);
                }
                Some(Input::Said(client, at, text)) => {
                    waiting.insert((at + delay(ordinal), ordinal), (client, at, text));
                    ordinal += 1;
                }
                Some(Input::Went(client)) => {
                    mailboxes.remove(&client);
                    rooms.closed(Instant::now(), client);
                }
                None => return,
            },
            () = sleep_until(clock, wake_at) => {}
        }
        let now = Instant::now();
        while let Some(entry) = waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            let (client, at, text) = entry.remove();
            if mailboxes.contains_key(&client) {
                rooms.frame(now, client, &text);
                deliver(&mut rooms, &mailboxes, Some(at));
            }
        }
        rooms.wake(now);
        deliver(&mut rooms, &mailboxes, None);
    }
}

/// Without the count of clients, which goes to everybody whenever somebody comes: writing it some hundred times takes
/// milliseconds, in which no frame would be let go when it is due.
fn deliver(rooms: &mut SignalingRooms, mailboxes: &BTreeMap<ClientId, mpsc::Sender<Copy>>, read_at: Option<Instant>) {
    while let Some(delivery) = rooms.poll() {
        if delivery.text.contains(r#""type":"client_count""#) {
            continue;
        }
        for client in rooms.recipients(&delivery.to) {
            if let Some(mailbox) = mailboxes.get(&client) {
                mailbox.try_send((delivery.text.clone(), read_at)).ok();
            }
        }
    }
}

async fn sleep_until(clock: &Rc<AlarmClock>, at: Option<Instant>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}
