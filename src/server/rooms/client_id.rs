//! The number that identifies a client's connection in rooms, groups and faults.

/// Number of a connection; a closed connection's number is reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);
