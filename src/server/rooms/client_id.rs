//! The number of a connection, by which rooms, groups and faults know it.

/// A connection: a small number, free to be used again once its client is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u32);
