//! The parts of DER and X.509 that a self-signed certificate needs (RFC 5280 §4.1).

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
/// `[0] EXPLICIT`: a certificate's version.
const VERSION: u8 = 0xa0;

/// 1.2.840.10045.2.1 id-ecPublicKey, 1.2.840.10045.3.1.7 prime256v1, 1.2.840.10045.4.3.2 ecdsa-with-SHA256, in DER.
const EC_PUBLIC_KEY: &[u8] = &[0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const ECDSA_SHA256: &[u8] = &[SEQUENCE, 10, 0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
/// 1.2.840.113549.1.1.1 rsaEncryption.
const RSA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// `CN=meshload`, and from 2020 to 2049: no end checks either, as trust rests on the fingerprint (RFC 8827 §6.5).
const NAME: &[u8] = b"\x30\x13\x31\x11\x30\x0f\x06\x03\x55\x04\x03\x0c\x08meshload";
const VALIDITY: &[u8] = b"\x30\x1e\x17\x0d200101000000Z\x17\x0d491231235959Z";

/// A P-256 point, uncompressed: 4, x, y; in bytes.
pub(crate) const POINT_BYTES: usize = 65;

/// The part of a certificate that is signed: TBSCertificate, version 3, without extensions.
pub(crate) fn certificate_body(serial: u64, point: &[u8]) -> Vec<u8> {
    // The serial is positive and in its shortest form for every `serial`.
    let serial = (serial >> 2 | 1 << 62).to_be_bytes();
    let algorithm = element(SEQUENCE, &[EC_PUBLIC_KEY, P256]);
    let key = element(SEQUENCE, &[&algorithm, &element(BIT_STRING, &[&[0], point])]);
    let version = element(VERSION, &[&[INTEGER, 1, 2]]);
    element(SEQUENCE, &[&version, &element(INTEGER, &[&serial]), ECDSA_SHA256, NAME, VALIDITY, NAME, &key])
}

pub(crate) fn certificate(body: &[u8], signature: &[u8]) -> Vec<u8> {
    element(SEQUENCE, &[body, ECDSA_SHA256, &element(BIT_STRING, &[&[0], signature])])
}

fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = vec![tag];
    match length {
        0..=0x7f => bytes.push(length as u8),
        0x80..=0xff => bytes.extend_from_slice(&[0x81, length as u8]),
        _ => bytes.extend_from_slice(&[0x82, (length >> 8) as u8, length as u8]),
    }
    parts.iter().for_each(|part| bytes.extend_from_slice(part));
    bytes
}

/// The P-256 point of a certificate of any version.
///
/// # Errors
/// It is no certificate, or its key is of another kind.
pub(crate) fn p256_key(certificate: &[u8]) -> Result<&[u8; POINT_BYTES], &'static str> {
    let (algorithm, key) = key_info(certificate).ok_or("the certificate cannot be read")?;
    if algorithm.starts_with(RSA) {
        return Err("the certificate's key is RSA; only ECDSA with P-256 is spoken");
    }
    let point = algorithm.strip_prefix(EC_PUBLIC_KEY).and_then(|curve| curve.strip_prefix(P256)).map(|_| key);
    let point = point.and_then(|key| key.strip_prefix(&[0])).filter(|point| point.first() == Some(&4));
    let point = point.and_then(|point| point.try_into().ok());
    point.ok_or("the certificate's key is not of P-256; only ECDSA with P-256 is spoken")
}

/// The bodies of the algorithm and of the bit string of SubjectPublicKeyInfo.
fn key_info(certificate: &[u8]) -> Option<(&[u8], &[u8])> {
    let (body, _) = expect(certificate, SEQUENCE)?;
    let (mut rest, _) = expect(body, SEQUENCE)?;
    // A version 1 certificate has no version field.
    if rest.first() == Some(&VERSION) {
        rest = any(rest)?.2;
    }
    // Serial, signature algorithm, issuer, validity, subject.
    for _ in 0..5 {
        rest = any(rest)?.2;
    }
    let (info, _) = expect(rest, SEQUENCE)?;
    let (algorithm, rest) = expect(info, SEQUENCE)?;
    Some((algorithm, expect(rest, BIT_STRING)?.0))
}

fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, body, rest) = any(bytes)?;
    (found == tag).then_some((body, rest))
}

/// Splits off one element: its tag, its body and the rest; lengths up to 65,535.
fn any(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?])), &rest[2..]),
        _ => return None,
    };
    let (body, rest) = rest.split_at_checked(length)?;
    Some((*tag, body, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> Vec<u8> {
        let mut point = [9; POINT_BYTES];
        point[0] = 4;
        certificate(&certificate_body(u64::MAX, &point), &[1; 70])
    }

    #[test]
    fn a_certificate_of_version_1_and_one_cut_off_are_told_apart() {
        let whole = made();
        assert_eq!(p256_key(&whole).unwrap()[1], 9);
        let (body, rest) = expect(&whole, SEQUENCE).map(|(body, _)| expect(body, SEQUENCE).unwrap()).unwrap();
        let version_1 = element(SEQUENCE, &[&element(SEQUENCE, &[&body[5..]]), rest]);
        assert_eq!(p256_key(&version_1).unwrap()[1], 9);
        for length in 0..whole.len() {
            assert!(p256_key(&whole[..length]).is_err(), "{length} bytes of it");
        }
    }

    #[test]
    fn an_rsa_key_is_named() {
        let key = element(SEQUENCE, &[&element(SEQUENCE, &[RSA, &[5, 0]]), &element(BIT_STRING, &[&[0; 20]])]);
        let body = element(SEQUENCE, &[&[INTEGER, 1, 1], ECDSA_SHA256, NAME, VALIDITY, NAME, &key]);
        assert!(p256_key(&certificate(&body, &[0; 8])).unwrap_err().contains("RSA"));
    }
}
