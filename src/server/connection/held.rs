//! The memory of frames that wait for clients: a frame counts once, however many queues it stands in.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The sum of the bytes of all frames that were made here and are in a queue still.
#[derive(Clone, Default)]
pub(crate) struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    /// A frame that counts until its last copy is dropped.
    pub(crate) fn frame(&self, bytes: Bytes) -> Bytes {
        self.0.fetch_add(bytes.len(), Relaxed);
        Bytes::from_owner(HeldFrame { bytes, held: self.clone() })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed)
    }
}

struct HeldFrame {
    bytes: Bytes,
    held: HeldBytes,
}

impl AsRef<[u8]> for HeldFrame {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for HeldFrame {
    fn drop(&mut self) {
        self.held.0.fetch_sub(self.bytes.len(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_counts_once_until_its_last_copy_is_gone() {
        let held = HeldBytes::default();
        let frame = held.frame(Bytes::from_static(b"12345"));
        let copies = vec![frame.clone(), frame.slice(1..3)];
        assert_eq!((held.count(), &copies[0][..], &copies[1][..]), (5, &b"12345"[..], &b"23"[..]));
        drop(frame);
        assert_eq!(held.count(), 5);
        drop(copies);
        assert_eq!(held.count(), 0);
    }
}
