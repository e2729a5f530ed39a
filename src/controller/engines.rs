//! The engines of a worker's peers, with what they share.

use super::worker::Common;
use crate::engine::{Engine, Neighbourhood, NoneEngine, RtcEngine, RtcSetup, WebrtcEngine, WebrtcSetup};
use crate::vocabulary::choice::{Certificates, EngineKind};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Place;
use crate::vocabulary::phase::Phase;
use std::sync::Arc;

/// The least SCTP max message size that is asked for; in bytes.
const MESSAGE_BYTES_LEAST: u32 = 4_096;

/// Makes one engine a peer.
pub enum Engines {
    Rtc {
        setup: Box<RtcSetup>,
        certificates: Certificates,
    },
    Webrtc {
        setup: Arc<WebrtcSetup>,
        certificates: Certificates,
    },
    None,
    /// No certificate could be made: no peer of this worker can begin.
    Broken(String),
    /// What a test puts in their place.
    #[cfg(test)]
    Made(fn(Place) -> Box<dyn Engine>),
}

impl Engines {
    pub fn new(common: &Common) -> Self {
        let choice = &common.plan.profile.engine;
        if choice.kind == EngineKind::None {
            return Self::None;
        }
        let (setup, certificates) = match setup(common) {
            Ok(setup) => (setup, choice.certificates),
            Err(why) => return Self::Broken(why),
        };
        if choice.kind == EngineKind::Webrtc {
            let setup = Arc::new(WebrtcSetup::new(setup, common.gathering.clone()));
            return Self::Webrtc { setup, certificates };
        }
        Self::Rtc { setup: Box::new(setup), certificates }
    }

    /// The engine of one peer.
    ///
    /// # Errors
    /// This machine has no descriptor or port left.
    pub fn open(&self, common: &Common, place: Place, room_size: u16) -> Result<Box<dyn Engine>, Failure> {
        let limit = |detail: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, detail);
        let credentials = || common.plan.seed.stream("ice", place.peer.0.into());
        match self {
            Self::None => Ok(Box::new(NoneEngine::new(place.peer.0.into()))),
            Self::Rtc { setup, certificates } => {
                let setup = own(setup, *certificates).map_err(limit)?;
                let engine = RtcEngine::open(setup, room_size, credentials())
                    .map_err(|error| limit(format!("UDP socket: {error}")))?;
                Ok(Box::new(engine))
            }
            Self::Webrtc { setup, certificates } => {
                let setup = match certificates {
                    Certificates::Shared => setup.clone(),
                    Certificates::PerPeer => {
                        let base = own(&setup.base, *certificates).map_err(limit)?;
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

fn setup(common: &Common) -> Result<RtcSetup, String> {
    let profile = &common.plan.profile;
    Ok(RtcSetup {
        certificate: RtcSetup::certificate().map_err(|error| error.to_string())?,
        neighbourhood: Neighbourhood::default(),
        timeout: profile.handshake.timeout,
        trickle: common.trickles(),
        ordered: profile.messages.ordered,
        reliability: profile.messages.reliability,
        message_bytes_max: profile.messages.bytes_max.max(MESSAGE_BYTES_LEAST),
    })
}

/// One peer's copy, with a certificate of its own where it is to have one.
fn own(setup: &RtcSetup, certificates: Certificates) -> Result<RtcSetup, String> {
    let mut setup = setup.clone();
    if certificates == Certificates::PerPeer {
        setup.certificate = RtcSetup::certificate().map_err(|error| error.to_string())?;
    }
    Ok(setup)
}
