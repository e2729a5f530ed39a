//! Settings of an `rtc` connection before it begins.

use super::setup::RtcSetup;
use crate::vocabulary::Reliability;
use rtc::data_channel::RTCDataChannelInit;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::configuration::setting_engine::{SctpMaxMessageSize, SettingEngine, SettingEngineBuilder};
use rtc::peer_connection::transport::RTCIceCandidateInit;
use std::net::SocketAddr;
use std::time::Duration;

/// The first pause between connectivity checks.
pub(super) const CHECK_PAUSE_FIRST: Duration = Duration::from_millis(2);

/// The channel as the profile's `[messages]` ask for it.
pub(crate) fn channel_init(setup: &RtcSetup) -> RTCDataChannelInit {
    let (max_retransmits, max_packet_life_time) = match setup.reliability {
        Reliability::Reliable => (None, None),
        Reliability::MaxRetransmits(times) => (Some(times), None),
        Reliability::MaxLifetime(millis) => (None, Some(millis)),
    };
    RTCDataChannelInit {
        ordered: setup.ordered,
        max_packet_life_time,
        max_retransmits,
        ..RTCDataChannelInit::default()
    }
}

/// Every default here that is not the library's: its own add 200 to 600 ms to a handshake that takes 2 ms.
pub(crate) fn settings(
    setup: &RtcSetup,
    check_pause: Duration,
    consent_interval: Duration,
    ufrag: String,
    password: String,
) -> SettingEngine {
    let zero = Some(Duration::ZERO);
    SettingEngineBuilder::new()
        .with_ice_credentials(ufrag, password)
        // Enough requests to last until the timeout, whatever the pace.
        .with_ice_connection_attempts(Some(check_pause), Some(u16::MAX))
        // Together below the handshake's timeout, or ice_failed would never show.
        .with_ice_timeouts(Some(setup.timeout.mul_f64(0.7)), Some(setup.timeout.mul_f64(0.2)), Some(consent_interval))
        // A check that overtakes its trickled candidate makes the other end peer-reflexive.
        .with_host_acceptance_min_wait(zero)
        .with_srflx_acceptance_min_wait(zero)
        .with_prflx_acceptance_min_wait(zero)
        .with_relay_acceptance_min_wait(zero)
        .with_include_loopback_candidate(true)
        .with_multicast_dns_mode(MulticastDnsMode::Disabled)
        // Nearly half of a connection's memory is one buffer of this size.
        .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(setup.message_bytes_max))
        .build()
}

/// The one candidate a peer has: its socket (RFC 8839 §5.1).
pub fn host_candidate(local: SocketAddr) -> String {
    format!("candidate:1 1 udp 2130706431 {} {} typ host", local.ip(), local.port())
}

pub(super) fn candidate_init(local: SocketAddr) -> RTCIceCandidateInit {
    RTCIceCandidateInit {
        candidate: host_candidate(local),
        sdp_mid: Some("0".to_owned()),
        sdp_mline_index: Some(0),
        ..RTCIceCandidateInit::default()
    }
}
