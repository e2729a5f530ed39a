//! How far a connection has come, as both engines with connections see it.

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ConnectionStage {
    /// ICE.
    Checking,
    /// DTLS.
    Securing,
    /// SCTP.
    Associating,
    Open,
    Over,
}
