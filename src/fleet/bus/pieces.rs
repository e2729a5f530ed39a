//! A part in pieces that fit into messages of the bus, and the part again once its checksum is right.

use super::messages::Manifest;
use crate::fleet::format::BYTES_MAX;
use crate::vocabulary::format::hex;
use sha2::{Digest, Sha256};

/// The most bytes of a piece; a server takes 1 MiB unless it is told otherwise.
const PIECE_BYTES_MAX: usize = 512 << 10;

/// The pieces of a part with their manifest. `payload_max` is the server's limit of a message, in bytes.
pub(super) fn cut(part: &[u8], attempt: u32, payload_max: usize) -> (Vec<&[u8]>, Manifest) {
    let pieces: Vec<&[u8]> = part.chunks(PIECE_BYTES_MAX.min(payload_max).max(1)).collect();
    let manifest = Manifest { attempt, bytes: part.len() as u64, pieces: pieces.len() as u32, sha256: sha256(part) };
    (pieces, manifest)
}

/// True for a manifest that a part of ours may have: a part is read only after its manifest.
pub(super) fn is_plausible(manifest: &Manifest) -> bool {
    manifest.bytes <= BYTES_MAX as u64 && u64::from(manifest.pieces) <= manifest.bytes
}

/// A part whose pieces come in order.
pub(super) struct PartialPart<'a> {
    manifest: &'a Manifest,
    bytes: Vec<u8>,
}

impl<'a> PartialPart<'a> {
    pub(super) fn new(manifest: &'a Manifest) -> Self {
        Self { manifest, bytes: vec![] }
    }

    /// # Errors
    /// The pieces are longer than the manifest says.
    pub(super) fn add(&mut self, piece: &[u8]) -> Result<(), &'static str> {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() as u64 > self.manifest.bytes { Err("its pieces are longer than it says") } else { Ok(()) }
    }

    /// The whole part.
    ///
    /// # Errors
    /// The pieces are not those of the manifest.
    pub(super) fn end(self) -> Result<Vec<u8>, &'static str> {
        if sha256(&self.bytes) == self.manifest.sha256 { Ok(self.bytes) } else { Err("its checksum differs") }
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, manifest: &Manifest) -> Result<Vec<u8>, &'static str> {
        let mut part = PartialPart::new(manifest);
        pieces.into_iter().try_for_each(|piece| part.add(piece))?;
        part.end()
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_part_and_no_others_do(
            part in proptest::collection::vec(any::<u8>(), 1..5_000),
            payload_max in 1usize..3_000,
            at in any::<prop::sample::Index>(),
        ) {
            let (pieces, manifest) = cut(&part, 1, payload_max);
            prop_assert!(is_plausible(&manifest) && pieces.iter().all(|piece| piece.len() <= payload_max));
            prop_assert_eq!(joined(pieces.iter().copied(), &manifest), Ok(part.clone()));
            prop_assert!(joined(pieces.iter().skip(1).copied(), &manifest).is_err());
            prop_assert!(joined(pieces.iter().chain(&pieces).copied(), &manifest).is_err());
            let mut changed = part;
            let at = at.index(changed.len());
            changed[at] ^= 1;
            prop_assert!(joined([changed.as_slice()], &manifest).is_err());
        }
    }

    #[test]
    fn a_manifest_of_nothing_or_of_too_much_is_refused() {
        let (_, manifest) = cut(b"part", 1, 2);
        assert_eq!((manifest.pieces, manifest.bytes), (2, 4));
        assert!(!is_plausible(&Manifest { bytes: BYTES_MAX as u64 + 1, ..manifest.clone() }));
        assert!(!is_plausible(&Manifest { pieces: 5, ..manifest }));
    }
}
