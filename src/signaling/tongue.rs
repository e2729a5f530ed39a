//! Whether a target that is dialled as `ws:` speaks TLS: asked once a run, when an upgrade fails before any succeeded.

use super::dial::{Endpoint, reach};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// How long a TLS server may take to answer a greeting. Far below any timeout of a handshake: whoever waits for the
/// answer has failed already, and is to fail by what it met, not by the clock.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// What is known of it; shared by all peers of a run.
#[derive(Clone, Debug, Default)]
pub struct Tongue(Arc<OnceCell<bool>>);

impl Tongue {
    /// An upgrade without TLS has succeeded: from now on no failure has to do with that.
    pub(super) fn is_plain(&self) {
        // Whoever came first knew it already.
        let _ = self.0.set(false);
    }

    /// The failure of an upgrade without TLS, or what is behind it. A TLS server answers such an upgrade with an
    /// alert, with nothing at all, or in HTTP with a 400.
    pub(super) async fn behind(&self, failure: Failure, endpoint: &Endpoint) -> Failure {
        let may_be = match failure.reason {
            Reason::Protocol | Reason::Closed => true,
            Reason::Rejected => failure.detail == "HTTP 400",
            _ => false,
        };
        if may_be && *self.0.get_or_init(|| answers_in_tls(endpoint)).await {
            return Failure::new(Phase::Connect, Reason::Tls, "that port speaks TLS; a secured server is wss://");
        }
        failure
    }
}

async fn answers_in_tls(endpoint: &Endpoint) -> bool {
    let Some((host, port)) = endpoint.destination() else { return false };
    let greeted = async {
        let stream = reach(endpoint, host, port).await.ok()?;
        Some(endpoint.route.tls.is_answered(endpoint.url.host_str()?, stream).await)
    };
    timeout(ANSWER_MAX, greeted).await.ok().flatten().unwrap_or(false)
}
