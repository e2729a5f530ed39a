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
    let kind = kind(&section);
    let ice_transport_policy = ice::policy(&section);
    let ice_servers = ice::servers(&section, kind, ice_transport_policy);
    let certificates =
        section.word("certificates", &[("shared", Certificates::Shared), ("per-peer", Certificates::PerPeer)]);
    EngineChoice { kind, certificates, ice_servers, ice_transport_policy }
}

fn kind(section: &Section<'_>) -> EngineKind {
    // The default of earlier versions: profiles that name it say what replaces it.
    if section.shown("kind") == "\"rtc\"" {
        section.problem("kind", "the engine rtc is gone; write lean, which replaces it");
        return EngineKind::Lean;
    }
    let words = [("lean", EngineKind::Lean), ("webrtc", EngineKind::Webrtc), ("none", EngineKind::None)];
    section.word("kind", &words)
}
