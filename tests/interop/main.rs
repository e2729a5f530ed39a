//! Channels between the engine `lean` and every other stack that can be installed, in both roles: sizes, order, closing.
//! A test whose stack is not installed is skipped with the reason (scripts/test installs all); in CI it fails.

mod other;
mod ours;
mod pairs;

use meshload::engine::Engine;
use meshload::vocabulary::engine::{EngineCommand, EngineEvent};
use meshload::vocabulary::message::Candidate;
use other::{Other, folder};
use ours::{Happened, OTHER, next};
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use support::{chromium, network};

const SIZES: [usize; 5] = [0, 1, 1_200, 16_384, 65_536];

/// Messages that are on their way together.
const BURST: usize = 50;

/// A goodbye is told sooner than consent ends.
const GOODBYE_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Offers {
    We,
    They,
}

/// Way in which the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goodbye {
    /// Our engine closes.
    Ours,
    /// The other end closes its connection.
    Theirs,
    /// The other end closes the channel alone.
    OfTheChannel,
}

/// Plays in a network of its own, from which no packet finds a way out.
fn check(test: &str, stack: Option<impl Fn() -> Other>, offers: Offers) {
    let Some(stack) = stack else {
        return network::skip("the other stack is not installed (scripts/test)");
    };
    if !network::is_own() {
        return network::alone(test);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    match offers {
        Offers::We => runtime.block_on(play(stack(), offers, Goodbye::Ours)),
        Offers::They => {
            runtime.block_on(play(stack(), offers, Goodbye::Theirs));
            runtime.block_on(play(stack(), offers, Goodbye::OfTheChannel));
        }
    }
}

fn node(script: &'static str) -> Option<impl Fn() -> Other> {
    let package = folder().join("node_modules").join(script.trim_end_matches("_end.cjs"));
    package.exists().then_some(move || Other::script("node", script))
}

fn python(script: &'static str) -> Option<impl Fn() -> Other> {
    let package = folder().join("python").join(script.trim_end_matches("_end.py"));
    package.exists().then_some(move || Other::script("python3", script))
}

fn browser() -> Option<impl Fn() -> Other> {
    chromium::installed().map(|program: &'static Path| move || Other::browser(program))
}

#[test]
fn libdatachannel_answers() {
    check("libdatachannel_answers", node("node-datachannel_end.cjs"), Offers::We);
}

#[test]
fn libdatachannel_offers() {
    check("libdatachannel_offers", node("node-datachannel_end.cjs"), Offers::They);
}

#[test]
fn werift_answers() {
    check("werift_answers", node("werift_end.cjs"), Offers::We);
}

#[test]
fn werift_offers() {
    check("werift_offers", node("werift_end.cjs"), Offers::They);
}

#[test]
fn aiortc_answers() {
    check("aiortc_answers", python("aiortc_end.py"), Offers::We);
}

#[test]
fn aiortc_offers() {
    check("aiortc_offers", python("aiortc_end.py"), Offers::They);
}

#[test]
fn chromium_answers() {
    check("chromium_answers", browser(), Offers::We);
}

#[test]
fn chromium_offers() {
    check("chromium_offers", browser(), Offers::They);
}

/// A whole life of one connection.
async fn play(mut other: Other, offers: Offers, goodbye: Goodbye) {
    let mut engine = ours::engine("10.99.0.0/24");
    open(&mut engine, &mut other, offers).await;
    for bytes in SIZES {
        let message: Vec<u8> = (0..bytes).map(|at| at as u8).collect();
        assert!(engine.send(Instant::now(), OTHER, &message), "{bytes} bytes");
        assert_eq!(hear(&mut engine, &mut other).await, message, "{bytes} bytes there and back");
    }
    for ordinal in 0..BURST {
        assert!(engine.send(Instant::now(), OTHER, &[ordinal as u8; 1_200]));
    }
    for ordinal in 0..BURST {
        assert_eq!(hear(&mut engine, &mut other).await, [ordinal as u8; 1_200]);
    }
    let began = Instant::now();
    match goodbye {
        Goodbye::Ours => engine.close(Instant::now()),
        Goodbye::Theirs => other.tell(json!({ "do": "close" })),
        Goodbye::OfTheChannel => other.tell(json!({ "do": "part" })),
    }
    let is_told = |happened: &Happened| match happened {
        Happened::Ours(notice) => goodbye != Goodbye::Ours && *notice == EngineEvent::Closed,
        Happened::Theirs(event) => goodbye == Goodbye::Ours && event["closed"] == true,
    };
    until(&mut engine, &mut other, is_told).await;
    assert!(began.elapsed() < GOODBYE_MAX, "{goodbye:?} was told after {:?}", began.elapsed());
}

/// Carries signals until both ends are open.
async fn open(engine: &mut dyn Engine, other: &mut Other, offers: Offers) {
    match offers {
        Offers::We => engine.order(Instant::now(), OTHER, EngineCommand::Offer),
        Offers::They => other.tell(json!({ "do": "offer" })),
    }
    // A candidate is admitted when both descriptions are in force, as the handshake does it.
    let (mut is_described, mut early, mut open) = (false, vec![], [false; 2]);
    while open != [true; 2] {
        match next(engine, &mut other.events).await {
            Happened::Ours(EngineEvent::Offer { sdp }) => other.tell(json!({ "do": "accept", "sdp": sdp })),
            Happened::Ours(EngineEvent::Answer { sdp }) => {
                is_described = true;
                other.tell(json!({ "do": "apply", "sdp": sdp }));
            }
            Happened::Ours(EngineEvent::Candidate(Candidate { candidate, mid, .. })) => {
                other.tell(json!({ "do": "admit", "candidate": candidate, "mid": mid }));
            }
            Happened::Ours(EngineEvent::Applied) => is_described = true,
            Happened::Ours(EngineEvent::Open) => open[0] = true,
            Happened::Ours(EngineEvent::Failed { reason, detail }) => panic!("{reason:?}: {detail}"),
            Happened::Ours(_) => {}
            Happened::Theirs(event) => match event {
                _ if event["open"] == true => open[1] = true,
                _ if event["sdp"].is_string() => {
                    let sdp = text(&event["sdp"]);
                    let order =
                        if offers == Offers::We { EngineCommand::Apply { sdp } } else { EngineCommand::Accept { sdp } };
                    engine.order(Instant::now(), OTHER, order);
                }
                _ if event["candidate"].is_string() => early.push(Candidate {
                    candidate: text(&event["candidate"]),
                    mid: event["mid"].as_str().map(str::to_owned),
                    line: Some(0),
                    ufrag: None,
                }),
                other => panic!("{other}"),
            },
        }
        if is_described {
            early.drain(..).for_each(|candidate| engine.order(Instant::now(), OTHER, EngineCommand::Admit(candidate)));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// The next message at our end, or an empty one that the other has heard and can't send back.
async fn hear(engine: &mut dyn Engine, other: &mut Other) -> Vec<u8> {
    loop {
        match next(engine, &mut other.events).await {
            Happened::Ours(EngineEvent::Message(message)) => return message,
            Happened::Ours(EngineEvent::Closed | EngineEvent::Failed { .. }) => panic!("our end has closed"),
            Happened::Theirs(event) if event["heard"] == 0 => return vec![],
            Happened::Theirs(event) if event["candidate"].is_null() => panic!("{event}"),
            _ => {}
        }
    }
}

async fn until(engine: &mut dyn Engine, other: &mut Other, is_it: impl Fn(&Happened) -> bool) {
    while !is_it(&next(engine, &mut other.events).await) {}
}
