//! Checks before a run that the target may be loaded, and waits until it accepts a WebSocket.

pub(super) mod endpoint;
pub(super) mod metrics;
pub(super) mod peer_rows;
pub(super) mod stranger;
pub(super) mod watched;

use super::outcome::StartError;
use crate::dialect::Dialect;
use crate::signaling::dial;
use crate::vocabulary::Failure;
use endpoint::Endpoints;
use std::time::{Duration, Instant};

/// The pause between two tries.
const TRY_EVERY: Duration = Duration::from_millis(250);

/// Checks the target against the policy, then waits for it, at most for `at_most`.
///
/// # Errors
/// The policy refuses the target, or its URL does not parse. A target that does not answer in time is no error.
pub(super) async fn reach_target(
    endpoints: &Endpoints,
    dialect: &Dialect,
    at_most: Duration,
) -> Result<(), StartError> {
    check_policy(endpoints, dialect).await?;
    wait_for_target(endpoints, dialect, at_most).await;
    Ok(())
}

/// Checks, without a connection, that the target may be loaded from here.
///
/// # Errors
/// As for a run that can't start.
pub fn check_target(endpoints: &Endpoints, dialect: &Dialect) -> Result<(), StartError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let checked = runtime.block_on(check_policy(endpoints, dialect));
    // Does not wait for a host name that is still being resolved.
    runtime.shutdown_background();
    checked
}

/// Refuses a target outside this machine and private networks, unless `--allow-target` names it.
async fn check_policy(endpoints: &Endpoints, dialect: &Dialect) -> Result<(), StartError> {
    let endpoint = endpoints.any(dialect).map_err(|error| StartError::Url(error.to_string()))?;
    endpoint.refused().await.map_or(Ok(()), |refused| Err(StartError::Barred(refused)))
}

/// Tries a WebSocket upgrade, unmeasured, until one succeeds or `at_most` has passed.
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
        tokio::time::sleep(TRY_EVERY).await;
    }
}
