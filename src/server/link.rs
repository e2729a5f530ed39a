//! The way out to one client: a bounded queue, and writes that take all of it at once.

use crate::server::rooms::Notice;
use bytes::Bytes;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;

/// What a client may have waiting; one frame more and it is too slow to keep.
pub const FRAMES_MAX: usize = 65_536;
pub const BYTES_MAX: usize = 16 << 20;

/// Small frames are copied together up to this size for one write; a frame as large goes alone, uncopied.
const WRITE_BYTES: usize = 64 << 10;

pub struct Link {
    pub stream: Arc<TcpStream>,
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of the first frame that are written already.
    written: usize,
    /// Frames that left the queue so far: turns a frame's number into its place in the queue.
    left: u64,
    /// The numbers of the newest count and list.
    notices: [Option<u64>; 2],
    /// Waiting for the socket to take more.
    pub blocked: bool,
    /// Listed for the next round of writes.
    dirty: bool,
    /// A close frame is the last thing to say (RFC 6455 §5.5.1).
    closing: bool,
}

/// The queue has no room: the client is too slow.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Link {
    pub fn new(stream: Arc<TcpStream>) -> Self {
        let queue = VecDeque::new();
        let (bytes, written, left, notices) = (0, 0, 0, [None; 2]);
        Self { stream, queue, bytes, written, left, notices, blocked: false, dirty: false, closing: false }
    }

    /// Queues a finished frame. After `close` everything else is dropped in silence.
    pub fn push(&mut self, frame: Bytes, notice: Option<Notice>) -> Result<(), Full> {
        if self.closing {
            return Ok(());
        }
        if let Some(notice) = notice {
            self.supersede(notice);
        }
        if self.queue.len() >= FRAMES_MAX || self.bytes + frame.len() > BYTES_MAX {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.queue.push_back(frame);
        Ok(())
    }

    pub fn close(&mut self, frame: Bytes) {
        if !self.closing {
            self.bytes += frame.len();
            self.queue.push_back(frame);
            self.closing = true;
        }
    }

    /// Whether the link has to be put on the list for the next round of writes; it counts as listed then.
    pub fn enlist(&mut self) -> bool {
        !self.blocked && !std::mem::replace(&mut self.dirty, true)
    }

    /// Writes until the queue is empty or the socket takes no more (then `blocked` is set). Returns how many
    /// frames went out whole. Errors: the socket's; the client is lost.
    pub fn flush(&mut self, scratch: &mut Vec<u8>) -> io::Result<u64> {
        self.dirty = false;
        let before = self.left;
        while !self.queue.is_empty() {
            match self.stream.try_write(self.next_write(scratch)) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.advance(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.blocked = true;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        if self.queue.is_empty() && self.queue.capacity() > 1_024 {
            // A burst should not keep ten thousand queues at their largest.
            self.queue = VecDeque::new();
        }
        Ok(self.left - before)
    }

    fn next_write<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let first = &self.queue[0][self.written..];
        let second = self.queue.get(1).map_or(WRITE_BYTES, Bytes::len);
        if first.len() + second > WRITE_BYTES {
            return first;
        }
        scratch.clear();
        scratch.extend_from_slice(first);
        for frame in self.queue.iter().skip(1) {
            if scratch.len() + frame.len() > WRITE_BYTES {
                break;
            }
            scratch.extend_from_slice(frame);
        }
        scratch
    }

    fn advance(&mut self, count: usize) {
        self.bytes -= count;
        self.written += count;
        while let Some(first) = self.queue.front() {
            if self.written < first.len() {
                break;
            }
            self.written -= first.len();
            self.queue.pop_front();
            self.left += 1;
        }
    }

    /// Empties the older notice of this sort, unless it left or is on its way.
    fn supersede(&mut self, notice: Notice) {
        let newest = self.left + self.queue.len() as u64;
        let older = self.notices[notice as usize].replace(newest);
        let Some(place) = older.and_then(|number| number.checked_sub(self.left)) else { return };
        let untouched = place > 0 || self.written == 0;
        if let Some(frame) = self.queue.get_mut(place as usize).filter(|_| untouched) {
            self.bytes -= frame.len();
            *frame = Bytes::new();
        }
    }
}
