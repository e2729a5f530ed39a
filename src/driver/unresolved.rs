//! Messages about ids that no seat is known for yet.

use super::intake::text_bytes;
use crate::vocabulary::Heard;
use std::collections::VecDeque;

/// The most messages that wait, and the most bytes of their texts.
const MESSAGES_MAX: usize = 1_024;
const BYTES_MAX: usize = 256 * 1024;

/// Received messages that wait for the id of their sender to be known.
#[derive(Debug, Default)]
pub(super) struct UnresolvedMessages {
    messages: VecDeque<Heard<String>>,
    bytes: usize,
}

impl UnresolvedMessages {
    /// Keeps a message.
    ///
    /// # Errors
    /// The message, if there is no room for it.
    pub(super) fn push(&mut self, heard: Heard<String>) -> Result<(), Heard<String>> {
        let bytes = self.bytes + text_bytes(&heard);
        if self.messages.len() >= MESSAGES_MAX || bytes > BYTES_MAX {
            return Err(heard);
        }
        self.bytes = bytes;
        self.messages.push_back(heard);
        Ok(())
    }

    /// Takes all messages.
    pub(super) fn take(&mut self) -> VecDeque<Heard<String>> {
        std::mem::take(self).messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::Signal;

    #[test]
    fn messages_are_kept_up_to_their_number_and_their_bytes() {
        let mut few = UnresolvedMessages::default();
        let offer = |bytes: usize| Heard::Signal {
            from: String::new(),
            signal: Signal::Offer { sdp: "x".repeat(bytes) },
            polite: false,
        };
        assert!((0..4).all(|_| few.push(offer(BYTES_MAX / 4)).is_ok()));
        assert!(few.push(offer(1)).is_err());
        let mut many = UnresolvedMessages::default();
        assert!((0..MESSAGES_MAX).all(|_| many.push(offer(0)).is_ok()));
        assert!(many.push(offer(0)).is_err());
        assert_eq!(many.take().len(), MESSAGES_MAX);
        assert!(many.push(offer(0)).is_ok());
    }
}
