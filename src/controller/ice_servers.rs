//! Before a run: the STUN and TURN servers of its engine, by address, if they may be asked.

use super::outcome::StartError;
use crate::engine::Gathering;
use crate::profile::EngineChoice;
use crate::signaling::{Refused, TargetPolicy, resolve};

/// Where the peers of a run get their candidates. Resolved once, so that what is looked at is what is asked.
///
/// # Errors
/// A server may not be asked, has no address, or can't be reached from here.
pub async fn gathering(engine: &EngineChoice, reach: &TargetPolicy) -> Result<Gathering, StartError> {
    let mut asked = vec![];
    for server in &engine.ice_servers {
        let host = &server.host;
        let told = |why: String| StartError::IceServer(format!("{host}: {why}"));
        let addresses = resolve(host, server.port).await.map_err(|failure| told(failure.detail.into_owned()))?;
        if let Some(far) = addresses.iter().find(|address| !reach.allows(host, address.ip())) {
            return Err(StartError::Barred(Refused::Public { host: host.clone(), address: far.ip() }));
        }
        // Peers bind IPv4 wherever there is a choice.
        let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        asked.push((*address.ok_or_else(|| told("no address".to_owned()))?, server.login.clone()));
    }
    Gathering::new(asked, engine.ice_transport_policy)
        .map_err(|error| StartError::IceServer(format!("no way to a server: {error}")))
}
