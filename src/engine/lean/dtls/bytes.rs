//! Reading and writing of the presentation language of TLS (RFC 5246 §4).

/// The bytes left to read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u24(&mut self) -> Option<usize> {
        self.array().map(|[a, b, c]| usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c))
    }

    /// Reads a vector with a length field of one byte.
    pub(super) fn vec8(&mut self) -> Option<Self> {
        let length = self.u8()?;
        self.take(length.into()).map(Self)
    }

    /// Reads a vector with a length field of two bytes.
    pub(super) fn vec16(&mut self) -> Option<Self> {
        let length = self.u16()?;
        self.take(length.into()).map(Self)
    }

    /// Reads a vector with a length field of three bytes.
    pub(super) fn vec24(&mut self) -> Option<Self> {
        let length = self.u24()?;
        self.take(length).map(Self)
    }

    /// True if a list of two-byte values holds `wanted`.
    pub(super) fn has_u16(mut self, wanted: u16) -> bool {
        while let Some(found) = self.u16() {
            if found == wanted {
                return true;
            }
        }
        false
    }
}

/// Appends a vector with a length field of `N` bytes; `fill` appends its content.
pub(super) fn write_vec<const N: usize>(bytes: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = bytes.len();
    bytes.extend_from_slice(&[0; N]);
    fill(bytes);
    let length = (bytes.len() - start - N).to_be_bytes();
    bytes[start..start + N].copy_from_slice(&length[length.len() - N..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_are_read_as_they_were_written_and_not_past_their_end() {
        let mut bytes = Vec::new();
        write_vec::<1>(&mut bytes, |bytes| bytes.push(7));
        write_vec::<2>(&mut bytes, |bytes| bytes.extend_from_slice(&[1, 2, 3, 4]));
        write_vec::<3>(&mut bytes, |_| {});
        let mut reader = Reader(&bytes);
        assert_eq!(reader.vec8().unwrap().0, [7]);
        let list = reader.vec16().unwrap();
        assert!(list.has_u16(0x0304) && !list.has_u16(0x0203));
        assert!(reader.vec24().unwrap().0.is_empty());
        assert!(reader.0.is_empty() && reader.u8().is_none());
        assert!(Reader(&[2, 1]).vec8().is_none());
    }
}
