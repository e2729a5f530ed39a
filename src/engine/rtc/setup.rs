//! Certificate, channel and timeout settings, the same for every connection of a worker.

use crate::engine::neighbourhood::Neighbourhood;
use crate::vocabulary::choice::Reliability;
use rtc::crypto::{SignatureScheme, default_provider};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use rtc::shared::error::Error;
use std::time::Duration;

/// What the connections of a worker have in common.
#[derive(Clone)]
pub struct RtcSetup {
    pub certificate: RTCCertificate,
    pub neighbourhood: Neighbourhood,
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
