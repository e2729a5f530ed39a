//! The version and the bounds of `part.mesh`, and the reasons why a file is none.

use std::fmt;

/// The version of the format; every change of what is inside raises it.
pub(super) const FORMAT: u8 = 4;
/// The largest file.
pub const BYTES_MAX: usize = 64 << 20;
/// The largest number in the figures: sums of a thousand parts stay within 64 bits.
pub(super) const COUNT_MAX: u64 = 1 << 53;
/// The most message types of a dialect, which a byte numbers.
pub(super) const KINDS_MAX: usize = 256;
pub(super) const PHASES_MAX: usize = 16;

/// The reason why bytes are no part that this version reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    TooLong,
    NotOurs,
    /// The format's version, which another meshload wrote.
    Version(u8),
    /// The file ends early, or its checksum differs.
    Damaged(&'static str),
    Foreign(String),
    Unsound(&'static str),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => {
                write!(f, "more than {} MiB, which no part.mesh has; name the right file", BYTES_MAX >> 20)
            }
            Self::NotOurs => f.write_str("not a part.mesh; run --share leaves one in its --out folder"),
            Self::Version(found) => {
                let own = FORMAT;
                write!(
                    f,
                    "a part.mesh of format {found}, this meshload reads {own}; merge with the meshload that wrote it"
                )
            }
            Self::Damaged(how) => write!(f, "damaged: {how}; copy it again from the machine that wrote it"),
            Self::Foreign(why) => write!(f, "can't be read: {why}; merge with the meshload that wrote it"),
            Self::Unsound(why) => write!(f, "no meshload wrote this: {why}; leave it out or write it again"),
        }
    }
}

impl std::error::Error for Unusable {}
