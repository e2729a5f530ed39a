//! Whether a target that is dialled as `ws:` speaks TLS: asked once a run, when an upgrade fails before any succeeded.

use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::phase::Phase;
use std::sync::Arc;
use tokio::sync::OnceCell;

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
    /// alert, with nothing at all, or in HTTP with a 400. `answers_in_tls` is asked at most once a run.
    pub(super) async fn behind(&self, failure: Failure, answers_in_tls: impl Future<Output = bool>) -> Failure {
        let may_be = match failure.reason {
            Reason::Protocol | Reason::Closed => true,
            Reason::Rejected => failure.detail == "HTTP 400",
            _ => false,
        };
        if may_be && *self.0.get_or_init(|| answers_in_tls).await {
            return Failure::new(Phase::Connect, Reason::Tls, "that port speaks TLS; a secured server is wss://");
        }
        failure
    }
}
