//! Resolves the STUN and TURN servers of the `webrtc` engine, and checks that they may be contacted.

use super::outcome::StartError;
use crate::engine::Gathering;
use crate::profile::EngineChoice;
use crate::signaling::{Refused, TargetPolicy, resolve};

/// Resolves the engine's ICE servers, once for a run: the address that the policy checks is the one that peers use.
///
/// # Errors
/// The policy refuses a server, or a server has no address, or this machine has no route to it.
pub async fn gathering(engine: &EngineChoice, reach: &TargetPolicy) -> Result<Gathering, StartError> {
    let mut servers = vec![];
    for server in &engine.ice_servers {
        let host = &server.host;
        let error = |why: String| StartError::IceServer(format!("{host}: {why}"));
        let addresses = resolve(host, server.port).await.map_err(|failure| error(failure.detail.into_owned()))?;
        if let Some(far) = addresses.iter().find(|address| !reach.allows(host, address.ip())) {
            return Err(StartError::Barred(Refused::Public { host: host.clone(), address: far.ip() }));
        }
        // Peers bind IPv4 where a server has both.
        let address = addresses.iter().find(|address| address.is_ipv4()).or(addresses.first());
        servers.push((*address.ok_or_else(|| error("no address".to_owned()))?, server.login.clone()));
    }
    Gathering::new(servers, engine.ice_transport_policy)
        .map_err(|error| StartError::IceServer(format!("no way to a server: {error}")))
}
