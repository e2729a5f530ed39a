//! Bytes of a server after its upgrade, to a connection whose server never reads; and any answer to the upgrade, and to a
//! proxy's CONNECT. The first byte chooses.
#![no_main]

mod upgrade;

use libfuzzer_sys::fuzz_target;
use meshload::dialect::Wire;
use meshload::signaling::{Connector, Endpoint, Proxy, SignalingConnection, dial};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use upgrade::{asked_key, switching};

/// No input may take longer: nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

thread_local! {
    static RUNTIME: Runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
}

fuzz_target!(|input: &[u8]| {
    let Some((mode, bytes)) = input.split_first() else { return };
    let bounded = async { tokio::time::timeout(PATIENCE, play(mode % 3, bytes)).await.expect("an end") };
    RUNTIME.with(|runtime| runtime.block_on(bounded));
});

async fn play(mode: u8, bytes: &[u8]) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let proxy = Proxy { host: "127.0.0.1".to_owned(), port: address.port(), secure: false, authorization: None };
    let endpoint = Endpoint {
        url: format!("ws://{address}/ws/").parse().unwrap(),
        headers: vec![],
        subprotocol: None,
        origin: None,
        user_agent: "fuzz".to_owned(),
        route: Arc::new(Connector { proxy: (mode == 2).then_some(proxy), ..Connector::default() }),
        wire: Wire::Text,
        before: None,
    };
    let serve = async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Who dials again, to ask for TLS, is refused at once.
        drop(listener);
        let key = asked_key(&mut stream).await;
        if mode == 0 {
            stream.write_all(&switching(&key)).await.ok();
        }
        stream.write_all(bytes).await.ok();
        stream.shutdown().await.ok();
        // Kept open to read from, and never read.
        stream
    };
    let (dialed, _stream) = tokio::join!(dial(&endpoint), serve);
    let Ok(connection) = dialed else { return };
    let frames = read_all(connection).await;
    assert!(frames <= bytes.len(), "{frames} frames in {} bytes", bytes.len());
}

async fn read_all(mut connection: Box<dyn SignalingConnection>) -> usize {
    let mut frames = 0;
    while poll_fn(|context| connection.poll_frame(context)).await.is_ok() {
        frames += 1;
        connection.push("answer".to_owned()).ok();
    }
    frames
}
