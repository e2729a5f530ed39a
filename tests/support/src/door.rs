//! A TCP door before a server, on a port of its own: it can be shut for a while and lead to another server then.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// The server's outage lasts as long as the door is shut, however long the next server takes to start.
pub struct Door {
    port: u16,
    opened: Option<Opened>,
}

/// The thread that listens, and the word that ends it.
struct Opened {
    is_open: Arc<AtomicBool>,
    listens: JoinHandle<()>,
}

impl Door {
    /// Leads to the server on this port of loopback.
    pub fn to(server: u16) -> Self {
        let mut door = Self { port: 0, opened: None };
        door.open(server);
        door
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Refuses whoever comes from now on; connections last as long as their server.
    pub fn shut(&mut self) {
        let Some(Opened { is_open, listens }) = self.opened.take() else { return };
        is_open.store(false, Ordering::SeqCst);
        // It waits for the next connection, which is this one.
        _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        listens.join().unwrap();
    }

    /// Leads to the server on this port of loopback from now on.
    pub fn open(&mut self, server: u16) {
        self.shut();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).unwrap();
        self.port = listener.local_addr().unwrap().port();
        let is_open = Arc::new(AtomicBool::new(true));
        let goes_on = is_open.clone();
        let listens = thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !goes_on.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) {
                    pass(client, server).unwrap();
                }
            }
        });
        self.opened = Some(Opened { is_open, listens });
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.shut();
    }
}

/// Copies both ways, each in a thread, until an end closes.
fn pass(client: TcpStream, server: TcpStream) -> io::Result<()> {
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_server) = (client.try_clone()?, server.try_clone()?);
    thread::spawn(move || copy(from_client, to_server));
    thread::spawn(move || copy(server, client));
    Ok(())
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    _ = io::copy(&mut from, &mut to);
    _ = from.shutdown(Shutdown::Both);
    _ = to.shutdown(Shutdown::Both);
}
