//! Packets to send: control chunks, acknowledgements and data in as few packets as hold them.

use super::opening::write_init;
use super::outbound::PACKET_BYTES_MAX;
use super::wire::{PacketWriter, kind};
use super::{Association, Draws, State};
use crate::engine::lean::drive::Packets;
use std::time::Instant;

impl Association {
    /// Appends the packets that are due.
    pub fn flush(&mut self, now: Instant, out: &mut Packets) {
        if self.state == State::Over {
            return self.flush_last(out);
        }
        let invited = self.opening.as_ref().and_then(|opening| opening.invited);
        let Draws { tag, tsn, cookie } = self.draws;
        if let Some(remote) = invited
            && std::mem::take(&mut self.due.init_ack)
        {
            let write = |body: &mut Vec<u8>| write_init(body, tag, tsn, Some(cookie));
            self.write_alone(out, remote.tag, kind::INIT_ACK, write);
        }
        if std::mem::take(&mut self.due.init) {
            self.write_alone(out, 0, kind::INIT, |body| write_init(body, tag, tsn, None));
        }
        let mut more = self.remote_tag != 0;
        while more {
            self.close_when_empty(now);
            out.write(|bytes| more = self.write_packet(now, bytes));
        }
    }

    fn flush_last(&mut self, out: &mut Packets) {
        let due = std::mem::take(&mut self.due);
        if due.abort {
            self.write_alone(out, self.remote_tag, kind::ABORT, |_| {});
        }
        if due.shutdown_complete {
            self.write_alone(out, self.remote_tag, kind::SHUTDOWN_COMPLETE, |_| {});
        }
    }

    /// Appends a packet of one chunk, always with its checksum (RFC 9653 §5.2).
    fn write_alone(&self, out: &mut Packets, tag: u32, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        out.write(|bytes| {
            let mut writer = PacketWriter::new(bytes, self.config.ports, tag, PACKET_BYTES_MAX);
            writer.chunk(kind, 0, write);
            writer.end(true);
        });
    }

    /// Appends one packet, if anything is left to send. `false`: no packet may follow now.
    fn write_packet(&mut self, now: Instant, bytes: &mut Vec<u8>) -> bool {
        let mut writer = PacketWriter::new(bytes, self.config.ports, self.remote_tag, PACKET_BYTES_MAX);
        let due = std::mem::take(&mut self.due);
        if due.cookie_echo
            && let Some(opening) = &self.opening
        {
            writer.chunk(kind::COOKIE_ECHO, 0, |body| body.extend_from_slice(&opening.echo));
        }
        if due.cookie_ack {
            writer.chunk(kind::COOKIE_ACK, 0, |_| {});
        }
        if let Some(information) = self.heartbeat.take() {
            writer.chunk(kind::HEARTBEAT_ACK, 0, |body| body.extend_from_slice(&information));
        }
        if due.shutdown {
            let tsn = self.inbound.cumulative();
            writer.chunk(kind::SHUTDOWN, 0, |body| body.extend_from_slice(&tsn.to_be_bytes()));
        }
        if due.shutdown_ack {
            writer.chunk(kind::SHUTDOWN_ACK, 0, |_| {});
        }
        let outbound = &mut self.outbound;
        let is_up = self.opening.is_none();
        if is_up {
            self.reset.write(now, outbound.rto.timeout(), outbound.acked(), &mut writer);
        }
        let mut is_worth_it = !writer.is_empty();
        let acknowledges =
            is_up && self.inbound.owes() && (is_worth_it || self.inbound.owes_at_once() || !outbound.is_empty());
        if acknowledges {
            self.inbound.write_sack(&mut writer);
        }
        is_worth_it |= acknowledges && self.inbound.owes_at_once();
        // Data may go out with the cookie, but no second packet before the COOKIE-ACK (RFC 9260 §5.1, C).
        if is_up || due.cookie_echo {
            is_worth_it |= outbound.fill(now, &mut writer);
        }
        if !is_up {
            outbound.timer = None;
        }
        if !is_worth_it {
            writer.take_back();
            return false;
        }
        if acknowledges {
            self.inbound.acknowledged();
        }
        writer.end(!self.zero_checksum || due.cookie_echo);
        is_up
    }

    /// Continues a shutdown once everything is acknowledged (RFC 9260 §9.2).
    fn close_when_empty(&mut self, now: Instant) {
        if !self.outbound.is_empty() {
            return;
        }
        match self.state {
            State::ShutdownPending => {
                self.state = State::ShutdownSent;
                self.due.shutdown = true;
            }
            State::ShutdownReceived => {
                self.state = State::ShutdownAckSent;
                self.due.shutdown_ack = true;
            }
            _ => return,
        }
        self.timer = Some(now + self.outbound.rto.timeout());
    }
}
