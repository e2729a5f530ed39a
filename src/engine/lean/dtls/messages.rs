//! The handshake messages of TLS 1.2 with ECDHE and ECDSA (RFC 5246 §7.4, RFC 8422 §5, RFC 6347 §4.2).

use super::bytes::{Reader, write_vec};
use super::fault::Fault;
use super::prf::Random;
use super::record::VERSION;

/// Message types (RFC 5246 §7.4, RFC 6347 §4.3.2).
pub(super) mod kind {
    pub(crate) const HELLO_REQUEST: u8 = 0;
    pub(crate) const CLIENT_HELLO: u8 = 1;
    pub(crate) const SERVER_HELLO: u8 = 2;
    pub(crate) const HELLO_VERIFY_REQUEST: u8 = 3;
    pub(crate) const CERTIFICATE: u8 = 11;
    pub(crate) const SERVER_KEY_EXCHANGE: u8 = 12;
    pub(crate) const CERTIFICATE_REQUEST: u8 = 13;
    pub(crate) const SERVER_HELLO_DONE: u8 = 14;
    pub(crate) const CERTIFICATE_VERIFY: u8 = 15;
    pub(crate) const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub(crate) const FINISHED: u8 = 20;
}

/// Extension types.
mod extension {
    pub(super) const SUPPORTED_GROUPS: u16 = 10;
    pub(super) const POINT_FORMATS: u16 = 11;
    pub(super) const SIGNATURE_ALGORITHMS: u16 = 13;
    pub(super) const USE_SRTP: u16 = 14;
    pub(super) const EXTENDED_MASTER_SECRET: u16 = 23;
    pub(super) const RENEGOTIATION_INFO: u16 = 0xff01;
}

/// TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, which every WebRTC end must support (RFC 8827 §6.5).
const SUITE: u16 = 0xc02b;
/// TLS_EMPTY_RENEGOTIATION_INFO_SCSV (RFC 5746 §3.3).
const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// ecdsa_secp256r1_sha256 (RFC 8446 §4.2.3).
const ECDSA_SHA256: u16 = 0x0403;
const ECDSA_SIGN: u8 = 64;
const NAMED_CURVE: u8 = 3;

/// SRTP_AES128_CM_HMAC_SHA1_80 (RFC 5764 §4.1.2). Connections carry no media, but aiortc, werift and rtc 0.21 reject an
/// end that agrees on no profile.
const SRTP_PROFILE: u16 = 1;

const SECP256R1: u16 = 23;
const X25519: u16 = 29;

/// The group of a key agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NamedGroup {
    P256,
    X25519,
}

impl NamedGroup {
    /// All groups in order of preference: with ring a key and an agreement take 56 µs on P-256 and 61 µs on X25519.
    const ALL: [Self; 2] = [Self::P256, Self::X25519];

    fn number(self) -> u16 {
        match self {
            Self::P256 => SECP256R1,
            Self::X25519 => X25519,
        }
    }
}

/// The parts of a ClientHello that the handshake uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub random: Random,
    pub group: NamedGroup,
    pub extended: bool,
    pub secure_renegotiation: bool,
    /// The first SRTP profile offered.
    pub srtp_profile: Option<u16>,
}

impl ClientHello {
    pub(super) fn write(body: &mut Vec<u8>, random: &Random, cookie: &[u8]) {
        body.extend_from_slice(&VERSION);
        body.extend_from_slice(random);
        write_vec::<1>(body, |_| {});
        write_vec::<1>(body, |body| body.extend_from_slice(cookie));
        write_vec::<2>(body, |body| put_u16(body, SUITE));
        write_vec::<1>(body, |body| body.push(0));
        write_vec::<2>(body, |body| {
            write_extension(body, extension::SUPPORTED_GROUPS, |body| {
                write_vec::<2>(body, |body| NamedGroup::ALL.iter().for_each(|group| put_u16(body, group.number())));
            });
            write_extension(body, extension::POINT_FORMATS, |body| body.extend_from_slice(&[1, 0]));
            write_extension(body, extension::SIGNATURE_ALGORITHMS, |body| {
                write_vec::<2>(body, |body| put_u16(body, ECDSA_SHA256));
            });
            write_srtp_profile(body, SRTP_PROFILE);
            write_extension(body, extension::EXTENDED_MASTER_SECRET, |_| {});
            write_extension(body, extension::RENEGOTIATION_INFO, |body| body.push(0));
        });
    }

    /// # Errors
    /// It is malformed, or offers nothing that this stack supports.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader(body);
        let mut fields = || {
            let version: [u8; 2] = reader.array()?;
            let random = reader.array()?;
            let (_session, _cookie) = (reader.vec8()?, reader.vec8()?);
            Some((version, random, reader.vec16()?, reader.vec8()?))
        };
        let (version, random, suites, compressions) = fields().ok_or(Fault::malformed("ClientHello"))?;
        // Versions count down from 255 (RFC 6347 §4.1).
        if version[0] != 254 || version[1] > VERSION[1] {
            return Err(Fault::version());
        }
        let (mut groups, mut signatures, mut srtp_profile) = (None, None, None);
        let (mut extended, mut secure_renegotiation) = (false, suites.has_u16(RENEGOTIATION_SCSV));
        each_extension(reader, |kind, mut value| match kind {
            extension::SUPPORTED_GROUPS => groups = value.vec16(),
            extension::SIGNATURE_ALGORITHMS => signatures = value.vec16(),
            extension::USE_SRTP => srtp_profile = value.vec16().and_then(|mut profiles| profiles.u16()),
            extension::EXTENDED_MASTER_SECRET => extended = true,
            extension::RENEGOTIATION_INFO => secure_renegotiation = true,
            _ => {}
        })
        .ok_or(Fault::malformed("ClientHello"))?;
        if !suites.has_u16(SUITE) || !compressions.0.contains(&0) {
            return Err(Fault::nothing_in_common("no ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 in the ClientHello"));
        }
        if signatures.is_some_and(|signatures| !signatures.has_u16(ECDSA_SHA256)) {
            return Err(Fault::nothing_in_common("no ECDSA with SHA-256 in the ClientHello"));
        }
        // Without the extension any group may be chosen (RFC 8422 §4).
        let offers = |group: &&NamedGroup| groups.is_none_or(|groups| groups.has_u16(group.number()));
        let group = NamedGroup::ALL.iter().find(offers);
        let group = *group.ok_or(Fault::nothing_in_common("neither P-256 nor X25519 in the ClientHello"))?;
        Ok(Self { random, group, extended, secure_renegotiation, srtp_profile })
    }
}

/// The parts of a ServerHello that the handshake uses.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub random: Random,
    pub extended: bool,
}

impl ServerHello {
    pub(super) fn write(body: &mut Vec<u8>, random: &Random, hello: &ClientHello) {
        body.extend_from_slice(&VERSION);
        body.extend_from_slice(random);
        write_vec::<1>(body, |_| {});
        put_u16(body, SUITE);
        body.push(0);
        write_vec::<2>(body, |body| {
            write_extension(body, extension::POINT_FORMATS, |body| body.extend_from_slice(&[1, 0]));
            if let Some(profile) = hello.srtp_profile {
                write_srtp_profile(body, profile);
            }
            if hello.extended {
                write_extension(body, extension::EXTENDED_MASTER_SECRET, |_| {});
            }
            if hello.secure_renegotiation {
                write_extension(body, extension::RENEGOTIATION_INFO, |body| body.push(0));
            }
        });
    }

    /// # Errors
    /// It is malformed, or chose an option that was not offered.
    pub(super) fn read(body: &[u8]) -> Result<Self, Fault> {
        let mut reader = Reader(body);
        let mut fields = || {
            let version: [u8; 2] = reader.array()?;
            let random = reader.array()?;
            let _session = reader.vec8()?;
            Some((version, random, reader.u16()?, reader.u8()?))
        };
        let (version, random, suite, compression) = fields().ok_or(Fault::malformed("ServerHello"))?;
        if version != VERSION {
            return Err(Fault::version());
        }
        if suite != SUITE || compression != 0 {
            return Err(Fault::illegal("the ServerHello chose a cipher suite that was not offered"));
        }
        let mut extended = false;
        each_extension(reader, |kind, _| extended |= kind == extension::EXTENDED_MASTER_SECRET)
            .ok_or(Fault::malformed("ServerHello"))?;
        Ok(Self { random, extended })
    }
}

/// Reads the cookie of a HelloVerifyRequest.
pub(super) fn read_cookie(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader(body);
    let _version = reader.u16()?;
    reader.vec8().map(|cookie| cookie.0)
}

pub(super) fn write_certificate(body: &mut Vec<u8>, certificate: &[u8]) {
    write_vec::<3>(body, |body| write_vec::<3>(body, |body| body.extend_from_slice(certificate)));
}

/// Reads the first certificate of a chain, which is the end's own.
///
/// # Errors
/// It is malformed, or empty.
pub(super) fn read_certificate(body: &[u8]) -> Result<&[u8], Fault> {
    let mut chain = Reader(body).vec24().ok_or(Fault::malformed("Certificate"))?;
    if chain.0.is_empty() {
        return Err(Fault::certificate("the other end has no certificate"));
    }
    chain.vec24().map(|certificate| certificate.0).ok_or(Fault::malformed("Certificate"))
}

/// Writes the parameters that a ServerKeyExchange signs (RFC 8422 §5.4).
pub(super) fn write_share(body: &mut Vec<u8>, group: NamedGroup, point: &[u8]) {
    body.push(NAMED_CURVE);
    put_u16(body, group.number());
    write_vec::<1>(body, |body| body.extend_from_slice(point));
}

/// A ServerKeyExchange.
pub(super) struct KeyExchange<'a> {
    pub group: NamedGroup,
    pub point: &'a [u8],
    /// The parameters that the signature covers.
    pub signed: &'a [u8],
    pub signature: &'a [u8],
}

impl<'a> KeyExchange<'a> {
    /// # Errors
    /// It is malformed, or chose an option that was not offered.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Fault> {
        let mut reader = Reader(body);
        let mut fields = || Some((reader.u8()?, reader.u16()?, reader.vec8()?.0));
        let (kind, number, point) = fields().ok_or(Fault::malformed("ServerKeyExchange"))?;
        let group = NamedGroup::ALL.iter().find(|group| kind == NAMED_CURVE && group.number() == number);
        let group = *group.ok_or(Fault::illegal("the ServerKeyExchange has a group that was not offered"))?;
        let signed = &body[..body.len() - reader.0.len()];
        Ok(Self { group, point, signed, signature: read_signature(reader.0)? })
    }
}

pub(super) fn write_signature(body: &mut Vec<u8>, signature: &[u8]) {
    put_u16(body, ECDSA_SHA256);
    write_vec::<2>(body, |body| body.extend_from_slice(signature));
}

/// # Errors
/// It is malformed, or of another algorithm.
pub(super) fn read_signature(body: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = Reader(body);
    let mut fields = || Some((reader.u16()?, reader.vec16()?.0));
    let (algorithm, signature) = fields().ok_or(Fault::malformed("signature"))?;
    if algorithm == ECDSA_SHA256 { Ok(signature) } else { Err(Fault::illegal("a signature is not ECDSA with SHA-256")) }
}

pub(super) fn write_certificate_request(body: &mut Vec<u8>) {
    body.extend_from_slice(&[1, ECDSA_SIGN]);
    write_vec::<2>(body, |body| put_u16(body, ECDSA_SHA256));
    write_vec::<2>(body, |_| {});
}

/// Reads the point of a ClientKeyExchange.
pub(super) fn read_point(body: &[u8]) -> Option<&[u8]> {
    Reader(body).vec8().map(|point| point.0)
}

fn put_u16(bytes: &mut Vec<u8>, value: u16) {
    bytes.extend_from_slice(&value.to_be_bytes());
}

fn write_extension(bytes: &mut Vec<u8>, kind: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    put_u16(bytes, kind);
    write_vec::<2>(bytes, fill);
}

/// Writes one profile, and no MKI (RFC 5764 §4.1.1).
fn write_srtp_profile(bytes: &mut Vec<u8>, profile: u16) {
    write_extension(bytes, extension::USE_SRTP, |body| {
        write_vec::<2>(body, |body| put_u16(body, profile));
        write_vec::<1>(body, |_| {});
    });
}

/// Calls `each` for every extension; a message may have none. `None`: a length is wrong.
fn each_extension<'a>(mut reader: Reader<'a>, mut each: impl FnMut(u16, Reader<'a>)) -> Option<()> {
    if reader.0.is_empty() {
        return Some(());
    }
    let mut list = reader.vec16()?;
    while !list.0.is_empty() {
        each(list.u16()?, list.vec16()?);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_are_read_as_they_were_written_and_not_when_cut_off() {
        let mut body = Vec::new();
        ClientHello::write(&mut body, &[7; 32], b"cookie");
        let hello = ClientHello::read(&body).unwrap();
        let expected = ClientHello {
            random: [7; 32],
            group: NamedGroup::P256,
            extended: true,
            secure_renegotiation: true,
            srtp_profile: Some(SRTP_PROFILE),
        };
        assert_eq!(hello, expected);
        let without_extensions = 2 + 32 + 1 + 7 + 4 + 2;
        for length in (0..body.len()).filter(|length| *length != without_extensions) {
            assert!(ClientHello::read(&body[..length]).is_err(), "{length} bytes of it");
        }
        let mut answer = Vec::new();
        ServerHello::write(&mut answer, &[8; 32], &hello);
        assert_eq!(ServerHello::read(&answer), Ok(ServerHello { random: [8; 32], extended: true }));
    }

    #[test]
    fn a_client_without_a_common_suite_is_told_so() {
        let mut body = Vec::new();
        ClientHello::write(&mut body, &[7; 32], &[]);
        body[2 + 32 + 2 + 3] ^= 1;
        assert!(ClientHello::read(&body).unwrap_err().detail.contains("ECDHE_ECDSA"));
    }
}
