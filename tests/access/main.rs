//! Getting in: TLS with real handshakes, tokens, proxies, and secrets that nobody tells.

mod between;
mod capacity;
mod certificates;
#[path = "../manners/play.rs"]
#[expect(dead_code, reason = "the other suite needs more of it")]
mod play;
mod proxy;
mod secrets;
mod serve;
#[path = "../fixtures/serving.rs"]
mod serving;
mod templates;
mod tls;
