//! The reference server of a run without a target, on its own thread and a free loopback port.

use crate::server::{Config, Counters, Server};
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use tokio::sync::oneshot;

/// A running server; it stops when this value is dropped.
#[derive(Debug)]
pub struct EmbeddedServer {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl EmbeddedServer {
    /// Starts the server, and waits until it listens.
    ///
    /// # Errors
    /// The system has no thread, runtime or port for it.
    pub fn start(config: Config) -> io::Result<Self> {
        let (report, started) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new().name("server".to_owned()).spawn(move || {
            let bound = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .and_then(|runtime| runtime.block_on(Server::bind(config)).map(|server| (runtime, server)));
            match bound {
                Ok((runtime, server)) => {
                    // Fails only if `start` is gone; then `stopped` is ready as well.
                    let _ = report.send(Ok((server.address(), server.counters())));
                    runtime.block_on(server.run(async move {
                        let _ = stopped.await;
                    }));
                }
                Err(error) => {
                    let _ = report.send(Err(error));
                }
            }
        })?;
        let (address, counters) = started.recv().map_err(|_| io::Error::other("the server's thread ended"))??;
        Ok(Self { address, counters, stop: Some(stop), thread: Some(thread) })
    }

    pub fn url(&self) -> String {
        format!("ws://{}/ws/", self.address)
    }

    /// The server's own counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }
}

impl Drop for EmbeddedServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
