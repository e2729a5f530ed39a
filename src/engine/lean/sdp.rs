//! The description of a connection with one DataChannel: reads those of other stacks, and writes those that a browser
//! would write (RFC 8866, RFC 8839, RFC 8841, RFC 8842).

use super::ice::Credentials;
use super::identity::{Fingerprint, HashName};
use std::fmt::Write;
use std::net::SocketAddr;

/// The longest accepted description, in bytes.
const TEXT_BYTES_MAX: usize = 64 * 1024;
const SECTIONS_MAX: usize = 64;
const CANDIDATES_MAX: usize = 20;

/// Bounds of ufrag and password (RFC 8839 §5.4).
const UFRAG_BYTES_MAX: usize = 256;

/// Defaults for a missing `a=sctp-port` and `a=max-message-size` (RFC 8841 §6.1; the port is the usual one).
const SCTP_PORT: u16 = 5_000;
const MESSAGE_BYTES: usize = 64 * 1024;

/// The end that starts DTLS (RFC 8842 §5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    Actpass,
    Active,
    Passive,
}

/// The other end's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description<'a> {
    pub credentials: Credentials,
    pub fingerprint: Fingerprint,
    pub setup: Setup,
    pub is_lite: bool,
    pub sctp_port: u16,
    /// The longest message that the other end accepts, in bytes.
    pub message_bytes_max: usize,
    pub candidates: Vec<&'a str>,
    pub sections: Sections<'a>,
}

/// The media sections of an offer; its answer must have each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sections<'a>(Vec<SdpSection<'a>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct SdpSection<'a> {
    /// The media type of the `m=` line.
    media: &'a str,
    protocol: &'a str,
    mid: &'a str,
    is_channel: bool,
}

/// Attributes of the session and of the DataChannel section.
#[derive(Default)]
struct Attributes<'a> {
    ufrag: Option<&'a str>,
    password: Option<&'a str>,
    fingerprint: Option<Fingerprint>,
    setup: Option<&'a str>,
    is_lite: bool,
    sctp_port: Option<u16>,
    message_bytes_max: Option<usize>,
    candidates: Vec<&'a str>,
}

impl<'a> Description<'a> {
    /// # Errors
    /// The description lacks a required part, or a part is invalid.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > TEXT_BYTES_MAX {
            return Err("the description is longer than 64 KiB");
        }
        let mut found = Attributes::default();
        let mut sections: Vec<SdpSection<'a>> = Vec::new();
        for line in text.lines() {
            if let Some(media) = line.strip_prefix("m=") {
                if sections.len() == SECTIONS_MAX {
                    return Err("the description has more than 64 sections");
                }
                sections.push(SdpSection::begin(media, sections.iter().any(|section| section.is_channel)));
            } else if let Some(attribute) = line.strip_prefix("a=") {
                let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
                match sections.last_mut() {
                    Some(section) if name == "mid" => section.mid = value.trim_end(),
                    Some(section) if !section.is_channel => {}
                    _ => found.note(name, value.trim_end()),
                }
            }
        }
        if !sections.iter().any(|section| section.is_channel) {
            return Err("the description has no section for a DataChannel");
        }
        found.checked(Sections(sections))
    }
}

impl<'a> SdpSection<'a> {
    /// Reads an `m=` line; only the first section that can carry DataChannels is the channel's.
    fn begin(media: &'a str, has_channel: bool) -> Self {
        let mut words = media.trim_end().splitn(3, ' ');
        let (media, _port) = (words.next().unwrap_or_default(), words.next());
        let protocol = words.next().unwrap_or_default();
        let is_channel = !has_channel && media == "application" && protocol.contains("DTLS/SCTP");
        Self { media, protocol, mid: "0", is_channel }
    }
}

impl<'a> Attributes<'a> {
    fn note(&mut self, name: &str, value: &'a str) {
        match name {
            "ice-ufrag" => self.ufrag = Some(value),
            "ice-pwd" => self.password = Some(value),
            "fingerprint" => self.fingerprint = self.fingerprint.take().or_else(|| read_fingerprint(value)),
            "setup" => self.setup = Some(value),
            "ice-lite" => self.is_lite = true,
            "sctp-port" => self.sctp_port = value.parse().ok(),
            "max-message-size" => self.message_bytes_max = value.parse().ok(),
            // Drafts before RFC 8841 have `a=sctpmap:5000 webrtc-datachannel 1024`.
            "sctpmap" => self.sctp_port = value.split(' ').next().and_then(|port| port.parse().ok()),
            "candidate" if self.candidates.len() < CANDIDATES_MAX => self.candidates.push(value),
            _ => {}
        }
    }

    fn checked(self, sections: Sections<'a>) -> Result<Description<'a>, &'static str> {
        let sane = |value: &&str| !value.is_empty() && value.len() <= UFRAG_BYTES_MAX;
        let ufrag = self.ufrag.filter(sane).ok_or("the description has no ice-ufrag")?;
        let password = self.password.filter(sane).ok_or("the description has no ice-pwd")?;
        let fingerprint = self.fingerprint.ok_or("the description has no fingerprint by SHA-2")?;
        let setup = match self.setup {
            Some("actpass") | None => Setup::Actpass,
            Some("active") => Setup::Active,
            Some("passive") => Setup::Passive,
            Some(_) => return Err("the description's setup is neither actpass, active nor passive"),
        };
        // Zero stands for no limit (RFC 8841 §6.1).
        let message_bytes_max = match self.message_bytes_max {
            Some(0) => usize::MAX,
            Some(bytes) => bytes,
            None => MESSAGE_BYTES,
        };
        Ok(Description {
            credentials: Credentials { ufrag: ufrag.into(), password: password.into() },
            fingerprint,
            setup,
            is_lite: self.is_lite,
            sctp_port: self.sctp_port.unwrap_or(SCTP_PORT),
            message_bytes_max,
            candidates: self.candidates,
            sections,
        })
    }
}

/// Reads `sha-256 AB:CD:…`. `None`: the hash is unknown, or the length is not the hash's.
fn read_fingerprint(value: &str) -> Option<Fingerprint> {
    let (name, hex) = value.split_once(' ')?;
    let algorithm = HashName::named(name)?;
    let bytes: Option<Vec<u8>> = hex.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let bytes = bytes.filter(|bytes| bytes.len() == algorithm.bytes())?.into();
    Some(Fingerprint { algorithm, bytes })
}

/// The contents of our own description.
pub struct Own<'a> {
    /// The session's id, below 2^63 (RFC 9429 §5.2.1).
    pub session: u64,
    pub credentials: &'a Credentials,
    pub fingerprint: &'a str,
    pub setup: Setup,
    /// The candidate in the description, if candidates are not trickled.
    pub candidate: Option<&'a str>,
    pub message_bytes_max: usize,
}

impl Own<'_> {
    /// A description whose only section is the DataChannel's.
    pub fn offer(&self) -> String {
        let protocol = "UDP/DTLS/SCTP webrtc-datachannel";
        let section = SdpSection { media: "application", protocol, mid: "0", is_channel: true };
        self.write(&Sections(vec![section]))
    }

    /// Accepts the offer's DataChannel section and refuses all others.
    pub fn answer(&self, offer: &Sections<'_>) -> String {
        self.write(offer)
    }

    fn write(&self, sections: &Sections<'_>) -> String {
        let mut text = String::with_capacity(640);
        // Writing to a String never fails.
        let _ = self.write_to(&mut text, sections);
        text
    }

    fn write_to(&self, text: &mut String, Sections(sections): &Sections<'_>) -> std::fmt::Result {
        let mid = sections.iter().find(|section| section.is_channel).map_or("0", |section| section.mid);
        write!(
            text,
            "v=0\r\no=- {} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n",
            self.session >> 1
        )?;
        text.push_str("a=extmap-allow-mixed\r\na=msid-semantic: WMS\r\n");
        for SdpSection { media, protocol, mid, is_channel } in sections {
            if !is_channel {
                write!(text, "m={media} 0 {protocol}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:{mid}\r\n")?;
                continue;
            }
            let Credentials { ufrag, password } = self.credentials;
            write!(text, "m={media} 9 {protocol}\r\nc=IN IP4 0.0.0.0\r\n")?;
            if let Some(candidate) = self.candidate {
                write!(text, "a={candidate}\r\na=end-of-candidates\r\n")?;
            }
            write!(text, "a=ice-ufrag:{ufrag}\r\na=ice-pwd:{password}\r\na=ice-options:trickle\r\n")?;
            let setup = match self.setup {
                Setup::Actpass => "actpass",
                Setup::Active => "active",
                Setup::Passive => "passive",
            };
            write!(text, "a=fingerprint:{}\r\na=setup:{setup}\r\na=mid:{mid}\r\n", self.fingerprint)?;
            write!(text, "a=sctp-port:{SCTP_PORT}\r\na=max-message-size:{}\r\n", self.message_bytes_max)?;
        }
        Ok(())
    }
}

/// The port of our SCTP association; all ends use the same number.
pub const OWN_SCTP_PORT: u16 = SCTP_PORT;

/// The one candidate a peer has: its socket (RFC 8839 §5.1).
pub fn host_candidate(local: SocketAddr) -> String {
    format!("candidate:1 1 udp 2130706431 {} {} typ host", local.ip(), local.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINGERPRINT: &str =
        "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

    fn own(credentials: &Credentials, setup: Setup) -> Own<'_> {
        let candidate = Some("candidate:1 1 udp 1 127.0.0.1 7 typ host");
        Own { session: 9, credentials, fingerprint: FINGERPRINT, setup, candidate, message_bytes_max: 262_144 }
    }

    fn credentials() -> Credentials {
        Credentials { ufrag: "0001abcd".into(), password: "secret secret secret sec".into() }
    }

    #[test]
    fn an_offer_is_read_as_it_was_written() {
        let credentials = credentials();
        let text = own(&credentials, Setup::Actpass).offer();
        let read = Description::read(&text).unwrap();
        assert_eq!((&read.credentials, read.setup, read.sctp_port), (&credentials, Setup::Actpass, 5_000));
        assert_eq!(read.fingerprint.bytes.to_vec(), (0..32).collect::<Vec<u8>>());
        assert_eq!((read.message_bytes_max, read.is_lite), (262_144, false));
        assert_eq!(read.candidates, ["1 1 udp 1 127.0.0.1 7 typ host"]);
    }

    #[test]
    fn an_answer_has_every_section_of_its_offer_and_takes_one() {
        let offer = format!(
            "v=0\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\na=fingerprint:sha-1 00\r\na=fingerprint:{FINGERPRINT}\r\na=ice-lite\r\n\
             m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:a\r\na=ice-ufrag:other\r\na=setup:active\r\n\
             m=application 9 DTLS/SCTP 5001\r\na=mid:data\r\na=setup:passive\r\na=sctpmap:5001 webrtc-datachannel 256\r\n"
        );
        let read = Description::read(&offer).unwrap();
        assert_eq!((&*read.credentials.ufrag, read.setup, read.sctp_port), ("u", Setup::Passive, 5_001));
        assert!(read.is_lite);
        let credentials = credentials();
        let answer = own(&credentials, Setup::Active).answer(&read.sections);
        assert!(answer.contains("a=group:BUNDLE data\r\n"), "{answer}");
        assert!(answer.contains("m=audio 0 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\na=mid:a\r\n"));
        assert!(answer.contains("m=application 9 DTLS/SCTP 5001\r\n"));
        assert_eq!(Description::read(&answer).unwrap().credentials, credentials);
    }

    #[test]
    fn what_is_missing_is_named() {
        let credentials = credentials();
        let whole = own(&credentials, Setup::Actpass).offer();
        let check = |left_out: &str, why: &str| {
            let text: String = whole.split_inclusive('\n').filter(|line| !line.contains(left_out)).collect();
            assert!(Description::read(&text).unwrap_err().contains(why), "{left_out}");
        };
        check("ice-ufrag", "ice-ufrag");
        check("ice-pwd", "ice-pwd");
        check("fingerprint", "fingerprint");
        check("m=application", "section");
        assert!(Description::read(&"a".repeat(TEXT_BYTES_MAX + 1)).is_err());
        assert!(Description::read(&"m=audio\n".repeat(SECTIONS_MAX + 1)).is_err());
    }
}
