//! Records that overtook the messages that their keys come from, or the Finished that vouches for them.

use super::record::Record;

/// More do not come ahead of their time on purpose; what is dropped is sent again by the other end.
const RECORDS_MAX: usize = 4;
const BYTES_MAX: usize = 2_048;

/// A few records of epoch 1, as they came.
#[derive(Debug, Default)]
pub struct Early(Vec<(u8, u64, Vec<u8>)>);

impl Early {
    pub fn keep(&mut self, record: &Record<'_>) {
        if self.0.len() < RECORDS_MAX && record.body.len() <= BYTES_MAX {
            self.0.push((record.kind, record.sequence, record.body.to_vec()));
        }
    }

    /// Takes all of them: content type, sequence number, and the content as it was sealed.
    pub fn take(&mut self) -> Vec<(u8, u64, Vec<u8>)> {
        std::mem::take(&mut self.0)
    }
}
