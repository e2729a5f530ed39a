//! The one DataChannel of a connection, over its SCTP association (RFC 8831, RFC 8832).

use super::drive::{Ended, Packets};
use super::sctp::{Association, ChannelPromise, Config, Draws, SctpEvent};
use crate::vocabulary::{EngineEvent, Reliability};
use std::time::{Duration, Instant};

/// The longest label and the longest protocol accepted in an OPEN, in bytes.
const NAME_BYTES_MAX: usize = 1_024;

const OPEN: u8 = 3;
const ACK: u8 = 2;

/// Payload protocol identifiers (RFC 8831 §8).
mod ppid {
    pub(super) const CONTROL: u32 = 50;
    pub(super) const STRING: u32 = 51;
    pub(super) const BINARY: u32 = 53;
    pub(super) const STRING_EMPTY: u32 = 56;
    pub(super) const BINARY_EMPTY: u32 = 57;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelStage {
    /// The other end opens the channel.
    ExpectOpen,
    ExpectAck,
    Open,
    Over,
}

/// The channel that this end opens, or the first that the other end opens. Further channels are acknowledged, and their
/// messages count as this channel's.
#[derive(Debug)]
pub struct DataChannel {
    association: Association,
    promise: ChannelPromise,
    stage: ChannelStage,
    stream: u16,
}

impl DataChannel {
    /// A channel that the other end opens.
    pub fn accepting(config: Config, draws: Draws) -> Self {
        let promise = ChannelPromise::RELIABLE;
        Self { association: Association::new(config, draws), promise, stage: ChannelStage::ExpectOpen, stream: 0 }
    }

    /// A channel that this end opens. The DTLS client's streams are even, the server's odd (RFC 8832 §6).
    pub fn opening(
        now: Instant,
        config: Config,
        draws: Draws,
        promise: ChannelPromise,
        label: &str,
        is_client: bool,
    ) -> Self {
        let mut association = Association::new(config, draws);
        let stream = u16::from(!is_client);
        association.send(now, stream, ppid::CONTROL, ChannelPromise::RELIABLE, &open(promise, label));
        Self { association, promise, stage: ChannelStage::ExpectAck, stream }
    }

    /// Starts the association after `pause`, unless the other end has started it by then; then call `flush`.
    pub fn connect(&mut self, now: Instant, pause: Duration) {
        self.association.connect(now, pause);
    }

    pub fn is_open(&self) -> bool {
        self.stage == ChannelStage::Open
    }

    /// Queues a message on the open channel; then call `flush`. `false`: the channel is not open, the message is too
    /// long, or the queue is full.
    pub fn send(&mut self, now: Instant, payload: &[u8]) -> bool {
        let (ppid, payload) = if payload.is_empty() { (ppid::BINARY_EMPTY, &[0][..]) } else { (ppid::BINARY, payload) };
        self.is_open() && self.association.send(now, self.stream, ppid, self.promise, payload)
    }

    /// Handles one SCTP packet; then call `flush`.
    ///
    /// # Errors
    /// The channel or its association has ended.
    pub fn handle(&mut self, now: Instant, packet: &[u8], events: &mut Vec<EngineEvent>) -> Result<(), Ended> {
        let mut received = Vec::new();
        let ended = self.association.handle(now, packet, &mut received);
        for event in received {
            self.on_event(now, event, events)?;
        }
        ended
    }

    pub fn wake_at(&self) -> Option<Instant> {
        self.association.wake_at()
    }

    /// Runs the timers that are due; then call `flush`.
    ///
    /// # Errors
    /// The other end did not answer.
    pub fn wake(&mut self, now: Instant) -> Result<(), Ended> {
        self.association.wake(now)
    }

    /// Appends the packets that are due.
    pub fn flush(&mut self, now: Instant, out: &mut Packets) {
        self.association.flush(now, out);
    }

    /// Ends the association at once, as `RTCPeerConnection.close` does; then call `flush`.
    pub fn abort(&mut self) {
        self.stage = ChannelStage::Over;
        self.association.abort();
    }

    fn on_event(&mut self, now: Instant, event: SctpEvent, events: &mut Vec<EngineEvent>) -> Result<(), Ended> {
        match event {
            SctpEvent::Message { stream, ppid: ppid::CONTROL, payload } => match (payload.first(), read_open(&payload))
            {
                (Some(&OPEN), Some(promise)) => {
                    self.association.send(now, stream, ppid::CONTROL, ChannelPromise::RELIABLE, &[ACK]);
                    if self.stage == ChannelStage::ExpectOpen {
                        (self.promise, self.stage, self.stream) = (promise, ChannelStage::Open, stream);
                        events.push(EngineEvent::Open);
                    }
                }
                (Some(&OPEN), None) => {
                    self.abort();
                    return Err(Ended::failed("malformed DATA_CHANNEL_OPEN"));
                }
                (Some(&ACK), _) => self.on_ack(stream, events),
                _ => {}
            },
            SctpEvent::Message { stream, ppid, payload } => {
                // Messages may arrive before the acknowledgement, and count as one (RFC 8832 §6).
                self.on_ack(stream, events);
                match ppid {
                    ppid::STRING | ppid::BINARY => events.push(EngineEvent::Message(payload)),
                    ppid::STRING_EMPTY | ppid::BINARY_EMPTY => events.push(EngineEvent::Message(Vec::new())),
                    _ => {}
                }
            }
            // Before it is open, our channel's stream is not reset.
            SctpEvent::StreamClosed(stream) if stream == self.stream && self.stage != ChannelStage::Open => {}
            SctpEvent::StreamClosed(stream) => {
                // Our direction of the stream closes, too (RFC 8831 §6.7).
                self.association.close_stream(stream);
                if stream == self.stream {
                    self.stage = ChannelStage::Over;
                    return Err(Ended::Closed);
                }
            }
        }
        Ok(())
    }

    fn on_ack(&mut self, stream: u16, events: &mut Vec<EngineEvent>) {
        if self.stage == ChannelStage::ExpectAck && stream == self.stream {
            self.stage = ChannelStage::Open;
            events.push(EngineEvent::Open);
        }
    }
}

/// Builds a DATA_CHANNEL_OPEN (RFC 8832 §5.1).
fn open(promise: ChannelPromise, label: &str) -> Vec<u8> {
    let (kind, parameter) = match promise.reliability {
        Reliability::Reliable => (0, 0),
        Reliability::MaxRetransmits(times) => (1, u32::from(times)),
        Reliability::MaxLifetime(millis) => (2, u32::from(millis)),
    };
    let unordered = if promise.ordered { 0 } else { 0x80 };
    let mut message = vec![OPEN, kind | unordered, 0, 0];
    message.extend_from_slice(&parameter.to_be_bytes());
    message.extend_from_slice(&(label.len() as u16).to_be_bytes());
    message.extend_from_slice(&[0; 2]);
    message.extend_from_slice(label.as_bytes());
    message
}

/// Reads an OPEN's delivery guarantees, which also hold for our messages. `None`: no OPEN, or one that RFC 8832 §5.1
/// forbids.
fn read_open(message: &[u8]) -> Option<ChannelPromise> {
    let (header, names) = message.split_first_chunk::<12>()?;
    let length = |at: usize| usize::from(u16::from_be_bytes([header[at], header[at + 1]]));
    let parameter = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
    // No browser asks for more: both are `unsigned short` in RTCDataChannelInit.
    let parameter = parameter.min(u16::MAX.into()) as u16;
    let reliability = match header[1] & 0x7f {
        0 => Reliability::Reliable,
        1 => Reliability::MaxRetransmits(parameter),
        2 => Reliability::MaxLifetime(parameter),
        _ => return None,
    };
    let fits = length(8).max(length(10)) <= NAME_BYTES_MAX && names.len() == length(8) + length(10);
    (header[0] == OPEN && fits).then_some(ChannelPromise { ordered: header[1] & 0x80 == 0, reliability })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_is_read_as_it_was_written() {
        for ordered in [true, false] {
            for reliability in [Reliability::Reliable, Reliability::MaxRetransmits(7), Reliability::MaxLifetime(250)] {
                let promise = ChannelPromise { ordered, reliability };
                let message = open(promise, "chat");
                assert_eq!(read_open(&message), Some(promise));
                assert_eq!(read_open(&message[..message.len() - 1]), None);
            }
        }
        assert_eq!(open(ChannelPromise::RELIABLE, "a"), [3, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, b'a']);
    }
}
