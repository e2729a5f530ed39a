//! The factory of a worker's engines, with the certificate and addresses that its peers share.

use super::super::context::RunContext;
use crate::engine::{
    CandidatePolicy, Engine, EngineSettings, LeanEngine, LeanSetup, NoneEngine, PeerAddresses, WebrtcEngine,
    WebrtcSetup,
};
use crate::profile::Scenario;
use crate::vocabulary::{Certificates, EngineKind, Failure, Phase, Place, Reason, Seed};
use std::sync::Arc;

/// The smallest SCTP max message size that is asked for, in bytes.
const MESSAGE_BYTES_LEAST: u32 = 4_096;

/// Opens one engine for each peer.
pub(super) enum Engines {
    Lean {
        setup: LeanSetup,
        /// The guests to expect in a room, and the addresses that they may have; `None` expects no guest.
        guests: Option<(u16, CandidatePolicy)>,
        certificates: Certificates,
    },
    Webrtc {
        setup: Arc<WebrtcSetup>,
        certificates: Certificates,
    },
    None,
    /// The setup failed, for this reason; all peers of this worker fail.
    Broken(String),
    /// Engines of a test.
    #[cfg(test)]
    Made(fn(Place) -> Box<dyn Engine>),
}

impl Engines {
    /// Prepares the engines of one scenario; a failure makes `Broken`.
    pub(super) fn new(common: &RunContext, scenario: &Scenario) -> Self {
        let made = match common.plan.profile.engine.kind {
            EngineKind::None => Ok(Self::None),
            EngineKind::Lean => lean(common, scenario),
            EngineKind::Webrtc => webrtc(common, scenario),
        };
        made.unwrap_or_else(Self::Broken)
    }

    /// Opens the engine of one peer; `seed` decides its ICE credentials.
    ///
    /// # Errors
    /// This machine has no descriptor or port left, or a certificate can't be made.
    pub(super) fn open(&self, seed: Seed, place: Place, room_size: u16) -> Result<Box<dyn Engine>, Failure> {
        let limit = |detail: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, detail);
        let draws = || seed.stream("ice", place.peer.0.into());
        match self {
            Self::None => Ok(Box::new(NoneEngine::new(place.peer.0.into()))),
            Self::Lean { setup, guests, certificates } => {
                let mut setup = setup.clone();
                if *certificates == Certificates::PerPeer {
                    setup.identity = LeanSetup::identity(place.peer.0.into()).map_err(|why| limit(why.to_owned()))?;
                }
                let engine = LeanEngine::open(setup, room_size, guests.clone(), draws());
                Ok(Box::new(engine.map_err(|error| limit(format!("UDP socket: {error}")))?))
            }
            Self::Webrtc { setup, certificates } => {
                let mut setup = setup.clone();
                if *certificates == Certificates::PerPeer {
                    let certificate = WebrtcSetup::certificate().map_err(|error| limit(error.to_string()))?;
                    setup = Arc::new(WebrtcSetup { certificate, ..WebrtcSetup::clone(&setup) });
                }
                Ok(Box::new(WebrtcEngine::new(setup, room_size, draws())))
            }
            Self::Broken(why) => Err(limit(why.clone())),
            #[cfg(test)]
            Self::Made(make) => Ok(make(place)),
        }
    }
}

fn lean(common: &RunContext, scenario: &Scenario) -> Result<Engines, String> {
    let setup = LeanSetup::new(settings(common, scenario))?;
    Ok(Engines::Lean {
        setup,
        guests: guests(common, scenario.rooms.guests)?,
        certificates: common.plan.profile.engine.certificates,
    })
}

fn webrtc(common: &RunContext, scenario: &Scenario) -> Result<Engines, String> {
    let bytes_max = scenario.messages.bytes_max.max(MESSAGE_BYTES_LEAST);
    let setup = WebrtcSetup::new(settings(common, scenario), bytes_max, common.gathering.clone());
    let setup = Arc::new(setup.map_err(|error| error.to_string())?);
    Ok(Engines::Webrtc { setup, certificates: common.plan.profile.engine.certificates })
}

fn settings(common: &RunContext, scenario: &Scenario) -> EngineSettings {
    EngineSettings {
        addresses: PeerAddresses::default(),
        timeout: scenario.handshake.timeout,
        trickle: common.trickles(scenario),
        ordered: scenario.messages.ordered,
        reliability: scenario.messages.reliability,
    }
}

/// The number of `guests` a room, and the addresses that they may have; `None` if no guest is expected.
///
/// # Errors
/// This machine has no route to the addresses of `--allow-candidates`.
fn guests(common: &RunContext, guests: u16) -> Result<Option<(u16, CandidatePolicy)>, String> {
    if guests == 0 {
        return Ok(None);
    }
    let allowed = common.endpoints.first().map(|endpoints| endpoints.target_policy().allowed_candidates.clone());
    let policy = CandidatePolicy::new(allowed.unwrap_or_default());
    policy.map(|policy| Some((guests, policy))).map_err(|error| format!("--allow-candidates: {error}"))
}
