//! What waits to be written to one client: finished frames, bounded in number and bytes.

use crate::server::rooms::ReplaceableFrame;
use bytes::Bytes;
use std::collections::VecDeque;

/// What a client may have waiting; one frame more and it is too slow to keep.
pub const FRAMES_MAX: usize = 65_536;
pub const BYTES_MAX: usize = 16 << 20;

/// Small frames are copied together up to this size for one write; a frame as large goes alone, uncopied.
pub const WRITE_BYTES: usize = 64 << 10;

#[derive(Default)]
pub struct Outbox {
    frames: VecDeque<Bytes>,
    bytes: usize,
    /// Bytes of the first frame that are written already.
    written: usize,
    /// Frames that left so far: turns a frame's number into its place in the queue.
    left: u64,
    /// Those of them that were written whole, and not superseded.
    delivered: u64,
    /// The numbers of the newest count and list.
    notices: [Option<u64>; 2],
    /// A close frame is the last thing to say (RFC 6455 §5.5.1).
    closing: bool,
}

/// There is no room: the client is too slow.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

impl Outbox {
    /// Queues a finished frame. After `close` everything else is dropped in silence.
    pub fn push(&mut self, frame: Bytes, notice: Option<ReplaceableFrame>) -> Result<(), Full> {
        if self.closing {
            return Ok(());
        }
        if let Some(notice) = notice {
            self.supersede(notice);
        }
        if self.frames.len() >= FRAMES_MAX || self.bytes + frame.len() > BYTES_MAX {
            return Err(Full);
        }
        self.bytes += frame.len();
        self.frames.push_back(frame);
        Ok(())
    }

    /// Queues the last frame; the bounds do not hold for it.
    pub fn close(&mut self, frame: Bytes) {
        if !self.closing {
            self.bytes += frame.len();
            self.frames.push_back(frame);
            self.closing = true;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Frames that were written whole, in all.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// The bytes of the next write, copied to `scratch` if they are of several frames. Not to be called when empty.
    pub fn next_write<'a>(&'a self, scratch: &'a mut Vec<u8>) -> &'a [u8] {
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

    /// So many bytes were written.
    pub fn advance(&mut self, count: usize) {
        self.bytes -= count;
        self.written += count;
        while let Some(first) = self.frames.front().filter(|first| first.len() <= self.written) {
            self.written -= first.len();
            self.delivered += u64::from(!first.is_empty());
            self.left += 1;
            self.frames.pop_front();
        }
        if self.frames.is_empty() && self.frames.capacity() > 1_024 {
            // A burst should not keep ten thousand queues at their largest.
            self.frames = VecDeque::new();
        }
    }

    /// Takes out the older notice of this sort, unless it left or is on its way.
    fn supersede(&mut self, notice: ReplaceableFrame) {
        let newest = self.left + self.frames.len() as u64;
        let older = self.notices[notice as usize].replace(newest);
        let Some(place) = older.and_then(|number| number.checked_sub(self.left)) else { return };
        let untouched = place > 0 || self.written == 0;
        if let Some(frame) = self.frames.get_mut(place as usize).filter(|_| untouched) {
            self.bytes -= frame.len();
            *frame = Bytes::new();
            // An emptied frame must not come first: a write of nothing looks like the end of the socket.
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
            outbox.push(Bytes::from_static(frame.as_bytes()), None).unwrap();
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
                outbox.push(vec![0; *length].into(), None).unwrap();
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
        outbox.push(vec![0; BYTES_MAX].into(), None).unwrap();
        assert_eq!(outbox.push(vec![0; 1].into(), None), Err(Full));
        let mut outbox = Outbox::default();
        let mut room = || outbox.push(Bytes::from_static(b"x"), None);
        assert!((0..FRAMES_MAX).all(|_| room().is_ok()));
        assert_eq!(room(), Err(Full));
    }

    #[test]
    fn a_newer_notice_takes_the_place_of_an_older_one_of_its_sort_that_still_waits() {
        let tell = |outbox: &mut Outbox, frame: &'static str, notice| {
            outbox.push(Bytes::from_static(frame.as_bytes()), Some(notice)).unwrap();
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
        outbox.push(Bytes::from_static(b"1"), Some(ReplaceableFrame::Count)).unwrap();
        outbox.push(vec![0; WRITE_BYTES + 1].into(), None).unwrap();
        outbox.push(Bytes::from_static(b"2"), Some(ReplaceableFrame::Count)).unwrap();
        assert_eq!(outbox.next_write(&mut vec![]).len(), WRITE_BYTES + 1);
    }

    #[test]
    fn a_notice_that_is_half_written_is_finished() {
        let mut outbox = Outbox::default();
        outbox.push(Bytes::from_static(b"old"), Some(ReplaceableFrame::Count)).unwrap();
        outbox.advance(1);
        outbox.push(Bytes::from_static(b"new"), Some(ReplaceableFrame::Count)).unwrap();
        assert_eq!(next(&outbox), "ldnew");
    }

    #[test]
    fn nothing_follows_a_close_frame() {
        let mut outbox = outbox(&["a"]);
        outbox.close(Bytes::from_static(b"c"));
        outbox.close(Bytes::from_static(b"d"));
        outbox.push(Bytes::from_static(b"e"), None).unwrap();
        assert_eq!(next(&outbox), "ac");
    }
}
