//! Cost of a broadcast for the server: one core relays to 1,000 subscribers, which read in another process.

use meshload::server::{Config, Server};
use rustix::time::{ClockId, clock_gettime};
use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

const SUBSCRIBERS: u64 = 1_000;
const SENDERS: usize = 8;
const TEXT_BYTES: usize = 64;
const FRAME_BYTES: u64 = TEXT_BYTES as u64 + 2;
const LASTS: Duration = Duration::from_secs(5);

/// Frames that the server delivered in all, and for each second of its own CPU time.
pub struct Deliveries {
    pub per_second: f64,
    pub per_cpu_second: f64,
}

/// The process that reads is this one again, called by another name; `true`: it was, and is done.
pub fn was_the_load() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, role, address, rate] = arguments.as_slice() else { return false };
    if role == "load" {
        load(address.parse().unwrap(), rate.parse().unwrap());
    }
    role == "load"
}

/// `rate` in frames a second; 0 sends as fast as the subscribers read.
pub fn measure(rate: u64) -> Deliveries {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(Server::bind(Config::default())).unwrap();
    let address = server.address().to_string();
    let (done, stop) = tokio::sync::oneshot::channel::<()>();
    let serving = std::thread::spawn(move || {
        runtime.block_on(server.run(async {
            let _ = stop.await;
        }));
    });
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["load", &address, &rate.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = lines.next().unwrap().unwrap();
    assert_eq!(ready, "ready");
    let before = cpu();
    let deliveries: f64 = lines.next().unwrap().unwrap().parse().unwrap();
    let spent = cpu() - before;
    child.wait().unwrap();
    done.send(()).unwrap();
    serving.join().unwrap();
    Deliveries { per_second: deliveries / LASTS.as_secs_f64(), per_cpu_second: deliveries / spent }
}

/// Seconds of CPU that this process has used.
fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn load(address: SocketAddr, rate: u64) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        let bytes = Rc::new(Cell::new(0u64));
        for _ in 0..SUBSCRIBERS {
            let mut socket = connect(address).await;
            socket.write_all(&masked(r#"{"type":"subscribe","channel":"c"}"#)).await.unwrap();
            let bytes = bytes.clone();
            tokio::task::spawn_local(async move {
                let mut buffer = vec![0; 16 << 10];
                loop {
                    let count = socket.read(&mut buffer).await.unwrap_or(0);
                    if count == 0 {
                        return;
                    }
                    bytes.set(bytes.get() + count as u64);
                }
            });
        }
        let mut senders = vec![];
        for _ in 0..SENDERS {
            senders.push(connect(address).await);
        }
        // Until the last client_count is read.
        tokio::time::sleep(Duration::from_millis(500)).await;
        bytes.set(0);
        println!("ready");
        std::io::stdout().flush().unwrap();
        send(&mut senders, rate, &bytes).await;
        println!("{}", bytes.get() / FRAME_BYTES);
    });
}

/// Sends for as long as it LASTS, with never more than a window of frames on the way.
async fn send(senders: &mut [TcpStream], rate: u64, bytes: &Cell<u64>) {
    const WINDOW: u64 = 64;
    let head = r#"{"type":"t","channel":"c","data":""#;
    let text = format!("{head}{}\"}}", "x".repeat(TEXT_BYTES - head.len() - 2));
    let frame = masked(&text);
    let began = Instant::now();
    let mut sent = 0;
    while began.elapsed() < LASTS {
        let due = if rate == 0 { u64::MAX } else { (began.elapsed().as_secs_f64() * rate as f64) as u64 };
        let received = bytes.get() / FRAME_BYTES / SUBSCRIBERS;
        if sent < due && sent < received + WINDOW {
            let sender = sent as usize % senders.len();
            senders[sender].write_all(&frame).await.unwrap();
            sent += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

async fn connect(address: SocketAddr) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let request = "GET /ws/ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut response = vec![];
    while !response.ends_with(b"\r\n\r\n") {
        response.push(socket.read_u8().await.unwrap());
    }
    socket
}

/// A short client's text frame; a mask of zeros is a mask too.
fn masked(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend_from_slice(text.as_bytes());
    frame
}
