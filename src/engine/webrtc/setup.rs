//! Settings of the engine `webrtc`, and those of the library that follow from them.

use super::gathering::Gathering;
use crate::engine::settings::EngineSettings;
use crate::vocabulary::Reliability;
use rtc::ice::mdns::MulticastDnsMode;
use rtc::peer_connection::certificate::CertificateParams;
use rtc::peer_connection::configuration::setting_engine::SctpMaxMessageSize;
use std::time::Duration;
use webrtc::data_channel::RTCDataChannelInit;
use webrtc::error::Error;
use webrtc::peer_connection::crypto::{SignatureScheme, default_provider};
use webrtc::peer_connection::{RTCCertificate, SettingEngine, SettingEngineBuilder};

/// Interval between connectivity checks. `webrtc` 0.21.1 keeps one pace until a check is answered, so a shorter interval
/// would cause a storm of checks behind a slow signaling server.
const CHECK_INTERVAL: Duration = Duration::from_millis(5);

/// Interval between consent checks, and the time from the last answer until consent ends (RFC 7675 §5.1). Without any
/// answer the library gives up its checks after the same time; a shorter `ice_timeout` is the connection's own.
const CONSENT_INTERVAL: Duration = Duration::from_secs(5);
const CONSENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings shared by the connections of a worker.
#[derive(Clone)]
pub struct WebrtcSetup {
    pub certificate: RTCCertificate,
    pub settings: EngineSettings,
    /// Bound of a message that is received, in bytes; `SctpMaxMessageSize` of the library.
    pub message_bytes_max: u32,
    pub gathering: Gathering,
}

impl WebrtcSetup {
    /// Creates the settings with a fresh certificate, and allows datagrams to the servers.
    ///
    /// # Errors
    /// A certificate can't be made.
    pub fn new(settings: EngineSettings, message_bytes_max: u32, gathering: Gathering) -> Result<Self, Error> {
        gathering.addresses().for_each(|address| settings.addresses.join(address));
        Ok(Self { certificate: Self::certificate()?, settings, message_bytes_max, gathering })
    }

    /// A fresh self-signed certificate, P-256.
    ///
    /// # Errors
    /// A certificate can't be made.
    pub fn certificate() -> Result<RTCCertificate, Error> {
        let other = |error: &dyn std::fmt::Display| Error::Other(error.to_string());
        let provider = default_provider().map_err(|error| other(&error))?;
        let params = CertificateParams::new(vec!["meshload".to_owned()]).map_err(|error| other(&error))?;
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
    }

    /// The channel as the profile's `[messages]` ask for it.
    pub(super) fn channel(&self) -> RTCDataChannelInit {
        let (max_retransmits, max_packet_life_time) = match self.settings.reliability {
            Reliability::Reliable => (None, None),
            Reliability::MaxRetransmits(times) => (Some(times), None),
            Reliability::MaxLifetime(millis) => (None, Some(millis)),
        };
        let ordered = self.settings.ordered;
        RTCDataChannelInit { ordered, max_packet_life_time, max_retransmits, ..RTCDataChannelInit::default() }
    }

    /// Time limit for an answer to the first checks: below the handshake's own, so that `ice_failed` is reported.
    pub(super) fn ice_timeout(&self) -> Duration {
        self.settings.timeout.mul_f64(0.9)
    }

    /// Settings of one connection. The library's defaults would add 200 to 600 ms to a handshake that takes 2 ms.
    pub(super) fn engine(&self, ufrag: String, password: String) -> SettingEngine {
        let zero = Some(Duration::ZERO);
        SettingEngineBuilder::new()
            .with_ice_credentials(ufrag, password)
            // Enough requests to last until the timeout.
            .with_ice_connection_attempts(Some(CHECK_INTERVAL), Some(u16::MAX))
            .with_ice_timeouts(Some(CONSENT_TIMEOUT / 2), Some(CONSENT_TIMEOUT / 2), Some(CONSENT_INTERVAL))
            // A check that overtakes its trickled candidate makes the other end peer-reflexive.
            .with_host_acceptance_min_wait(zero)
            .with_srflx_acceptance_min_wait(zero)
            .with_prflx_acceptance_min_wait(zero)
            .with_relay_acceptance_min_wait(zero)
            .with_include_loopback_candidate(true)
            .with_multicast_dns_mode(MulticastDnsMode::Disabled)
            // Nearly half of a connection's memory is one buffer of this size.
            .with_sctp_max_message_size(SctpMaxMessageSize::Bounded(self.message_bytes_max))
            .build()
    }
}
