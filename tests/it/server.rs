//! The reference server over real sockets: handshake, both kinds, offences, slow clients, the end.

use futures_util::{SinkExt, StreamExt};
use meshload::server::{Config, Counters, RoomModel, Server};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

const ROOMS: &str = "webrtc-dashboard-rooms";
const CHAT: &str = "webrtc-dashboard-chat";
/// A server that has not answered by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

struct Running {
    address: SocketAddr,
    counters: Arc<Counters>,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

async fn start(kind: RoomModel) -> Running {
    let server = Server::bind(Config { kind, list_interval: Duration::ZERO, ..Config::default() }).await.unwrap();
    let (address, counters) = (server.address(), server.counters());
    let (stop, stopped) = oneshot::channel();
    let ended = tokio::spawn(server.run(async {
        let _ = stopped.await;
    }));
    Running { address, counters, stop, ended }
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    /// Connects and subscribes to chat and rooms; the pong says that the server has heard it all.
    async fn connect(address: SocketAddr) -> Self {
        let (socket, _) = connect_async(format!("ws://{address}/ws/")).await.unwrap();
        let mut client = Self(socket);
        for channel in [CHAT, ROOMS] {
            client.say(&json!({"type": "subscribe", "channel": channel}).to_string()).await;
        }
        client.say(r#"{"type":"ping"}"#).await;
        client.hear("pong").await;
        client
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }

    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the server went silent");
        next.map(|message| message.unwrap())
    }

    /// The next frame that is no count; it has to be of this type.
    async fn hear(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next().await.expect("the server closed");
            let Message::Text(text) = message else { panic!("{message:?} instead of {kind}") };
            let frame: Value = serde_json::from_str(&text).unwrap();
            if frame["type"] != "client_count" {
                assert_eq!(frame["type"], kind);
                return frame;
            }
        }
    }

    /// Reads on to the close frame, and past it to the end of the connection.
    async fn closed(mut self) -> Option<CloseCode> {
        let mut code = None;
        while let Some(message) = self.next().await {
            if let Message::Close(frame) = message {
                code = frame.map(|frame| frame.code);
            }
        }
        code
    }
}

fn envelope(kind: &str, channel: &str, data: Value) -> String {
    json!({"type": kind, "channel": channel, "sender": "tab", "timestamp": 1, "data": data}).to_string()
}

/// The whole answer to a plain HTTP request.
async fn http(address: SocketAddr, head: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(format!("{head}\r\nHost: h\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn the_websocket_is_at_one_path_and_404_elsewhere() {
    let server = start(RoomModel::Relay).await;
    for path in ["", "/", "/ws", "/other/"] {
        let request = format!("ws://{}{path}", server.address).into_client_request().unwrap();
        let error = connect_async(request).await.unwrap_err().to_string();
        let expected = if path.len() < 2 { "200" } else { "404" };
        assert!(error.contains(expected), "{path}: {error}");
    }
    assert!(http(server.address, "GET /ws/ HTTP/1.1").await.starts_with("HTTP/1.1 404 "));
    assert!(http(server.address, "GET / HTTP/1.1").await.starts_with("HTTP/1.1 200 "));
    assert!(http(server.address, "nonsense").await.starts_with("HTTP/1.1 400 "));
    Client::connect(server.address).await;
}

#[tokio::test]
async fn a_newcomer_hears_the_count_first() {
    let server = start(RoomModel::Relay).await;
    let (mut socket, _) = connect_async(format!("ws://{}/ws/", server.address)).await.unwrap();
    let first = socket.next().await.unwrap().unwrap().into_text().unwrap();
    assert!(first.starts_with(r#"{"type":"client_count","count":1,"timestamp":""#), "{first}");
}

#[tokio::test]
async fn a_relay_passes_a_frame_of_any_size_to_the_others_in_the_order_sent() {
    let server = start(RoomModel::Relay).await;
    let (mut one, mut two) = (Client::connect(server.address).await, Client::connect(server.address).await);
    let sizes = [0, 1, 100, 200, 70_000, 3, 250_000];
    for size in sizes {
        one.say(&envelope("peer-ready", CHAT, json!({"text": "x".repeat(size)}))).await;
    }
    for size in sizes {
        assert_eq!(two.hear("peer-ready").await["data"]["text"].as_str().unwrap().len(), size);
    }
    one.say("no json").await;
    assert_eq!(one.hear("echo").await["original"], "no json");
    // Each client subscribed twice and pinged once; then came the seven frames and the one that is no JSON.
    assert_eq!(server.counters.snapshot().received, 2 * 3 + 7 + 1);
}

#[tokio::test]
async fn a_registry_tells_who_joined_and_who_went_without_a_word() {
    let server = start(RoomModel::Registry).await;
    let (mut host, mut guest) = (Client::connect(server.address).await, Client::connect(server.address).await);
    host.say(&envelope("room-created", ROOMS, json!({"id": "r", "name": "n", "host": "h", "hostId": "a"}))).await;
    assert_eq!(guest.hear("server-room-list").await["rooms"][0]["hostId"], "a");
    host.say(&envelope("user-joined-room", ROOMS, json!({"roomId": "r", "userId": "a", "userName": "A"}))).await;
    guest.hear("user-joined-room").await;
    assert_eq!(guest.hear("server-room-list").await["rooms"][0]["participants"], json!([{"id": "a", "name": "A"}]));
    drop(host);
    assert_eq!(guest.hear("server-room-list").await["rooms"], json!([]));
}

#[tokio::test]
async fn a_ping_is_ponged_in_between_whole_frames() {
    let server = start(RoomModel::Relay).await;
    let (mut one, mut two) = (Client::connect(server.address).await, Client::connect(server.address).await);
    for _ in 0..50 {
        one.say(&envelope("peer-ready", CHAT, json!({"text": "x".repeat(1_000)}))).await;
        two.0.send(Message::Ping("beat".into())).await.unwrap();
    }
    let (mut frames, mut pongs) = (0, 0);
    while frames < 50 || pongs < 50 {
        match two.next().await.unwrap() {
            Message::Pong(payload) => {
                assert_eq!(&payload[..], b"beat");
                pongs += 1;
            }
            Message::Text(text) if text.contains("peer-ready") => frames += 1,
            _ => {}
        }
    }
}

#[tokio::test]
async fn a_close_is_answered_with_its_own_code() {
    let server = start(RoomModel::Relay).await;
    let mut client = Client::connect(server.address).await;
    client
        .0
        .close(Some(tokio_tungstenite::tungstenite::protocol::CloseFrame {
            code: CloseCode::Library(4_001),
            reason: "bye".into(),
        }))
        .await
        .unwrap();
    assert_eq!(client.closed().await, Some(CloseCode::Library(4_001)));
}

/// Sends raw bytes after a handshake; returns the code of the close frame that ends what the server says.
async fn offend(address: SocketAddr, bytes: &[u8]) -> u16 {
    let client = Client::connect(address).await;
    let MaybeTlsStream::Plain(mut socket) = client.0.into_inner() else { panic!("no TLS here") };
    socket.write_all(bytes).await.unwrap();
    let mut said = vec![];
    tokio::time::timeout(PATIENCE, socket.read_to_end(&mut said))
        .await
        .expect("the server kept the connection")
        .unwrap();
    let [.., 0x88, 2, high, low] = said[..] else { panic!("no close frame: {said:?}") };
    u16::from_be_bytes([high, low])
}

#[tokio::test]
async fn an_offence_is_closed_with_the_code_for_it() {
    let server = start(RoomModel::Relay).await;
    let masked = |head: &[u8], payload: &[u8]| [head, &[0; 4], payload].concat();
    let over = 256 * 1024 + 1_u32;
    let claims = [&[0x81, 0xFF, 0, 0, 0, 0][..], &over.to_be_bytes()].concat();
    let endless = [0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF];
    let fragments =
        [0x01, 0x80, 0x80, 0x80].map(|first| masked(&[first & 0x0F, 0xFE, 0xFF, 0xFF], &vec![b'x'; 65_535]));
    let check = async |what: &str, bytes: Vec<u8>, code: u16| {
        assert_eq!(offend(server.address, &bytes).await, code, "{what}");
    };
    check("a message too long", masked(&claims, &vec![b'x'; over as usize]), 1009).await;
    check("a length of 2^63 - 1", masked(&endless, b"x"), 1009).await;
    check("too long in fragments", [fragments.concat(), masked(&[0x00, 0x85], b"12345")].concat(), 1009).await;
    check("no UTF-8", masked(&[0x81, 0x82], &[0xC3, 0x28]), 1007).await;
    check("binary", masked(&[0x82, 0x81], b"x"), 1003).await;
    check("no mask", vec![0x81, 1, b'x'], 1002).await;
    check("reserved bit", masked(&[0xC1, 0x81], b"x"), 1002).await;
    check("reserved opcode", masked(&[0x83, 0x81], b"x"), 1002).await;
}

#[tokio::test]
async fn a_message_at_the_bound_is_relayed() {
    let server = start(RoomModel::Relay).await;
    let (mut one, mut two) = (Client::connect(server.address).await, Client::connect(server.address).await);
    let around = envelope("t", CHAT, json!("")).len();
    let text = envelope("t", CHAT, json!("x".repeat(256 * 1024 - around)));
    assert_eq!(text.len(), 256 * 1024);
    one.say(&text).await;
    two.hear("t").await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_dropped_and_the_others_go_on() {
    let server = start(RoomModel::Relay).await;
    let slow = Client::connect(server.address).await;
    let (mut one, mut two) = (Client::connect(server.address).await, Client::connect(server.address).await);
    let text = envelope("t", CHAT, json!("x".repeat(200_000)));
    // More than any kernel's socket buffers and the server's own bound together.
    for sent in 0..1_000 {
        one.say(&text).await;
        two.hear("t").await;
        if server.counters.snapshot().dropped_slow > 0 {
            assert!(sent * text.len() > 64 << 20, "dropped after {sent} frames");
            assert_eq!(server.counters.snapshot().connections, 2);
            drop(slow);
            return;
        }
    }
    panic!("a client that reads nothing is still connected");
}

#[tokio::test]
async fn stopping_closes_each_client_with_1001_and_ends() {
    let server = start(RoomModel::Relay).await;
    let mut readers = vec![];
    for _ in 0..5 {
        readers.push(tokio::spawn(Client::connect(server.address).await.closed()));
    }
    let deaf = TcpStream::connect(server.address).await.unwrap();
    server.stop.send(()).unwrap();
    for reader in readers {
        assert_eq!(reader.await.unwrap(), Some(CloseCode::Away));
    }
    tokio::time::timeout(PATIENCE, server.ended).await.expect("the server did not end").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "it still listens");
    drop(deaf);
}

#[tokio::test]
async fn a_client_that_never_answers_the_close_does_not_hold_the_server() {
    let server = start(RoomModel::Relay).await;
    let silent = Client::connect(server.address).await;
    server.stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, server.ended).await.expect("the server did not end").unwrap();
    drop(silent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_runs_on_many_threads_as_well() {
    let server = start(RoomModel::Relay).await;
    let mut clients = vec![];
    for _ in 0..20 {
        clients.push(Client::connect(server.address).await);
    }
    let (one, others) = clients.split_first_mut().unwrap();
    for _ in 0..50 {
        one.say(&envelope("t", CHAT, json!({}))).await;
    }
    for other in others {
        for _ in 0..50 {
            other.hear("t").await;
        }
    }
}
