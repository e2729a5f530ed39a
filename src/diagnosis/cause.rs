//! The causes that a diagnosis can name, each with its meaning and its remedy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The cause of a channel that did not open, or of a defect that was seen although it opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    None,
    Dialect,
    WrongDialect,
    Unreachable,
    Rejected,
    Protocol,
    Closed,
    NameTaken,
    ChannelIsolation,
    Timing,
    ChannelMismatch,
    Connection,
    SwallowJoin,
    LostFirstOffer,
    NoAnswer,
    StaleRoster,
    SdpRewrite,
    CandidateDrop,
    AlteredCandidates,
    SlowFanout,
    IceFailed,
    DtlsFailed,
    ChannelNotOpened,
    Unknown,
}

/// The confidence in a cause: high if no other cause fits the observations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    Low,
    Medium,
    High,
}

/// The causes that fit one failure, with the evidence for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Insight {
    /// All causes that fit, the likeliest first; `unknown` if none does.
    pub causes: Vec<Cause>,
    pub confidence: Confidence,
    /// Whole sentences, strongest first.
    pub evidence: Vec<String>,
}

impl Insight {
    /// The one cause that explains what was seen, by an experiment or by evidence against its rivals.
    pub(super) fn high(cause: Cause, evidence: impl Into<String>) -> Self {
        Self { causes: vec![cause], confidence: Confidence::High, evidence: vec![evidence.into()] }
    }

    /// Causes that fit what was seen, where nothing rules out all others.
    pub(super) fn likely(causes: &[Cause], evidence: impl Into<String>) -> Self {
        let confidence = if causes.len() == 1 { Confidence::Medium } else { Confidence::Low };
        Self { causes: causes.to_vec(), confidence, evidence: vec![evidence.into()] }
    }

    pub(super) fn unknown(evidence: impl Into<String>) -> Self {
        Self { causes: vec![Cause::Unknown], confidence: Confidence::Low, evidence: vec![evidence.into()] }
    }

    /// Adds a sentence to the evidence.
    pub(super) fn and(mut self, sentence: impl Into<String>) -> Self {
        self.evidence.push(sentence.into());
        self
    }

    /// The only cause that fits; `unknown` if there are several.
    pub fn cause(&self) -> Cause {
        if let [cause] = self.causes[..] { cause } else { Cause::Unknown }
    }
}

impl Cause {
    pub const ALL: [Self; 24] = [
        Self::None,
        Self::Dialect,
        Self::WrongDialect,
        Self::Unreachable,
        Self::Rejected,
        Self::Protocol,
        Self::Closed,
        Self::NameTaken,
        Self::ChannelIsolation,
        Self::Timing,
        Self::ChannelMismatch,
        Self::Connection,
        Self::SwallowJoin,
        Self::LostFirstOffer,
        Self::NoAnswer,
        Self::StaleRoster,
        Self::SdpRewrite,
        Self::CandidateDrop,
        Self::AlteredCandidates,
        Self::SlowFanout,
        Self::IceFailed,
        Self::DtlsFailed,
        Self::ChannelNotOpened,
        Self::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Dialect => "dialect",
            Self::WrongDialect => "wrong-dialect",
            Self::Unreachable => "unreachable",
            Self::Rejected => "rejected",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
            Self::NameTaken => "name-taken",
            Self::ChannelIsolation => "channel-isolation",
            Self::Timing => "timing",
            Self::ChannelMismatch => "channel-mismatch",
            Self::Connection => "connection",
            Self::SwallowJoin => "swallow-join",
            Self::LostFirstOffer => "lost-first-offer",
            Self::NoAnswer => "no-answer",
            Self::StaleRoster => "stale-roster",
            Self::SdpRewrite => "sdp-rewrite",
            Self::CandidateDrop => "candidate-drop",
            Self::AlteredCandidates => "altered-candidates",
            Self::SlowFanout => "slow-fanout",
            Self::IceFailed => "ice-failed",
            Self::DtlsFailed => "dtls-failed",
            Self::ChannelNotOpened => "channel-not-opened",
            Self::Unknown => "unknown",
        }
    }

    /// The meaning in one sentence.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::None => "Nothing is wrong that a probe from here can see.",
            Self::Dialect => {
                "The dialect file does not fit the server: a frame arrived that no rule takes, or one was never written."
            }
            Self::WrongDialect => "The server speaks another protocol than the dialect, or no WebSocket at that path.",
            Self::Unreachable => "No connection to the server came about.",
            Self::Rejected => "The server, or the host of the room, answers and says no.",
            Self::Protocol => "The server breaks a rule of WebSocket, or a limit that protects this program.",
            Self::Closed => "The connection was closed from outside while it was needed.",
            Self::NameTaken => "The server turns the peer away because its name is taken in that room.",
            Self::ChannelIsolation => {
                "The server accepts the subscription to a channel and never routes that channel to the peer; other \
                 channels arrive. (From outside it looks the same if the channel is renamed to a name nobody can guess.)"
            }
            Self::Timing => {
                "A subscription takes effect late: what is said to a peer that has just connected is lost, and the same \
                 words said later arrive."
            }
            Self::ChannelMismatch => {
                "Messages arrive, but under another channel's name than the one they were said on."
            }
            Self::Connection => {
                "Frames are written and never take effect: the server never gets them, or drops them (from outside the \
                 two look the same), although the socket stays up."
            }
            Self::SwallowJoin => "The server loses the broadcast of a join, although it knows the room.",
            Self::LostFirstOffer => "The first offer to a peer is lost; an offer said again arrives.",
            Self::NoAnswer => "The offer, or the request to be let in, arrives, and no answer to it comes back.",
            Self::StaleRoster => "A peer whose socket closed stays in the server's list of rooms.",
            Self::SdpRewrite => {
                "The server alters session descriptions on their way: what arrives is not what was said."
            }
            Self::CandidateDrop => "Descriptions are relayed, ICE candidates are not.",
            Self::AlteredCandidates => "ICE candidates arrive, and not as they were said.",
            Self::SlowFanout => "Each further subscriber of a channel makes every delivery on it slower.",
            Self::IceFailed => "Signaling is done, and the peers find no way to each other.",
            Self::DtlsFailed => "The peers reach each other, and their DTLS handshake fails.",
            Self::ChannelNotOpened => "DTLS is up, and the DataChannel does not open.",
            Self::Unknown => "Something failed, and what was seen fits several causes or none.",
        }
    }

    /// The remedy: one sentence, empty for `None`.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Dialect => {
                "Correct the dialect file at the line in the evidence; `meshload dialects check FILE` helps."
            }
            Self::WrongDialect => {
                "Use the dialect and the path of this server: `meshload dialects` lists the built-in ones."
            }
            Self::Unreachable => "Check the URL, that the server runs and listens there, and what stands between.",
            Self::Rejected => {
                "Read the status or code in the evidence: credentials, origin, path, a rate limit, or a host that says no."
            }
            Self::Protocol => {
                "Read the offence in the evidence; look at what sends frames: the server, or a proxy before it."
            }
            Self::Closed => "Look in the server's log, and at what stands before it, for the moment of the close.",
            Self::NameTaken => "Use another user name, or let the server free names when their socket closes.",
            Self::ChannelIsolation => {
                "Look at how the server routes that channel to subscribers; or say all room messages on one channel."
            }
            Self::Timing => {
                "Acknowledge joins and subscriptions, and let clients speak only after that; or settle before a peer \
                 announces itself; or start from what the server itself says once the peer can hear it."
            }
            Self::ChannelMismatch => "Make server and client agree on the channel's name.",
            Self::Connection => {
                "Send only when the socket is open and the server has answered (a ping will do); queue what is said \
                 before, and subscribe again after a reconnect."
            }
            Self::SwallowJoin => "Record and relay every join; say the join again while the list lacks its sender.",
            Self::LostFirstOffer => {
                "Create the receiving side before it is announced; repeat an offer that stays unanswered."
            }
            Self::NoAnswer => {
                "Look at what the server does with answers, and whether the answering side exists in time; after a \
                 request to be let in, whether the room's host is there and decides."
            }
            Self::StaleRoster => "Remove a user from the room when its socket closes.",
            Self::SdpRewrite => "Relay descriptions byte for byte.",
            Self::CandidateDrop => "Relay candidates; or turn trickling off, so that they travel in the description.",
            Self::AlteredCandidates => "Relay candidates byte for byte: their text, sdpMid and sdpMLineIndex.",
            Self::SlowFanout => "Deliver to subscribers in parallel, and only to those of the room.",
            Self::IceFailed => "Look at firewalls and candidates; with peers behind NAT, use STUN and TURN.",
            Self::DtlsFailed => "Look at certificates, fingerprints and packet loss between the peers.",
            Self::ChannelNotOpened => "Look at SCTP: port, max message size, and the channel's options on both sides.",
            Self::Unknown => {
                "Run the probe with --trace, and with --times to see whether it always fails at the same place."
            }
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_and_text_call_a_cause_by_the_same_name() {
        for cause in Cause::ALL {
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.name());
        }
    }
}
