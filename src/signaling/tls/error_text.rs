//! Texts for TLS errors, with the option that resolves each.

use rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// Describes an error without per-peer details, so that equal failures are counted together.
pub(crate) fn in_words(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(error) => certificate(error),
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => {
            "no TLS at that port; a plain server is ws://".to_owned()
        }
        Error::AlertReceived(alert) => refused(*alert),
        Error::InconsistentKeys(_) => "the key is not that of the certificate".to_owned(),
        other => other.to_string(),
    }
}

fn certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the certificate has expired; --insecure takes it".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the certificate is not valid yet; --insecure takes it".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the certificate is for another name; --insecure takes it".to_owned()
        }
        // `BadSignature`: an authority of the same name with another key, such as a renewed one.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the certificate's issuer is not trusted; --ca FILE adds it, --insecure takes any".to_owned()
        }
        // webpki reports a self-signed certificate that claims to be an authority as `CaUsedAsEndEntity`.
        other if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            "the certificate is an authority's own; --insecure takes it".to_owned()
        }
        other => format!("the certificate is unfit: {other}"),
    }
}

/// Describes the alert with which the server ended the handshake (RFC 8446 §6.2).
fn refused(alert: AlertDescription) -> String {
    match alert {
        AlertDescription::CertificateRequired => {
            "the server wants a client certificate: --cert FILE --key FILE".to_owned()
        }
        AlertDescription::BadCertificate
        | AlertDescription::UnknownCA
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::AccessDenied => format!("the server refused the client certificate: {alert:?}"),
        AlertDescription::HandshakeFailure => {
            "the server ended the handshake; it may want --cert FILE --key FILE".to_owned()
        }
        AlertDescription::ProtocolVersion => "the server has neither TLS 1.2 nor 1.3".to_owned(),
        AlertDescription::UnrecognisedName => "the server knows no such name".to_owned(),
        other => format!("the server ended the handshake: {other:?}"),
    }
}
