//! Inbound streams, and the events that chunks lead to.

/// Events of the association.
#[derive(Debug, PartialEq, Eq)]
pub enum SctpEvent {
    Message {
        stream: u16,
        ppid: u32,
        payload: Vec<u8>,
    },
    /// The other end has closed its half of a stream.
    StreamClosed(u16),
}

/// Streams that this end allows each way; in WebRTC one stream is a DataChannel.
pub(super) const STREAMS_MAX: u16 = 1_024;

/// Sequence numbers of one stream, from its first use on.
#[derive(Clone, Copy, Debug)]
pub(super) struct InboundStream {
    id: u16,
    pub next_out: u16,
    pub next_in: u16,
}

/// The streams in use; they are few, so a lookup searches from the front.
#[derive(Debug, Default)]
pub(super) struct Streams(Vec<InboundStream>);

impl Streams {
    /// The stream `id`, added at its first use. `None`: `id` is `STREAMS_MAX` or more.
    pub(super) fn at(&mut self, id: u16) -> Option<&mut InboundStream> {
        if let Some(at) = self.0.iter().position(|stream| stream.id == id) {
            return self.0.get_mut(at);
        }
        if id >= STREAMS_MAX {
            return None;
        }
        self.0.reserve_exact(1);
        self.0.push(InboundStream { id, next_out: 0, next_in: 0 });
        self.0.last_mut()
    }

    /// Resets the next inbound SSN of a stream to zero (RFC 6525 §5.2.2).
    pub(super) fn reset_in(&mut self, id: u16) {
        for stream in self.0.iter_mut().filter(|stream| stream.id == id) {
            stream.next_in = 0;
        }
    }

    pub(super) fn reset_out(&mut self, id: u16) {
        for stream in self.0.iter_mut().filter(|stream| stream.id == id) {
            stream.next_out = 0;
        }
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|stream| stream.id)
    }
}
