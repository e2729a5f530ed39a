//! The factory of a worker's engines, with the certificate and addresses that its peers share.

use super::super::context::RunContext;
use crate::engine::{
    CandidatePolicy, Engine, LeanEngine, LeanSetup, NoneEngine, PeerAddresses, RtcEngine, RtcSetup, WebrtcEngine,
    WebrtcSetup,
};
use crate::vocabulary::{Certificates, EngineKind, Failure, Phase, Place, Reason, Seed};
use std::sync::Arc;

/// The smallest SCTP max message size that is asked for, in bytes.
const MESSAGE_BYTES_LEAST: u32 = 4_096;

/// Opens one engine for each peer.
pub(super) enum Engines {
    Rtc {
        setup: Box<RtcSetup>,
        /// The guests to expect in a room, and the addresses that they may have; `None` expects no guest.
        guests: Option<(u16, CandidatePolicy)>,
        certificates: Certificates,
    },
    Lean {
        setup: Box<LeanSetup>,
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
    /// Prepares the engine of the profile; a failure makes `Broken`.
    pub(super) fn new(common: &RunContext) -> Self {
        let choice = &common.plan.profile.engine;
        if choice.kind == EngineKind::None {
            return Self::None;
        }
        if choice.kind == EngineKind::Lean {
            return match lean_setup(common).and_then(|setup| Ok((setup, guests(common)?))) {
                Ok((setup, guests)) => Self::Lean { setup: Box::new(setup), guests, certificates: choice.certificates },
                Err(why) => Self::Broken(why),
            };
        }
        let (setup, certificates) = match setup(common) {
            Ok(setup) => (setup, choice.certificates),
            Err(why) => return Self::Broken(why),
        };
        if choice.kind == EngineKind::Webrtc {
            let setup = Arc::new(WebrtcSetup::new(setup, common.gathering.clone()));
            return Self::Webrtc { setup, certificates };
        }
        match guests(common) {
            Ok(guests) => Self::Rtc { setup: Box::new(setup), guests, certificates },
            Err(why) => Self::Broken(why),
        }
    }

    /// Opens the engine of one peer; `seed` decides its ICE credentials.
    ///
    /// # Errors
    /// This machine has no descriptor or port left, or a certificate can't be made.
    pub(super) fn open(&self, seed: Seed, place: Place, room_size: u16) -> Result<Box<dyn Engine>, Failure> {
        let limit = |detail: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, detail);
        let credentials = || seed.stream("ice", place.peer.0.into());
        match self {
            Self::None => Ok(Box::new(NoneEngine::new(place.peer.0.into()))),
            Self::Rtc { setup, guests, certificates } => {
                let setup = setup_of_peer(setup, *certificates).map_err(limit)?;
                let engine = match guests {
                    None => RtcEngine::open(setup, room_size, credentials()),
                    Some((guests, policy)) => {
                        RtcEngine::open_to_guests(setup, room_size, *guests, policy.clone(), credentials())
                    }
                };
                let engine = engine.map_err(|error| limit(format!("UDP socket: {error}")))?;
                Ok(Box::new(engine))
            }
            Self::Lean { setup, guests, certificates } => {
                let mut setup = LeanSetup::clone(setup);
                if *certificates == Certificates::PerPeer {
                    setup.identity = LeanSetup::identity(place.peer.0.into()).map_err(|why| limit(why.to_owned()))?;
                }
                let engine = match guests {
                    None => LeanEngine::open(setup, room_size, credentials()),
                    Some((guests, policy)) => {
                        LeanEngine::open_to_guests(setup, room_size, *guests, policy.clone(), credentials())
                    }
                };
                let engine = engine.map_err(|error| limit(format!("UDP socket: {error}")))?;
                Ok(Box::new(engine))
            }
            Self::Webrtc { setup, certificates } => {
                let setup = match certificates {
                    Certificates::Shared => setup.clone(),
                    Certificates::PerPeer => {
                        let base = setup_of_peer(&setup.base, *certificates).map_err(limit)?;
                        Arc::new(WebrtcSetup { base, gathering: setup.gathering.clone() })
                    }
                };
                Ok(Box::new(WebrtcEngine::new(setup, room_size, credentials())))
            }
            Self::Broken(why) => Err(limit(why.clone())),
            #[cfg(test)]
            Self::Made(make) => Ok(make(place)),
        }
    }
}

/// The number of guests a room, and the addresses that they may have; `None` if no guest is expected.
///
/// # Errors
/// This machine has no route to the addresses of `--allow-candidates`.
fn guests(common: &RunContext) -> Result<Option<(u16, CandidatePolicy)>, String> {
    let guests = common.plan.profile.rooms.guests;
    if guests == 0 {
        return Ok(None);
    }
    let allowed = common.endpoints.as_ref().map(|endpoints| endpoints.target_policy().allowed_candidates.clone());
    let policy = CandidatePolicy::new(allowed.unwrap_or_default());
    policy.map(|policy| Some((guests, policy))).map_err(|error| format!("--allow-candidates: {error}"))
}

/// The setup that the peers of the worker share.
///
/// # Errors
/// A certificate can't be made.
fn setup(common: &RunContext) -> Result<RtcSetup, String> {
    let profile = &common.plan.profile;
    Ok(RtcSetup {
        certificate: RtcSetup::certificate().map_err(|error| error.to_string())?,
        addresses: PeerAddresses::default(),
        timeout: profile.handshake.timeout,
        trickle: common.trickles(),
        ordered: profile.messages.ordered,
        reliability: profile.messages.reliability,
        message_bytes_max: profile.messages.bytes_max.max(MESSAGE_BYTES_LEAST),
    })
}

fn lean_setup(common: &RunContext) -> Result<LeanSetup, String> {
    let profile = &common.plan.profile;
    Ok(LeanSetup {
        identity: LeanSetup::identity(0)?,
        addresses: PeerAddresses::default(),
        timeout: profile.handshake.timeout,
        trickle: common.trickles(),
        ordered: profile.messages.ordered,
        reliability: profile.messages.reliability,
    })
}

/// One peer's copy, with its own certificate for `engine.certificates = "per-peer"`.
///
/// # Errors
/// A certificate can't be made.
fn setup_of_peer(setup: &RtcSetup, certificates: Certificates) -> Result<RtcSetup, String> {
    let mut setup = setup.clone();
    if certificates == Certificates::PerPeer {
        setup.certificate = RtcSetup::certificate().map_err(|error| error.to_string())?;
    }
    Ok(setup)
}
