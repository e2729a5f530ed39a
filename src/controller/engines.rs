//! The engines of a worker's peers, with what they share.

use super::worker::Common;
use crate::engine::{Admission, Engine, Neighbourhood, NoneEngine, RtcEngine, RtcSetup};
use crate::vocabulary::choice::{Certificates, EngineKind};
use crate::vocabulary::failure::{Failure, Reason};
use crate::vocabulary::ids::Place;
use crate::vocabulary::phase::Phase;
use crate::vocabulary::seed::Seed;

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
    None,
    /// No certificate could be made: no peer of this worker can begin.
    Broken(String),
    /// What a test puts in their place.
    #[cfg(test)]
    Made(fn(Place) -> Box<dyn Engine>),
}

impl Engines {
    pub fn new(common: &Common) -> Self {
        let profile = &common.plan.profile;
        match profile.engine.kind {
            EngineKind::Rtc => match RtcSetup::certificate()
                .map_err(|error| error.to_string())
                .and_then(|certificate| Ok((certificate, admission(common)?)))
            {
                Ok((certificate, guests)) => Self::Rtc {
                    guests,
                    setup: Box::new(RtcSetup {
                        certificate,
                        neighbourhood: Neighbourhood::default(),
                        timeout: profile.handshake.timeout,
                        trickle: common.trickles(),
                        ordered: profile.messages.ordered,
                        reliability: profile.messages.reliability,
                        message_bytes_max: profile.messages.bytes_max.max(MESSAGE_BYTES_LEAST),
                    }),
                    certificates: profile.engine.certificates,
                },
                Err(why) => Self::Broken(why),
            },
            EngineKind::None => Self::None,
            EngineKind::Webrtc => Self::Broken("the webrtc engine isn't there yet".to_owned()),
        }
    }

    /// The engine of one peer; `seed` is what its passwords grow from.
    ///
    /// # Errors
    /// This machine has no descriptor or port left.
    pub fn open(&self, seed: Seed, place: Place, room_size: u16) -> Result<Box<dyn Engine>, Failure> {
        let limit = |detail: String| Failure::new(Phase::Connect, Reason::GeneratorLimit, detail);
        match self {
            Self::None => Ok(Box::new(NoneEngine::new(place.peer.0.into()))),
            Self::Rtc { setup, guests, certificates } => {
                let mut setup = (**setup).clone();
                if *certificates == Certificates::PerPeer {
                    setup.certificate = RtcSetup::certificate().map_err(|error| limit(error.to_string()))?;
                }
                let credentials = seed.stream("ice", place.peer.0.into());
                let engine = match guests {
                    None => RtcEngine::open(setup, room_size, credentials),
                    Some((guests, admission)) => {
                        RtcEngine::open_to_guests(setup, room_size, *guests, admission.clone(), credentials)
                    }
                };
                let engine = engine.map_err(|error| limit(format!("UDP socket: {error}")))?;
                Ok(Box::new(engine))
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
