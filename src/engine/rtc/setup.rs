//! Certificate, channel and timeout settings, the same for every connection of a worker.

use crate::engine::peer_addresses::PeerAddresses;
use crate::vocabulary::Reliability;
use rtc::crypto::{SignatureScheme, default_provider};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::shared::error::Error;
use std::time::Duration;

/// The part that all connections of a worker share.
#[derive(Clone)]
pub struct RtcSetup {
    pub certificate: RTCCertificate,
    pub addresses: PeerAddresses,
    /// The handshake's; ICE gives up before it.
    pub timeout: Duration,
    pub trickle: bool,
    pub ordered: bool,
    pub reliability: Reliability,
    /// The largest message of the run.
    pub message_bytes_max: u32,
}

impl RtcSetup {
    /// A fresh self-signed certificate, P-256: making one costs as much as a tenth of a handshake.
    pub fn certificate() -> Result<RTCCertificate, Error> {
        let provider = default_provider().map_err(|error| Error::Other(error.to_string()))?;
        let params =
            CertificateParams::new(vec!["meshload".to_owned()]).map_err(|error| Error::Other(error.to_string()))?;
        RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
    }
}
