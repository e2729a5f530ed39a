//! A server's bytes inside what carries them: MQTT packets and MessagePack in binary WebSocket frames, and a stream of
//! events. The first byte chooses, the second is the length of the pieces.
#![no_main]

mod upgrade;

use libfuzzer_sys::fuzz_target;
use meshload::dialect::{MqttConnect, Wire};
use meshload::signaling::{Connector, Endpoint, SignalingConnection, dial};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use upgrade::{asked_key, switching};

/// No input may take longer: nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// The connack of either version, without which an MQTT connection does not open.
const CONNACKS: [&[u8]; 2] = [&[0x20, 2, 0, 0], &[0x20, 3, 0, 0, 0]];

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

fuzz_target!(|input: &[u8]| {
    let [mode, length, bytes @ ..] = input else { return };
    let wire = match mode % 5 {
        0 => Wire::EventStream,
        1 | 2 => Wire::Mqtt(mqtt_connect(mode % 5 == 2)),
        3 => Wire::MessagePack,
        _ => Wire::PackedSocketIo,
    };
    if let Ok(text) = wire.to_text(bytes)
        && let Some(again) = wire.to_bytes(&text)
    {
        assert_eq!(wire.to_text(&again).as_ref(), Ok(&text), "what was read is written and read again");
    }
    let length = usize::from(*length) + 1;
    let bounded = async { tokio::time::timeout(PATIENCE, play(wire, length, bytes)).await.expect("an end") };
    RUNTIME.with(|runtime| runtime.block_on(bounded));
});

fn mqtt_connect(is_v5: bool) -> Arc<MqttConnect> {
    let will = Some(r#"{"topic":"r","payload":{"type":"bye"}}"#.to_owned());
    Arc::new(MqttConnect { is_v5, client: "a".to_owned(), keep_alive_s: 60, user: None, password: None, will })
}

async fn play(wire: Wire, length: usize, bytes: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let scheme = if wire == Wire::EventStream { "http" } else { "ws" };
    let endpoint = Endpoint {
        url: format!("{scheme}://{address}/r").parse().unwrap(),
        headers: vec![],
        subprotocol: None,
        origin: None,
        user_agent: "fuzz".to_owned(),
        route: Arc::new(Connector::default()),
        wire,
        before: None,
    };
    let wire = endpoint.wire.clone();
    let serve = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Who dials again, for a POST, is refused at once.
        drop(listener);
        let key = asked_key(&mut stream).await;
        stream.write_all(&answer(&wire, &key, length, bytes)).await.ok();
        stream.shutdown().await.ok();
        // Kept open to read from, and never read.
        stream
    };
    let (dialed, _stream) = tokio::join!(dial(&endpoint), serve);
    let Ok(connection) = dialed else { return };
    let frames = read_all(connection).await;
    assert!(frames <= bytes.len() + 1, "{frames} frames in {} bytes", bytes.len());
}

/// All that the server says, its head first.
fn answer(wire: &Wire, key: &str, length: usize, bytes: &[u8]) -> Vec<u8> {
    if *wire == Wire::EventStream {
        let mut answer =
            b"HTTP/1.1 200 X\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in bytes.chunks(length) {
            answer.extend(format!("{:x}\r\n", piece.len()).bytes());
            answer.extend(piece.iter().chain(b"\r\n"));
        }
        answer.extend(b"0\r\n\r\n");
        return answer;
    }
    let mut answer = switching(key);
    let connack = if let Wire::Mqtt(connect) = wire { CONNACKS[usize::from(connect.is_v5)] } else { &[] };
    for piece in std::iter::once(connack).filter(|connack| !connack.is_empty()).chain(bytes.chunks(length)) {
        // A whole binary frame (RFC 6455 §5.2); its length is in one byte, or in two behind 126.
        answer.push(0x82);
        match piece.len() {
            short @ ..126 => answer.push(short as u8),
            long => answer.extend([126, (long >> 8) as u8, long as u8]),
        }
        answer.extend(piece);
    }
    answer
}

async fn read_all(mut connection: Box<dyn SignalingConnection>) -> usize {
    let mut frames = 0;
    while poll_fn(|context| connection.poll_frame(context)).await.is_ok() {
        frames += 1;
        connection.push(r#"{"topic":"r","payload":1}"#.to_owned()).ok();
        // Whether it can be sent is the server's affair.
        let _ = poll_fn(|context| std::task::Poll::Ready(connection.poll_flush(context))).await;
    }
    frames
}
