//! DTLS 1.2 for one connection, sans-IO (RFC 6347): the caller passes the time and datagrams, and sends the output.

mod assembly;
mod bytes;
mod fault;
mod flight;
mod handshake;
mod messages;
mod pending;
mod prf;
mod record;

use super::drive::{Drive, Ended, Packets};
use super::identity::{DtlsIdentity, Fingerprint};
use assembly::Fragment;
use fault::{CLOSE_NOTIFY, FATAL, Fault, NO_RENEGOTIATION, WARNING, describe};
use flight::{DATAGRAM_BYTES_MAX, Flight, Numbers};
use handshake::{DtlsHandshake, HandshakeStep};
use pending::Handshaking;
pub use prf::DtlsRole;
use record::{Record, ReplayWindow, SEALED_BYTES, Secrets, kind};
use std::sync::Arc;
use std::time::{Duration, Instant};

enum DtlsStage {
    Handshaking(Box<Handshaking>),
    Connected,
    Over,
}

/// One end of a DTLS connection.
pub struct Dtls {
    stage: DtlsStage,
    /// The secrets for writing and for reading.
    secrets: Option<(Secrets, Secrets)>,
    /// The next sequence number of epoch 1.
    sealed: u64,
    window: ReplayWindow,
    /// The server's ChangeCipherSpec and Finished, with the next sequence number of epoch 0: sent again if the client
    /// repeats its Finished.
    last_word: Option<Box<(Flight, u64)>>,
}

impl Dtls {
    /// `random` goes into the hello; `round_trip` is the path's.
    pub fn new(
        role: DtlsRole,
        identity: Arc<DtlsIdentity>,
        fingerprint: Fingerprint,
        random: [u8; 32],
        round_trip: Duration,
    ) -> Self {
        let handshaking = Handshaking::new(role, DtlsHandshake::new(role, identity, fingerprint, random), round_trip);
        let stage = DtlsStage::Handshaking(Box::new(handshaking));
        Self { stage, secrets: None, sealed: 0, window: ReplayWindow::default(), last_word: None }
    }

    /// Sends a client's first flight; a server has none.
    pub fn start(&mut self, now: Instant, out: &mut Packets) {
        self.send_flight(now, out);
    }

    pub fn is_connected(&self) -> bool {
        matches!(self.stage, DtlsStage::Connected)
    }

    /// Handles one datagram: decrypts it in place and appends its data to `drive.plain`. Invalid records are dropped
    /// silently (RFC 6347 §4.1.2.7).
    ///
    /// # Errors
    /// The connection has ended.
    pub fn handle(&mut self, now: Instant, mut datagram: &mut [u8], drive: &mut Drive) -> Result<(), Ended> {
        while let Some(record) = record::split(&mut datagram) {
            self.take(now, record, drive)?;
        }
        Ok(())
    }

    /// Appends one datagram of data, unless the connection is not up; `joined` extends the last datagram if there is room,
    /// for example the one with the Finished.
    pub fn send(&mut self, payload: &[u8], joined: bool, out: &mut Packets) {
        if self.is_connected() {
            self.seal(kind::APPLICATION_DATA, payload, joined, out);
        }
    }

    /// The next time to call `wake`.
    pub fn wake_at(&self) -> Option<Instant> {
        match &self.stage {
            DtlsStage::Handshaking(handshaking) => handshaking.resend_at,
            _ => None,
        }
    }

    /// Sends the flight again if its timer is due (RFC 6347 §4.2.4).
    ///
    /// # Errors
    /// The flight was sent too often without an answer.
    pub fn wake(&mut self, now: Instant, out: &mut Packets) -> Result<(), Ended> {
        let DtlsStage::Handshaking(handshaking) = &mut self.stage else { return Ok(()) };
        if handshaking.resend_at.is_none_or(|at| at > now) {
            return Ok(());
        }
        if !handshaking.back_off() {
            self.stage = DtlsStage::Over;
            return Err(Ended::Failed("no answer to a flight".into()));
        }
        self.send_flight(now, out);
        Ok(())
    }

    /// Sends close_notify (RFC 5246 §7.2.1); `joined` puts it into the last packet if there is room.
    pub fn close(&mut self, joined: bool, out: &mut Packets) {
        self.alert([WARNING, CLOSE_NOTIFY], joined, out);
        self.stage = DtlsStage::Over;
        self.secrets = None;
    }

    fn take(&mut self, now: Instant, record: Record<'_>, drive: &mut Drive) -> Result<(), Ended> {
        match (&mut self.stage, record.epoch) {
            (DtlsStage::Handshaking(_), 0) => match record.kind {
                kind::HANDSHAKE => self.on_handshake(now, 0, record.body, drive),
                kind::ALERT => self.on_alert(record.body),
                _ => Ok(()),
            },
            (DtlsStage::Handshaking(handshaking), 1) => {
                if self.secrets.is_none() || record.kind == kind::APPLICATION_DATA {
                    handshaking.keep(&record);
                    return Ok(());
                }
                self.on_sealed(now, record, drive)
            }
            (DtlsStage::Connected, 1) => self.on_sealed(now, record, drive),
            _ => Ok(()),
        }
    }

    fn on_sealed(&mut self, now: Instant, record: Record<'_>, drive: &mut Drive) -> Result<(), Ended> {
        let (content_type, sequence) = (record.kind, record.sequence);
        if !self.window.is_fresh(sequence) {
            return Ok(());
        }
        let opened = self.secrets.as_ref().and_then(|(_, read)| read.open(record));
        let Some(content) = opened else { return Ok(()) };
        self.window.note(sequence);
        match content_type {
            kind::APPLICATION_DATA => {
                // Only an end that has received our Finished sends data (RFC 5246 §7.4.9).
                self.last_word = None;
                drive.plain.push(content);
            }
            kind::HANDSHAKE => return self.on_handshake(now, 1, content, drive),
            kind::ALERT => return self.on_alert(content),
            _ => {}
        }
        Ok(())
    }

    fn on_handshake(&mut self, now: Instant, epoch: u16, mut record: &[u8], drive: &mut Drive) -> Result<(), Ended> {
        while let Some(fragment) = Fragment::split(&mut record) {
            let DtlsStage::Handshaking(handshaking) = &mut self.stage else {
                self.after_handshake(&fragment, &mut drive.out);
                continue;
            };
            // Of all handshake messages, only a Finished is of epoch 1.
            if (epoch == 1) != (fragment.kind == messages::kind::FINISHED) {
                continue;
            }
            if handshaking.is_repeat(now, &fragment) {
                self.send_flight(now, &mut drive.out);
                continue;
            }
            let mut next = match handshaking.core.assembly.take(&fragment) {
                Ok(whole) => whole.map(|whole| handshaking.core.take(whole)),
                Err(assembly::TooLong) => Some(Err(Fault::malformed("message: it is too long"))),
            };
            loop {
                if let Some(step) = next {
                    self.follow(now, step, drive)?;
                }
                let DtlsStage::Handshaking(handshaking) = &mut self.stage else { break };
                let Some(message) = handshaking.core.assembly.pop() else { break };
                next = Some(handshaking.core.take(&message));
            }
        }
        Ok(())
    }

    /// Applies the result of a message.
    fn follow(&mut self, now: Instant, step: Result<HandshakeStep, Fault>, drive: &mut Drive) -> Result<(), Ended> {
        let DtlsStage::Handshaking(handshaking) = &mut self.stage else { return Ok(()) };
        let step = match step {
            Ok(step) => step,
            Err(fault) => {
                self.alert([FATAL, fault.alert], false, &mut drive.out);
                self.stage = DtlsStage::Over;
                return Err(Ended::Failed(fault.detail));
            }
        };
        if self.secrets.is_none() {
            self.secrets = handshaking.core.secrets();
        }
        // Those that still are early are kept again.
        let early = std::mem::take(&mut handshaking.early);
        if step != HandshakeStep::Wait {
            handshaking.on_new_flight();
        }
        match step {
            HandshakeStep::Wait => {}
            HandshakeStep::Reply => self.send_flight(now, &mut drive.out),
            HandshakeStep::Done => {
                self.send_flight(now, &mut drive.out);
                self.stage_connected();
            }
        }
        for (kind, sequence, mut body) in early {
            self.take(now, Record { kind, epoch: 1, sequence, body: &mut body }, drive)?;
        }
        Ok(())
    }

    fn stage_connected(&mut self) {
        let DtlsStage::Handshaking(handshaking) = std::mem::replace(&mut self.stage, DtlsStage::Connected) else {
            return;
        };
        if !handshaking.core.flight.is_empty() {
            self.last_word = Some(Box::new((handshaking.core.flight, handshaking.plain)));
        }
    }

    /// Answers a repeated Finished with ours, which the client has not received. Renegotiation is refused
    /// (RFC 5246 §7.2.2).
    fn after_handshake(&mut self, fragment: &Fragment<'_>, out: &mut Packets) {
        match fragment.kind {
            messages::kind::FINISHED => {
                let Some((flight, plain)) = self.last_word.as_deref_mut() else { return };
                let secrets = self.secrets.as_ref().map(|(write, _)| write);
                flight.emit(Numbers { plain, sealed: &mut self.sealed, secrets }, out);
            }
            messages::kind::HELLO_REQUEST | messages::kind::CLIENT_HELLO => {
                self.alert([WARNING, NO_RENEGOTIATION], false, out);
            }
            _ => {}
        }
    }

    fn on_alert(&mut self, alert: &[u8]) -> Result<(), Ended> {
        let [level, description] = *alert else { return Ok(()) };
        if level != FATAL && description != CLOSE_NOTIFY {
            return Ok(());
        }
        let was_connected = self.is_connected();
        self.stage = DtlsStage::Over;
        if was_connected && description == CLOSE_NOTIFY {
            return Err(Ended::Closed);
        }
        Err(Ended::Failed(describe(description).into()))
    }

    fn send_flight(&mut self, now: Instant, out: &mut Packets) {
        let DtlsStage::Handshaking(handshaking) = &mut self.stage else { return };
        if handshaking.core.flight.is_empty() {
            return;
        }
        handshaking.sent_at = Some(now);
        handshaking.resend_at = Some(now + handshaking.pause);
        let secrets = self.secrets.as_ref().map(|(write, _)| write);
        let numbers = Numbers { plain: &mut handshaking.plain, sealed: &mut self.sealed, secrets };
        handshaking.core.flight.emit(numbers, out);
    }

    fn alert(&mut self, content: [u8; 2], joined: bool, out: &mut Packets) {
        match &mut self.stage {
            DtlsStage::Handshaking(handshaking) if !handshaking.core.flight.seals() => out.write(|bytes| {
                record::write_header(bytes, kind::ALERT, 0, handshaking.plain, content.len());
                bytes.extend_from_slice(&content);
                handshaking.plain += 1;
            }),
            DtlsStage::Over => {}
            _ => self.seal(kind::ALERT, &content, joined, out),
        }
    }

    fn seal(&mut self, kind: u8, content: &[u8], joined: bool, out: &mut Packets) {
        let Some((write, _)) = &self.secrets else { return };
        let bytes_max = if joined { DATAGRAM_BYTES_MAX } else { 0 };
        out.write_joined(content.len() + SEALED_BYTES, bytes_max, |bytes| {
            write.seal(bytes, kind, self.sealed, content);
        });
        self.sealed += 1;
    }
}

#[cfg(test)]
mod tests;
