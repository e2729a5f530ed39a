//! Handshakes that were cut off while much of their time went by on this machine.

use super::super::cause::Insight;
use super::super::timeline::Timeline;
use crate::vocabulary::format::{duration, micros};
use crate::vocabulary::{Failure, OWN_TIMEOUT_SHARE, Reason, Seat};

/// A timeout that tells nothing of the target or the network, since this machine was late; other failures are no matter of
/// time.
pub(super) fn judge(timeline: &Timeline, edge: (Seat, Seat), failure: &Failure) -> Option<Insight> {
    let is_cut = matches!(failure.reason, Reason::TimedOut | Reason::IceFailed);
    let own = timeline.own_wait(edge).filter(|own| is_cut && own.waited > own.had.mul_f64(OWN_TIMEOUT_SHARE))?;
    let (waited, had) = (duration(micros(own.waited)), duration(micros(own.had)));
    let insight = Insight::unknown(format!(
        "What was there to handle waited {waited} for this machine, of the {had} that it had."
    ));
    Some(insight.and("A machine with less to do, or a longer --timeout, tells more."))
}
