//! The single task that owns the rooms and every client's queue: handles inputs, then writes in rounds.

use crate::server::connection::client_writer::ClientWriter;
use crate::server::connection::held::HeldBytes;
use crate::server::connection::outbox::BYTES_MAX;
use crate::server::connection::transport::ClientTransport;
use crate::server::connection::wire::{self, CloseCode};
use crate::server::counters::Counters;
use crate::server::rooms::{ClientId, Delivery};
use crate::server::service::Service;
use bytes::Bytes;
use std::net::Shutdown;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Maximum number of inputs between two rounds of writes.
const INPUTS_MAX: usize = 4_096;
/// Time limit for clients to answer the close frame when the server stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Duration below which rounds of writes follow each other without a pause.
const ROUND_SHORT: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(20);
/// Bytes of frames that may wait, each frame counted once; with more, a client's own queue is limited to `FAIR_BYTES`.
const HELD_BYTES_MAX: usize = 1 << 30;
const FAIR_BYTES: usize = 256 << 10;

/// Input from the connections' tasks. `Closed` is a client's last one, and frees its number.
pub(super) enum Input {
    Connected {
        stream: Arc<ClientTransport>,
        client: oneshot::Sender<ClientId>,
    },
    Frame {
        client: ClientId,
        text: Utf8Bytes,
    },
    /// An encoded pong to send.
    Pong {
        client: ClientId,
        frame: Bytes,
    },
    /// An encoded close frame, the last to send.
    Close {
        client: ClientId,
        frame: Bytes,
    },
    Writable {
        client: ClientId,
    },
    Closed {
        client: ClientId,
    },
}

pub(super) struct Hub {
    rooms: Service,
    /// Writers by client number; `None` if the number is free, or its client was dropped and is not `Closed` yet.
    links: Vec<Option<ClientWriter>>,
    free: Vec<ClientId>,
    /// Clients with frames for the next round of writes.
    scheduled: Vec<ClientId>,
    /// Clients whose queue was found full.
    slow: Vec<ClientId>,
    connections: usize,
    /// Bytes that wait for all clients, as of the last round of writes and what was queued since.
    held: HeldBytes,
    scratch: Vec<u8>,
    inputs: mpsc::Sender<Input>,
    counters: Arc<Counters>,
}

impl Hub {
    /// Creates the hub; `inputs` is the sender of the channel that `run` reads.
    pub(super) fn new(rooms: Service, inputs: mpsc::Sender<Input>, counters: Arc<Counters>) -> Self {
        Self {
            rooms,
            links: vec![],
            free: vec![],
            scheduled: vec![],
            slow: vec![],
            connections: 0,
            held: HeldBytes::default(),
            scratch: Vec::with_capacity(64 << 10),
            inputs,
            counters,
        }
    }

    /// Serves until `stop`, then closes each client with 1001.
    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<Input>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut inputs = Vec::with_capacity(INPUTS_MAX);
        let mut write_at = Instant::now();
        loop {
            let round = (!self.scheduled.is_empty()).then_some(write_at);
            let wake_at = [self.rooms.wake_at(), round].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = &mut stop => break,
                _ = inbox.recv_many(&mut inputs, INPUTS_MAX) => {}
                () = sleep_until(wake_at) => {}
            }
            let now = Instant::now();
            for input in inputs.drain(..) {
                self.handle(now, input);
            }
            self.rooms.wake(now);
            self.deliver(now);
            if !self.scheduled.is_empty() && write_at <= now {
                self.write(now);
                write_at = pause_after(now, Instant::now());
            }
        }
        self.close_all(&mut inbox).await;
    }

    fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Connected { stream, client } => self.connect(now, stream, client),
            Input::Frame { client, text } => self.receive_frame(now, client, &text),
            Input::Pong { client, frame } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    if link.outbox.push(frame, None, BYTES_MAX).is_err() {
                        self.slow.push(client);
                    }
                    self.schedule(client);
                }
            }
            Input::Close { client, frame } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    link.outbox.close(frame);
                    self.schedule(client);
                }
            }
            Input::Writable { client } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    link.blocked = false;
                    self.schedule(client);
                }
            }
            Input::Closed { client } => self.disconnect(now, client),
        }
        self.deliver(now);
    }

    fn connect(&mut self, now: Instant, stream: Arc<ClientTransport>, reply: oneshot::Sender<ClientId>) {
        let client = self.free.pop().unwrap_or_else(|| {
            self.links.push(None);
            ClientId(self.links.len() as u32 - 1)
        });
        if reply.send(client).is_err() {
            self.free.push(client);
            return;
        }
        self.links[client.0 as usize] = Some(ClientWriter::new(stream));
        self.connections += 1;
        self.counters.set_connections(self.connections);
        self.rooms.connected(now, client);
    }

    fn receive_frame(&mut self, now: Instant, client: ClientId, text: &str) {
        if self.links[client.0 as usize].is_some() {
            self.counters.count_received(1);
            self.rooms.frame(now, client, text);
        }
    }

    fn disconnect(&mut self, now: Instant, client: ClientId) {
        if let Some(link) = &mut self.links[client.0 as usize] {
            let written = link.flush(&mut self.scratch).unwrap_or(0);
            self.counters.count_delivered(written);
            link.shut(Shutdown::Write);
            self.remove(now, client);
        }
        self.free.push(client);
    }

    /// Removes a client whose task may still be reading.
    fn remove(&mut self, now: Instant, client: ClientId) {
        if self.links[client.0 as usize].take().is_some() {
            self.connections -= 1;
            self.counters.set_connections(self.connections);
            self.rooms.closed(now, client);
        }
    }

    /// Moves all deliveries of the rooms into the clients' queues, and disconnects the clients that have to go.
    fn deliver(&mut self, now: Instant) {
        loop {
            while let Some(delivery) = self.rooms.poll() {
                self.enqueue(&delivery);
            }
            if let Some(client) = self.slow.pop() {
                if self.shut_down(now, client) {
                    self.counters.count_dropped_slow();
                }
            } else if let Some(client) = self.rooms.poll_disconnect() {
                self.shut_down(now, client);
            } else {
                break;
            }
        }
    }

    /// Shuts down a client's connection; false if it has none.
    fn shut_down(&mut self, now: Instant, client: ClientId) -> bool {
        let link = self.links[client.0 as usize].as_ref();
        if let Some(link) = link {
            link.shut(Shutdown::Both);
            self.remove(now, client);
            return true;
        }
        false
    }

    fn enqueue(&mut self, delivery: &Delivery) {
        let frame = self.held.frame(wire::text(&delivery.text));
        let has_room = self.held.count() < HELD_BYTES_MAX;
        self.counters.note_frame(delivery.text.len());
        for client in self.rooms.recipients(&delivery.to) {
            let Some(link) = &mut self.links[client.0 as usize] else { continue };
            let bytes_max = if has_room { BYTES_MAX } else { FAIR_BYTES.max(frame.len()) };
            if link.outbox.push(frame.clone(), delivery.replaceable, bytes_max).is_err() {
                self.slow.push(client);
            }
            if link.schedule() {
                self.scheduled.push(client);
            }
        }
    }

    fn schedule(&mut self, client: ClientId) {
        if self.links[client.0 as usize].as_mut().is_some_and(ClientWriter::schedule) {
            self.scheduled.push(client);
        }
    }

    /// Writes the queues of all scheduled clients, each in as few system calls as possible.
    fn write(&mut self, now: Instant) {
        let mut written = 0;
        for client in std::mem::take(&mut self.scheduled) {
            let Some(link) = &mut self.links[client.0 as usize] else { continue };
            match link.flush(&mut self.scratch) {
                Ok(frames) => written += frames,
                Err(_) => {
                    link.shut(Shutdown::Both);
                    self.remove(now, client);
                    continue;
                }
            }
            if link.blocked {
                self.await_writable(client);
            }
        }
        self.counters.count_delivered(written);
        self.counters.set_refused(self.rooms.refused());
    }

    fn await_writable(&self, client: ClientId) {
        let Some(link) = &self.links[client.0 as usize] else { return };
        let (stream, inputs) = (link.stream.clone(), self.inputs.clone());
        tokio::spawn(async move {
            // An error is reported by the next write.
            let _ = stream.writable().await;
            let _ = inputs.send(Input::Writable { client }).await;
        });
    }

    /// Sends each client a close frame and waits for the answers, at most `CLOSE_TIMEOUT`.
    async fn close_all(mut self, inbox: &mut mpsc::Receiver<Input>) {
        let until = Instant::now() + CLOSE_TIMEOUT;
        let frame = wire::close(CloseCode::GoingAway);
        for index in 0..self.links.len() {
            if let Some(link) = &mut self.links[index] {
                link.outbox.close(frame.clone());
                self.schedule(ClientId(index as u32));
            }
        }
        while self.connections > 0 {
            let now = Instant::now();
            self.write(now);
            tokio::select! {
                input = inbox.recv() => match input {
                    // New clients and frames are ignored.
                    None | Some(Input::Connected { .. } | Input::Frame { .. }) => {}
                    Some(input) => self.handle(now, input),
                },
                () = sleep_until(Some(until)) => break,
            }
        }
    }
}

/// Start of the next round: it waits as long as the last one took, at most `PAUSE_MAX`. Under load several frames of a
/// client then share one system call; an idle server writes at once.
fn pause_after(began: Instant, ended: Instant) -> Instant {
    let took = ended - began;
    if took < ROUND_SHORT { ended } else { ended + took.min(PAUSE_MAX) }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
