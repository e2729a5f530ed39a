//! Records that arrived before the messages that their keys come from, or before the Finished.

use super::record::Record;

/// Most records that are kept, and their longest body in bytes. The other end sends dropped ones again.
const RECORDS_MAX: usize = 4;
const BYTES_MAX: usize = 2_048;

/// A few records of epoch 1, as received.
#[derive(Debug, Default)]
pub(super) struct Early(Vec<(u8, u64, Vec<u8>)>);

impl Early {
    pub(super) fn keep(&mut self, record: &Record<'_>) {
        if self.0.len() < RECORDS_MAX && record.body.len() <= BYTES_MAX {
            self.0.push((record.kind, record.sequence, record.body.to_vec()));
        }
    }

    /// Removes and returns all records: content type, sequence number and sealed content.
    pub(super) fn take(&mut self) -> Vec<(u8, u64, Vec<u8>)> {
        std::mem::take(&mut self.0)
    }
}
