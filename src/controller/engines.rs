//! The engines of a worker's peers, with what they share.

use super::worker::Common;
use crate::engine::{
    Admission, Engine, LeanEngine, LeanSetup, Neighbourhood, NoneEngine, RtcEngine, RtcSetup, WebrtcEngine, WebrtcSetup,
};
use crate::vocabulary::choice::{Certificates, EngineKind};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Place;
use crate::vocabulary::phase::Phase;
use crate::vocabulary::seed::Seed;
use std::sync::Arc;

/// The least SCTP max message size that is asked for; in bytes.
const MESSAGE_BYTES_LEAST: u32 = 4_096;

/// Makes one engine a peer.
pub enum Engines {
    Rtc {
        setup: Box<RtcSetup>,
        /// How many to expect in a room, and from where; none where no guest is expected.
        guests: Option<(u16, Admission)>,
        certificates: Certificates,
    },
    Lean {
        setup: Box<LeanSetup>,
        guests: Option<(u16, Admission)>,
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
        if choice.kind == EngineKind::Lean {
            return match lean_setup(common).and_then(|setup| Ok((setup, admission(common)?))) {
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
        match admission(common) {
            Ok(guests) => Self::Rtc { setup: Box::new(setup), guests, certificates },
            Err(why) => Self::Broken(why),
        }
    }

    /// The engine of one peer; `seed` is what its passwords grow from.
    ///
    /// # Errors
    /// This machine has no descriptor or port left.
    pub fn open(&self, seed: Seed, place: Place, room_size: u16) -> Result<Box<dyn Engine>, Failure> {
        let limit = |detail: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, detail);
        let credentials = || seed.stream("ice", place.peer.0.into());
        match self {
            Self::None => Ok(Box::new(NoneEngine::new(place.peer.0.into()))),
            Self::Rtc { setup, guests, certificates } => {
                let setup = own(setup, *certificates).map_err(limit)?;
                let engine = match guests {
                    None => RtcEngine::open(setup, room_size, credentials()),
                    Some((guests, admission)) => {
                        RtcEngine::open_to_guests(setup, room_size, *guests, admission.clone(), credentials())
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
                    Some((guests, admission)) => {
                        LeanEngine::open_to_guests(setup, room_size, *guests, admission.clone(), credentials())
                    }
                };
                let engine = engine.map_err(|error| limit(format!("UDP socket: {error}")))?;
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

/// From where guests may come, if any are expected.
///
/// # Errors
/// Nothing leads from this machine to where they may be.
fn admission(common: &Common) -> Result<Option<(u16, Admission)>, String> {
    let guests = common.plan.profile.rooms.guests;
    if guests == 0 {
        return Ok(None);
    }
    let allowed = common.endpoints.as_ref().map(|endpoints| endpoints.reach().allowed_candidates.clone());
    let admission = Admission::new(allowed.unwrap_or_default());
    admission.map(|admission| Some((guests, admission))).map_err(|error| format!("--allow-candidates: {error}"))
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

fn lean_setup(common: &Common) -> Result<LeanSetup, String> {
    let profile = &common.plan.profile;
    Ok(LeanSetup {
        identity: LeanSetup::identity(0)?,
        neighbourhood: Neighbourhood::default(),
        timeout: profile.handshake.timeout,
        trickle: common.trickles(),
        ordered: profile.messages.ordered,
        reliability: profile.messages.reliability,
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
