//! The settings shared with the default engine, and the STUN and TURN servers beside them.

use super::gathering::Gathering;
use crate::engine::rtc::RtcSetup;

/// What the connections of a worker have in common.
pub struct WebrtcSetup {
    pub base: RtcSetup,
    pub gathering: Gathering,
}

impl WebrtcSetup {
    /// The servers are among those that datagrams may go to.
    pub fn new(base: RtcSetup, gathering: Gathering) -> Self {
        gathering.addresses().for_each(|address| base.neighbourhood.join(address));
        Self { base, gathering }
    }
}
