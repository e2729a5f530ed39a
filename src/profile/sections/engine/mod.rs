//! `[engine]`: the WebRTC stack, its certificates and its ICE servers.

pub(crate) mod ice;

use crate::profile::section::Section;
use crate::vocabulary::{Certificates, EngineKind};
use ice::{IceServer, IceTransportPolicy};

#[derive(Clone, Debug, PartialEq)]
pub struct EngineChoice {
    pub kind: EngineKind,
    pub certificates: Certificates,
    /// Servers for candidates; empty for engines other than `webrtc`.
    pub ice_servers: Vec<IceServer>,
    pub ice_transport_policy: IceTransportPolicy,
}

pub(crate) fn check(root: &Section<'_>) -> EngineChoice {
    let section = root.section("engine");
    let kind = section.word(
        "kind",
        &[
            ("rtc", EngineKind::Rtc),
            ("lean", EngineKind::Lean),
            ("webrtc", EngineKind::Webrtc),
            ("none", EngineKind::None),
        ],
    );
    let ice_transport_policy = ice::policy(&section);
    let ice_servers = ice::servers(&section, kind, ice_transport_policy);
    let certificates =
        section.word("certificates", &[("shared", Certificates::Shared), ("per-peer", Certificates::PerPeer)]);
    EngineChoice { kind, certificates, ice_servers, ice_transport_policy }
}
