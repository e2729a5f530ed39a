//! Settings of the engine `webrtc`: those of the engine `rtc`, and the STUN and TURN servers.

use super::gathering::Gathering;
use crate::engine::rtc::RtcSetup;

/// Settings shared by the connections of a worker.
pub struct WebrtcSetup {
    pub base: RtcSetup,
    pub gathering: Gathering,
}

impl WebrtcSetup {
    /// Creates the settings, and allows datagrams to the servers.
    pub fn new(base: RtcSetup, gathering: Gathering) -> Self {
        gathering.addresses().for_each(|address| base.addresses.join(address));
        Self { base, gathering }
    }
}
