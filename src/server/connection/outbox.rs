//! The write queue of one client: encoded frames, bounded in number and bytes.

use crate::server::rooms::ReplaceableFrame;
use bytes::Bytes;
use std::collections::VecDeque;

/// Limits of a client's queue; a client that exceeds one is disconnected as too slow.
pub(super) const FRAMES_MAX: usize = 65_536;
pub(crate) const BYTES_MAX: usize = 64 << 20;

/// Size in bytes up to which small frames are joined for one write; a larger frame is written alone, without a copy.
pub(super) const WRITE_BYTES: usize = 64 << 10;

#[derive(Default)]
pub(crate) struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of the first frame that are already written.
    written: usize,
    /// Frames removed so far; converts a frame's number into its position in the queue.
    removed: u64,
    /// Frames written in full, without the replaced ones.
    delivered: u64,
    /// Numbers of the newest count and list.
    newest: [Option<u64>; 2],
    /// True once a close frame is queued, which is the last frame (RFC 6455 §5.5.1).
    closing: bool,
}

/// The queue is full: the client is too slow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Outbox {
    /// Queues an encoded frame; drops it after `close`. The queue has room for `bytes_max`, at most `BYTES_MAX`.
    ///
    /// # Errors
    /// The queue is full.
    pub(crate) fn push(
        &mut self,
        frame: Bytes,
        replaceable: Option<ReplaceableFrame>,
        bytes_max: usize,
    ) -> Result<(), Full> {
        if self.closing {
            return Ok(());
        }
        if let Some(kind) = replaceable {
            self.replace(kind);
        }
        if self.frames.len() >= FRAMES_MAX || self.bytes + frame.len() > bytes_max.min(BYTES_MAX) {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Queues the last frame, regardless of the limits.
    pub(crate) fn close(&mut self, frame: Bytes) {
        if !self.closing {
            self.bytes += frame.len();
            self.frames.push_back(frame);
            self.closing = true;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Number of frames written in full so far.
    pub(crate) fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes of the next write, joined in `scratch` if they are of several frames.
    ///
    /// # Panics
    /// The outbox is empty.
    pub(crate) fn next_write<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
        let first = &self.frames[0][self.written..];
        let second = self.frames.get(1).map_or(WRITE_BYTES, Bytes::len);
        if first.len() + second > WRITE_BYTES {
            return first;
        }
        scratch.clear();
        scratch.extend_from_slice(first);
        for frame in self.frames.iter().skip(1) {
            if scratch.len() + frame.len() > WRITE_BYTES {
                break;
            }
            scratch.extend_from_slice(frame);
        }
        scratch
    }

    /// Records that `count` bytes were written.
    pub(crate) fn advance(&mut self, count: usize) {
        self.bytes -= count;
        self.written += count;
        while let Some(first) = self.frames.front().filter(|first| first.len() <= self.written) {
            self.written -= first.len();
            self.delivered += u64::from(!first.is_empty());
            self.removed += 1;
            self.frames.pop_front();
        }
        if self.frames.is_empty() && self.frames.capacity() > 1_024 {
            // Release the memory of a burst, which thousands of queues would otherwise keep.
            self.frames = VecDeque::new();
        }
    }

    /// Removes the older frame of this kind, unless it is written at least in part.
    fn replace(&mut self, kind: ReplaceableFrame) {
        let number = self.removed + self.frames.len() as u64;
        let older = self.newest[kind as usize].replace(number);
        let Some(place) = older.and_then(|number| number.checked_sub(self.removed)) else { return };
        let untouched = place > 0 || self.written == 0;
        if let Some(frame) = self.frames.get_mut(place as usize).filter(|_| untouched) {
            self.bytes -= frame.len();
            *frame = Bytes::new();
            // An emptied frame must not come first: a write of 0 bytes looks like a closed socket.
            self.advance(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outbox(frames: &[&'static str]) -> Outbox {
        let mut outbox = Outbox::default();
        for frame in frames {
            outbox.push(Bytes::from_static(frame.as_bytes()), None, BYTES_MAX).unwrap();
        }
        outbox
    }

    fn next(outbox: &Outbox) -> String {
        String::from_utf8(outbox.next_write(&mut vec![]).to_vec()).unwrap()
    }

    #[test]
    fn all_that_waits_goes_out_in_one_write_and_a_part_of_it_is_continued_where_it_ended() {
        let mut outbox = outbox(&["ab", "cd", "ef"]);
        assert_eq!(next(&outbox), "abcdef");
        outbox.advance(3);
        assert_eq!((next(&outbox), outbox.delivered()), ("def".into(), 1));
        outbox.advance(3);
        assert_eq!((outbox.is_empty(), outbox.delivered(), outbox.bytes), (true, 3, 0));
    }

    #[test]
    fn a_write_holds_as_many_whole_frames_as_fit_and_a_large_frame_goes_alone() {
        let check = |lengths: &[usize], expected: usize| {
            let mut outbox = Outbox::default();
            for length in lengths {
                outbox.push(vec![0; *length].into(), None, BYTES_MAX).unwrap();
            }
            assert_eq!(outbox.next_write(&mut vec![]).len(), expected, "{lengths:?}");
        };
        check(&[WRITE_BYTES - 1, 1], WRITE_BYTES);
        check(&[WRITE_BYTES, 1], WRITE_BYTES);
        check(&[10, 10, WRITE_BYTES], 20);
        check(&[WRITE_BYTES * 3, 1], WRITE_BYTES * 3);
    }

    #[test]
    fn a_frame_at_the_bound_is_taken_and_one_past_it_refused() {
        let mut outbox = Outbox::default();
        outbox.push(vec![0; BYTES_MAX].into(), None, BYTES_MAX).unwrap();
        assert_eq!(outbox.push(vec![0; 1].into(), None, BYTES_MAX), Err(Full));
        let mut outbox = Outbox::default();
        outbox.push(vec![0; 10].into(), None, 10).unwrap();
        assert_eq!(outbox.push(vec![0; 1].into(), None, 10), Err(Full), "less room where all have little");
        let mut outbox = Outbox::default();
        let mut room = || outbox.push(Bytes::from_static(b"x"), None, BYTES_MAX);
        assert!((0..FRAMES_MAX).all(|_| room().is_ok()));
        assert_eq!(room(), Err(Full));
    }

    #[test]
    fn a_newer_notice_takes_the_place_of_an_older_one_of_its_sort_that_still_waits() {
        let tell = |outbox: &mut Outbox, frame: &'static str, notice| {
            outbox.push(Bytes::from_static(frame.as_bytes()), Some(notice), BYTES_MAX).unwrap();
        };
        let mut outbox = outbox(&["a"]);
        tell(&mut outbox, "1", ReplaceableFrame::Count);
        tell(&mut outbox, "L", ReplaceableFrame::List);
        tell(&mut outbox, "2", ReplaceableFrame::Count);
        assert_eq!(next(&outbox), "aL2");
        outbox.advance(2);
        tell(&mut outbox, "3", ReplaceableFrame::Count);
        assert_eq!((next(&outbox), outbox.bytes), ("3".into(), 1));
        outbox.advance(1);
        assert_eq!((outbox.is_empty(), outbox.delivered()), (true, 3));
    }

    #[test]
    fn a_superseded_notice_at_the_front_leaves_no_empty_write() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"1"), Some(ReplaceableFrame::Count), BYTES_MAX).unwrap();
        outbox.push(vec![0; WRITE_BYTES + 1].into(), None, BYTES_MAX).unwrap();
        outbox.push(Bytes::from_static(b"2"), Some(ReplaceableFrame::Count), BYTES_MAX).unwrap();
        assert_eq!(outbox.next_write(&mut vec![]).len(), WRITE_BYTES + 1);
    }

    #[test]
    fn a_notice_that_is_half_written_is_finished() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"old"), Some(ReplaceableFrame::Count), BYTES_MAX).unwrap();
        outbox.advance(1);
        outbox.push(Bytes::from_static(b"new"), Some(ReplaceableFrame::Count), BYTES_MAX).unwrap();
        assert_eq!(next(&outbox), "ldnew");
    }

    #[test]
    fn nothing_follows_a_close_frame() {
        let mut outbox = outbox(&["a"]);
        outbox.close(Bytes::from_static(b"c"));
        outbox.close(Bytes::from_static(b"d"));
        outbox.push(Bytes::from_static(b"e"), None, BYTES_MAX).unwrap();
        assert_eq!(next(&outbox), "ac");
    }
}
