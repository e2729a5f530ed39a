//! Contents of INIT and INIT-ACK, and the state kept until the association is established (RFC 9260 §5).

use super::inbound::WINDOW_BYTES;
use super::streams::STREAMS_MAX;
use super::wire::{Parameters, kind, parameter, u16_at, u32_at};

/// The longest state cookie of another end that is echoed; in bytes.
const COOKIE_BYTES_MAX: usize = 1_024;

const STATE_COOKIE: u16 = 7;
const ZERO_CHECKSUM: u16 = 0x8001;
const SUPPORTED_EXTENSIONS: u16 = 0x8008;
const FORWARD_TSN_SUPPORTED: u16 = 0xc000;

/// The error detection method that stands in for the checksum: DTLS (RFC 9653 §7).
const BY_DTLS: u32 = 1;

/// The other end, as its INIT or INIT-ACK describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Remote {
    pub tag: u32,
    pub tsn: u32,
    pub window: u32,
    pub forwards: bool,
    pub zero_checksum: bool,
}

impl Remote {
    /// Reads the body of an INIT or INIT-ACK, with the state cookie that only an INIT-ACK has. `None`: the body is malformed,
    /// or has a value that RFC 9260 §3.3.2 forbids.
    pub(super) fn read(body: &[u8]) -> Option<(Self, Option<&[u8]>)> {
        let mut remote = Self {
            tag: u32_at(body, 0)?,
            window: u32_at(body, 4)?,
            tsn: u32_at(body, 12)?,
            forwards: false,
            zero_checksum: false,
        };
        if remote.tag == 0 || u16_at(body, 8)? == 0 || u16_at(body, 10)? == 0 {
            return None;
        }
        let mut cookie = None;
        for (kind, value) in Parameters(&body[16..]) {
            match kind {
                STATE_COOKIE => cookie = Some(value),
                FORWARD_TSN_SUPPORTED => remote.forwards = true,
                ZERO_CHECKSUM => remote.zero_checksum = u32_at(value, 0) == Some(BY_DTLS),
                _ => {}
            }
        }
        Some((remote, cookie.filter(|cookie| cookie.len() <= COOKIE_BYTES_MAX)))
    }
}

/// Appends the body of our INIT or, with a cookie, of our INIT-ACK.
pub(super) fn write_init(body: &mut Vec<u8>, tag: u32, tsn: u32, cookie: Option<u64>) {
    body.extend_from_slice(&tag.to_be_bytes());
    body.extend_from_slice(&(WINDOW_BYTES as u32).to_be_bytes());
    body.extend_from_slice(&STREAMS_MAX.to_be_bytes());
    body.extend_from_slice(&STREAMS_MAX.to_be_bytes());
    body.extend_from_slice(&tsn.to_be_bytes());
    parameter(body, FORWARD_TSN_SUPPORTED, |_| {});
    parameter(body, SUPPORTED_EXTENSIONS, |value| value.extend_from_slice(&[kind::RE_CONFIG, kind::FORWARD_TSN]));
    parameter(body, ZERO_CHECKSUM, |value| value.extend_from_slice(&BY_DTLS.to_be_bytes()));
    if let Some(cookie) = cookie {
        parameter(body, STATE_COOKIE, |value| value.extend_from_slice(&cookie.to_be_bytes()));
    }
}

/// State kept until the association is established. It keeps only the last INIT, however many come, so the state cookie need
/// be no more than a number that is hard to guess (RFC 9260 §5.1.3 leaves its content to us).
#[derive(Debug, Default)]
pub(super) struct Opening {
    /// The sender of the last INIT, which may echo our cookie.
    pub invited: Option<Remote>,
    /// The cookie that an INIT-ACK asks us to echo.
    pub echo: Vec<u8>,
}
