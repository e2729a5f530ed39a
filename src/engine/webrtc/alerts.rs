//! Detection of DTLS handshake failures by alert records, which `webrtc` 0.21.1 does not report.

const ALERT: u8 = 21;

/// True for a DTLS alert record of epoch 0, which during the handshake means its failure (RFC 6347 §4.1).
pub(super) fn is_plain_alert(datagram: &[u8]) -> bool {
    datagram.first() == Some(&ALERT) && datagram.get(3..5) == Some(&[0, 0])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_of_a_running_handshake_is_told_from_all_else() {
        assert!(is_plain_alert(&[21, 254, 253, 0, 0, 0, 0]));
        assert!(!is_plain_alert(&[21, 254, 253, 0, 1, 0, 0]), "encrypted: a goodbye");
        assert!(!is_plain_alert(&[22, 254, 253, 0, 0, 0, 0]), "a handshake record");
        assert!(!is_plain_alert(&[21, 254]));
    }
}
