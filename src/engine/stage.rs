//! The stages of a connection, as the engines `rtc` and `webrtc` track them.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ConnectionStage {
    /// ICE.
    Checking,
    /// DTLS.
    Securing,
    /// SCTP.
    Associating,
    Open,
    Over,
}
