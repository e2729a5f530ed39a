//! The one task that owns the rooms and every client's queue: reads what came in, then writes in rounds.

use crate::server::connection::client_writer::ClientWriter;
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

/// Inputs taken in between two rounds of writes, at most.
const INPUTS_MAX: usize = 4_096;
/// How long clients have to answer the close frame when the server stops.
const FAREWELL: Duration = Duration::from_secs(1);
/// Rounds of writes shorter than this follow each other without a pause.
const ROUND_SHORT: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// What the connections' tasks tell the hub. `Closed` is the last word of a client, and frees its number.
pub enum Input {
    Connected {
        stream: Arc<ClientTransport>,
        client: oneshot::Sender<ClientId>,
    },
    Frame {
        client: ClientId,
        text: Utf8Bytes,
    },
    /// A pong, as finished bytes.
    Pong {
        client: ClientId,
        frame: Bytes,
    },
    /// The last frame to send.
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

pub struct Hub {
    rooms: Service,
    /// By client number; None where the number is free, or its client was dropped and is not `Closed` yet.
    links: Vec<Option<ClientWriter>>,
    free: Vec<ClientId>,
    dirty: Vec<ClientId>,
    /// Clients found too slow while delivering.
    slow: Vec<ClientId>,
    connections: usize,
    scratch: Vec<u8>,
    inputs: mpsc::Sender<Input>,
    counters: Arc<Counters>,
}

impl Hub {
    /// `inputs` is the sending side of the channel that `run` reads from.
    pub fn new(rooms: Service, inputs: mpsc::Sender<Input>, counters: Arc<Counters>) -> Self {
        Self {
            rooms,
            links: vec![],
            free: vec![],
            dirty: vec![],
            slow: vec![],
            connections: 0,
            scratch: Vec::with_capacity(64 << 10),
            inputs,
            counters,
        }
    }

    /// Serves until `stop`, then closes each client with 1001.
    pub async fn run(mut self, mut inbox: mpsc::Receiver<Input>, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut inputs = Vec::with_capacity(INPUTS_MAX);
        let mut write_at = Instant::now();
        loop {
            let round = (!self.dirty.is_empty()).then_some(write_at);
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
            if !self.dirty.is_empty() && write_at <= now {
                self.write(now);
                write_at = pause_after(now, Instant::now());
            }
        }
        self.say_farewell(&mut inbox).await;
    }

    fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Connected { stream, client } => self.connect(now, stream, client),
            Input::Frame { client, text } => self.hear(now, client, &text),
            Input::Pong { client, frame } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    if link.outbox.push(frame, None).is_err() {
                        self.slow.push(client);
                    }
                    self.mark(client);
                }
            }
            Input::Close { client, frame } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    link.outbox.close(frame);
                    self.mark(client);
                }
            }
            Input::Writable { client } => {
                if let Some(link) = &mut self.links[client.0 as usize] {
                    link.blocked = false;
                    self.mark(client);
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

    fn hear(&mut self, now: Instant, client: ClientId, text: &str) {
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
            self.lose(now, client);
        }
        self.free.push(client);
    }

    /// Forgets a client whose task may still be reading.
    fn lose(&mut self, now: Instant, client: ClientId) {
        if self.links[client.0 as usize].take().is_some() {
            self.connections -= 1;
            self.counters.set_connections(self.connections);
            self.rooms.closed(now, client);
        }
    }

    /// Puts all that the rooms have to say into the clients' queues.
    fn deliver(&mut self, now: Instant) {
        loop {
            while let Some(delivery) = self.rooms.poll() {
                self.enqueue(&delivery);
            }
            if let Some(client) = self.slow.pop() {
                if self.cut(now, client) {
                    self.counters.count_dropped_slow();
                }
            } else if let Some(client) = self.rooms.poll_cut() {
                self.cut(now, client);
            } else {
                break;
            }
        }
    }

    /// Ends a client's connection; whether there was one.
    fn cut(&mut self, now: Instant, client: ClientId) -> bool {
        let link = self.links[client.0 as usize].as_ref();
        if let Some(link) = link {
            link.shut(Shutdown::Both);
            self.lose(now, client);
            return true;
        }
        false
    }

    fn enqueue(&mut self, delivery: &Delivery) {
        let frame = wire::text(&delivery.text);
        for client in self.rooms.recipients(&delivery.to) {
            let Some(link) = &mut self.links[client.0 as usize] else { continue };
            if link.outbox.push(frame.clone(), delivery.notice).is_err() {
                self.slow.push(client);
            }
            if link.enlist() {
                self.dirty.push(client);
            }
        }
    }

    fn mark(&mut self, client: ClientId) {
        if self.links[client.0 as usize].as_mut().is_some_and(ClientWriter::enlist) {
            self.dirty.push(client);
        }
    }

    /// One round of writes: each client's whole queue goes out at once.
    fn write(&mut self, now: Instant) {
        let mut written = 0;
        for client in std::mem::take(&mut self.dirty) {
            let Some(link) = &mut self.links[client.0 as usize] else { continue };
            match link.flush(&mut self.scratch) {
                Ok(frames) => written += frames,
                Err(_) => {
                    link.shut(Shutdown::Both);
                    self.lose(now, client);
                    continue;
                }
            }
            if link.blocked {
                self.await_writable(client);
            }
        }
        self.counters.count_delivered(written);
    }

    fn await_writable(&self, client: ClientId) {
        let Some(link) = &self.links[client.0 as usize] else { return };
        let (stream, inputs) = (link.stream.clone(), self.inputs.clone());
        tokio::spawn(async move {
            // An error shows at the write that follows.
            let _ = stream.writable().await;
            let _ = inputs.send(Input::Writable { client }).await;
        });
    }

    async fn say_farewell(mut self, inbox: &mut mpsc::Receiver<Input>) {
        let until = Instant::now() + FAREWELL;
        let frame = wire::close(CloseCode::GoingAway);
        for index in 0..self.links.len() {
            if let Some(link) = &mut self.links[index] {
                link.outbox.close(frame.clone());
                self.mark(ClientId(index as u32));
            }
        }
        while self.connections > 0 {
            let now = Instant::now();
            self.write(now);
            tokio::select! {
                input = inbox.recv() => match input {
                    // Nobody comes in any more.
                    None | Some(Input::Connected { .. } | Input::Frame { .. }) => {}
                    Some(input) => self.handle(now, input),
                },
                () = sleep_until(Some(until)) => break,
            }
        }
    }
}

/// The next round waits as long as the last one took. Under load, clients then have more than one frame queued
/// when their turn comes, and share one system call among them; an idle server writes at once.
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
