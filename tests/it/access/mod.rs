//! Getting in: TLS with real handshakes, tokens, proxies, and secrets that nobody tells.

pub mod between;
mod capacity;
pub mod certificates;
mod metrics;
mod proxy;
mod quoting;
mod secrets;
mod templates;
mod tls;
