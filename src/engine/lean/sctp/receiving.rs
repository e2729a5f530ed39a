//! Handlers of the other end's chunks (RFC 9260 §5, §8, §9).

use super::inbound::Inbound;
use super::opening::Remote;
use super::streams::SctpEvent;
use super::wire::{Chunk, Data, Sack, kind, u32_at};
use super::{Association, Due, OPENING_PAUSE, State};
use crate::engine::lean::drive::Ended;
use std::time::Instant;

/// The largest HEARTBEAT that is answered; in bytes.
const HEARTBEAT_BYTES_MAX: usize = 512;

impl Association {
    /// Checks the verification tag (RFC 9260 §8.5 and §8.5.1): an end that has no other tag may reflect the sender's own.
    pub(super) fn has_right_tag(&self, tag: u32, chunk: Chunk<'_>) -> bool {
        let may_reflect = matches!(chunk.kind, kind::ABORT | kind::SHUTDOWN_COMPLETE) && chunk.flags & 1 != 0;
        tag == self.draws.tag || may_reflect && self.remote_tag != 0 && tag == self.remote_tag
    }

    /// Handles one chunk, except INIT. `true`: it was data.
    ///
    /// # Errors
    /// The other end has ended the association, or broken its rules.
    pub(super) fn on_chunk(
        &mut self,
        now: Instant,
        chunk: Chunk<'_>,
        events: &mut Vec<SctpEvent>,
    ) -> Result<bool, Ended> {
        match chunk.kind {
            kind::INIT_ACK => self.on_init_ack(now, chunk.body),
            kind::COOKIE_ECHO => self.on_cookie_echo(now, chunk.body),
            kind::COOKIE_ACK if self.state == State::CookieEchoed => self.establish(now),
            kind::ABORT => {
                self.end();
                return Err(Ended::Closed);
            }
            _ if self.opening.is_some() || self.state == State::Idle => {}
            kind::DATA => {
                let Some(data) = Data::read(chunk) else { return Err(Ended::failed("a chunk without data")) };
                self.inbound.on_data(&data, &mut self.streams, self.config.receive_bytes_max, events)?;
                return Ok(true);
            }
            kind::SACK => {
                if let Some(sack) = Sack::read(chunk.body) {
                    self.outbound.on_sack(now, &sack);
                }
            }
            kind::FORWARD_TSN => self.inbound.on_forward(chunk.body, &mut self.streams, events),
            kind::HEARTBEAT if chunk.body.len() <= HEARTBEAT_BYTES_MAX => self.heartbeat = Some(chunk.body.into()),
            kind::RE_CONFIG => {
                self.reset.on_chunk(chunk.body, self.inbound.cumulative(), &mut self.streams, events);
            }
            kind::SHUTDOWN => self.on_shutdown(now, chunk.body)?,
            kind::SHUTDOWN_ACK => {
                self.end();
                self.due.shutdown_complete = true;
                return Err(Ended::Closed);
            }
            kind::SHUTDOWN_COMPLETE if self.state == State::ShutdownAckSent => self.end(),
            _ => {}
        }
        Ok(false)
    }

    /// Answers an INIT with the numbers of our own, which may be under way (RFC 9260 §5.2.1). Once the association is
    /// established, an INIT is a late duplicate: an end that had lost its state would have lost its DTLS keys, too.
    pub(super) fn on_init(&mut self, now: Instant, body: &[u8]) {
        if !matches!(self.state, State::Idle | State::CookieWait | State::CookieEchoed) {
            return;
        }
        let Some((remote, _)) = Remote::read(body) else { return };
        self.opening.get_or_insert_default().invited = Some(remote);
        self.due.init_ack = true;
        if self.state == State::Idle {
            // The other end's COOKIE-ECHO comes next; if it is lost, our own INIT goes out.
            self.timer = self.timer.map(|_| now + OPENING_PAUSE);
        }
    }

    pub(super) fn on_init_ack(&mut self, now: Instant, body: &[u8]) {
        if self.state != State::CookieWait {
            return;
        }
        let Some((remote, Some(cookie))) = Remote::read(body) else { return };
        let echo = cookie.to_vec();
        self.adopt(remote);
        self.state = State::CookieEchoed;
        self.due.cookie_echo = true;
        self.timer = Some(now + OPENING_PAUSE);
        self.repeats = 0;
        self.opening.get_or_insert_default().echo = echo;
    }

    /// Handles a COOKIE-ECHO (RFC 9260 §5.1.5 and §5.2.4). The cookie stands for the tags: it is drawn for this association.
    fn on_cookie_echo(&mut self, now: Instant, body: &[u8]) {
        if body != self.draws.cookie.to_be_bytes() {
            return;
        }
        let invited = self.opening.as_ref().and_then(|opening| opening.invited);
        match (self.state, invited) {
            (State::Idle | State::CookieWait, Some(remote)) => {
                self.adopt(remote);
                self.establish(now);
            }
            (State::CookieEchoed, Some(remote)) if remote.tag == self.remote_tag => self.establish(now),
            // Our COOKIE-ACK was lost.
            (State::Established, _) => {}
            _ => return,
        }
        self.due.cookie_ack = true;
    }

    fn adopt(&mut self, remote: Remote) {
        self.remote_tag = remote.tag;
        self.zero_checksum = remote.zero_checksum;
        self.inbound = Inbound::new(remote.tsn);
        self.outbound.begin(remote.window, remote.forwards);
        self.reset.begin(remote.tsn);
    }

    fn establish(&mut self, now: Instant) {
        self.state = State::Established;
        self.opening = None;
        self.timer = None;
        self.repeats = 0;
        self.due = Due::default();
        self.outbound.arm(now);
    }

    /// Handles a SHUTDOWN (RFC 9260 §9.2), which acknowledges as a SACK does.
    fn on_shutdown(&mut self, now: Instant, body: &[u8]) -> Result<(), Ended> {
        let Some(tsn) = u32_at(body, 0) else { return Ok(()) };
        self.outbound.on_cumulative(now, tsn);
        match self.state {
            State::Established | State::ShutdownPending => {
                self.state = State::ShutdownReceived;
                Err(Ended::Closed)
            }
            // Both ends shut down at once.
            State::ShutdownSent => {
                self.state = State::ShutdownAckSent;
                self.due.shutdown_ack = true;
                self.timer = Some(now + self.outbound.rto.timeout());
                Err(Ended::Closed)
            }
            State::ShutdownAckSent => {
                self.due.shutdown_ack = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
