//! Before a run: is the target one that may be loaded, and is it there yet?

use super::endpoint::Endpoints;
use super::outcome::Trouble;
use crate::dialect::Dialect;
use crate::signaling::dial;
use crate::vocabulary::failure::Failure;
use std::time::{Duration, Instant};

/// Between two tries while waiting for the target.
const KNOCK_EVERY: Duration = Duration::from_millis(250);

/// The target may be loaded, and answers (or the time for that is up).
///
/// # Errors
/// It may not be loaded, or can't be dialled at all.
pub(super) async fn reach_target(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) -> Result<(), Trouble> {
    admit_target(endpoints, dialect).await?;
    wait_for_target(endpoints, dialect, at_most).await;
    Ok(())
}

/// A target off this machine and off private networks is refused unless it was named on purpose.
async fn admit_target(endpoints: &Endpoints, dialect: &Dialect) -> Result<(), Trouble> {
    let endpoint = endpoints.any(dialect).map_err(|error| Trouble::Url(error.to_string()))?;
    endpoint.barrier().await.map_or(Ok(()), |barrier| Err(Trouble::Barred(barrier)))
}

/// Tries a full upgrade again and again, unmeasured, until one succeeds or the time is up.
pub async fn wait_for_target(endpoints: &Endpoints, dialect: &Dialect, at_most: Duration) {
    let until = Instant::now() + at_most;
    while Instant::now() < until {
        let dialled: Result<_, Failure> = match endpoints.any(dialect) {
            Ok(endpoint) => match tokio::time::timeout_at(until.into(), dial(&endpoint)).await {
                Ok(dialled) => dialled,
                Err(_) => return,
            },
            Err(_) => return,
        };
        if dialled.is_ok() {
            return;
        }
        tokio::time::sleep(KNOCK_EVERY).await;
    }
}
