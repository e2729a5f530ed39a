//! Detection of a TLS server behind a `ws:` URL, once a run, when an upgrade fails before any has succeeded.

use crate::vocabulary::{Failure, Phase, Reason};
use std::sync::Arc;
use tokio::sync::OnceCell;

/// Result of the detection; shared by all peers of a run.
#[derive(Clone, Debug, Default)]
pub struct TlsSniff(Arc<OnceCell<bool>>);

impl TlsSniff {
    /// Records that an upgrade without TLS has succeeded, so that later failures are not checked.
    pub(in crate::signaling) fn mark_plain(&self) {
        // The cell is set already if another peer was first.
        let _ = self.0.set(false);
    }

    /// Returns the failure of an upgrade without TLS, or a clearer one if the server speaks TLS. A TLS server answers
    /// such an upgrade with an alert, by closing, or with HTTP 400. `answers_in_tls` runs at most once a run.
    pub(in crate::signaling) async fn explain(
        &self,
        failure: Failure,
        answers_in_tls: impl Future<Output = bool>,
    ) -> Failure {
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
