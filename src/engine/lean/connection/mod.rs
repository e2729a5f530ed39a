//! One connection with one DataChannel: ICE, DTLS, SCTP and DCEP, each fed by the layer below, sans-IO.

use super::dcep::DataChannel;
use super::drive::{Drive, Ended, NOWHERE};
use super::dtls::{Dtls, DtlsRole};
use super::ice::{Credentials, Ice, NO_ANSWER};
use super::identity::{DtlsIdentity, Fingerprint};
use super::sctp::{ChannelPromise, Config, Draws};
use super::sdp::{Description, OWN_SCTP_PORT, Own, Setup};
use super::stun::is_stun;
use crate::vocabulary::{EngineEvent, Reason};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest accepted message, the same as in browsers; in bytes.
pub const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// The client waits this long for the DTLS server's INIT, which comes with the Finished, before it sends its own.
const INIT_PAUSE: Duration = Duration::from_millis(100);

/// The longest ClientHello that is kept if it arrives before the answer that names its sender; in bytes.
const HELD_BYTES_MAX: usize = 2_048;

/// Settings shared by all connections of a peer.
pub struct SharedSettings {
    pub identity: Arc<DtlsIdentity>,
    pub promise: ChannelPromise,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum LeanStage {
    /// ICE.
    Checking,
    /// DTLS.
    Securing,
    /// SCTP and DCEP.
    Associating,
    Open,
    Over,
}

/// State that is needed only until DTLS starts.
struct Prelude {
    identity: Arc<DtlsIdentity>,
    promise: ChannelPromise,
    offers: bool,
    remote: Option<(Fingerprint, DtlsRole, Config)>,
    held: Option<Box<[u8]>>,
}

/// One end of one edge.
pub struct LeanConnection {
    stage: LeanStage,
    ice: Ice,
    prelude: Option<Box<Prelude>>,
    secure: Option<Box<Secure>>,
}

/// The layers above a selected pair.
struct Secure {
    dtls: Dtls,
    channel: DataChannel,
    role: DtlsRole,
}

impl LeanConnection {
    pub fn new(offers: bool, credentials: Credentials, common: &SharedSettings, drive: &mut Drive) -> Self {
        let (identity, promise) = (common.identity.clone(), common.promise);
        // The offering end is the controlling one (RFC 8445 §6.1.1).
        let ice = Ice::new(offers, credentials, &mut drive.random);
        let prelude = Some(Box::new(Prelude { identity, promise, offers, remote: None, held: None }));
        Self { stage: LeanStage::Checking, ice, prelude, secure: None }
    }

    /// True until the channel is open or the connection over.
    pub fn is_opening(&self) -> bool {
        self.stage < LeanStage::Open
    }

    pub fn ufrag(&self) -> &str {
        &self.ice.local().ufrag
    }

    /// The description to send: an answer to `offer`, or an offer without one.
    pub fn describe(
        &self,
        offer: Option<&Description<'_>>,
        candidate: Option<&str>,
        random: &mut ChaCha8Rng,
    ) -> String {
        let fingerprint = self.prelude.as_ref().map_or("", |prelude| prelude.identity.fingerprint());
        let setup = match offer.map(|offer| offer.setup) {
            None => Setup::Actpass,
            Some(Setup::Active) => Setup::Passive,
            Some(Setup::Actpass | Setup::Passive) => Setup::Active,
        };
        let own = Own {
            session: random.random(),
            credentials: self.ice.local(),
            fingerprint,
            setup,
            candidate,
            message_bytes_max: MESSAGE_BYTES_MAX,
        };
        offer.map_or_else(|| own.offer(), |offer| own.answer(&offer.sections))
    }

    /// Applies the other end's description; ICE gives up after `patience`. `add_candidate` adds the candidates.
    ///
    /// # Errors
    /// The answer's setup is actpass, or this connection has a description of the other end already.
    pub fn apply(
        &mut self,
        now: Instant,
        description: &Description<'_>,
        patience: Duration,
        drive: &mut Drive,
    ) -> Result<(), &'static str> {
        let prelude = self.prelude.as_mut().filter(|prelude| prelude.remote.is_none());
        let prelude = prelude.ok_or("the connection has a description of the other end already")?;
        let role = match (description.setup, prelude.offers) {
            (Setup::Active, _) => DtlsRole::Server,
            (Setup::Passive, _) | (Setup::Actpass, false) => DtlsRole::Client,
            (Setup::Actpass, true) => return Err("the answer's setup is actpass"),
        };
        let config = Config {
            ports: (OWN_SCTP_PORT, description.sctp_port),
            send_bytes_max: description.message_bytes_max,
            receive_bytes_max: MESSAGE_BYTES_MAX,
        };
        prelude.remote = Some((description.fingerprint.clone(), role, config));
        self.ice.begin(now, &description.credentials, description.is_lite, patience, drive);
        Ok(())
    }

    pub fn add_candidate(&mut self, now: Instant, address: SocketAddr, drive: &mut Drive) {
        if self.stage != LeanStage::Over {
            self.ice.add(now, address, drive);
        }
    }

    /// Handles one datagram.
    pub fn handle(&mut self, now: Instant, from: SocketAddr, datagram: &mut [u8], drive: &mut Drive) {
        if self.stage == LeanStage::Over {
            return;
        }
        if is_stun(datagram) {
            self.ice.handle(now, from, datagram, drive);
            self.secure(now, drive);
        } else if self.secure.is_some() {
            if self.ice.knows(from) {
                self.on_datagram(now, datagram, drive);
            }
        } else if let Some(prelude) = &mut self.prelude
            && datagram.len() <= HELD_BYTES_MAX
        {
            prelude.held = Some((&*datagram).into());
        }
    }

    /// The next time to call `wake`.
    pub fn wake_at(&self) -> Option<Instant> {
        if self.stage == LeanStage::Over {
            return None;
        }
        let above = self.secure.as_ref().map(|secure| [secure.dtls.wake_at(), secure.channel.wake_at()]);
        [self.ice.wake_at()].into_iter().chain(above.into_iter().flatten()).flatten().min()
    }

    /// The time of the next consent check; `None` while ICE has no selected pair.
    pub fn consent_at(&self) -> Option<Instant> {
        self.ice.consent_at().filter(|_| self.stage != LeanStage::Over)
    }

    /// Sends the consent check if it is near.
    pub fn check_consent(&mut self, now: Instant, drive: &mut Drive) {
        if self.stage != LeanStage::Over {
            self.ice.check_consent(now, drive);
        }
    }

    /// Runs the timers that are due.
    pub fn wake(&mut self, now: Instant, drive: &mut Drive) {
        if self.stage == LeanStage::Over {
            return;
        }
        if let Err(why) = self.ice.wake(now, drive) {
            return self.fail(why.into(), drive);
        }
        let Some(secure) = self.secure.as_deref_mut() else { return };
        drive.out.aim(self.ice.selected().unwrap_or(NOWHERE));
        let mut done = secure.dtls.wake(now, &mut drive.out);
        if secure.channel.wake_at().is_some_and(|at| at <= now) {
            done = done.and(secure.channel.wake(now));
            self.flush(now, false, drive);
        }
        self.end(done, drive);
    }

    /// Queues a message on the open channel. `false`: no channel is open, or its queue is full.
    pub fn send(&mut self, now: Instant, payload: &[u8], drive: &mut Drive) -> bool {
        let Some(secure) = self.secure.as_deref_mut().filter(|_| self.stage == LeanStage::Open) else { return false };
        let sent = secure.channel.send(now, payload);
        if sent {
            self.flush(now, false, drive);
        }
        sent
    }

    /// Sends ABORT and close_notify to the other end in one datagram, and drops the connection's state.
    pub fn close(&mut self, now: Instant, drive: &mut Drive) {
        if self.stage == LeanStage::Over {
            return;
        }
        let before = drive.out.len();
        if let Some(secure) = self.secure.as_deref_mut() {
            secure.channel.abort();
            self.flush(now, false, drive);
        }
        self.forget(drive.out.len() > before, drive);
    }

    /// Starts DTLS once a pair is selected.
    fn secure(&mut self, now: Instant, drive: &mut Drive) {
        let Some(selected) = self.ice.selected().filter(|_| self.stage == LeanStage::Checking) else { return };
        let Some(prelude) = self.prelude.take() else { return };
        let Some((fingerprint, role, config)) = prelude.remote else { return };
        self.stage = LeanStage::Securing;
        drive.events.push(EngineEvent::IceUp);
        let Drive { random, out, .. } = drive;
        let draws = Draws { tag: random.random(), tsn: random.random(), cookie: random.random() };
        let channel = if prelude.offers {
            DataChannel::opening(now, config, draws, prelude.promise, "chat", role == DtlsRole::Client)
        } else {
            DataChannel::accepting(config, draws)
        };
        let mut dtls = Dtls::new(role, prelude.identity, fingerprint, random.random(), self.ice.round_trip());
        out.aim(selected);
        dtls.start(now, out);
        self.secure = Some(Box::new(Secure { dtls, channel, role }));
        if let Some(mut held) = prelude.held {
            self.on_datagram(now, &mut held, drive);
        }
    }

    fn on_datagram(&mut self, now: Instant, datagram: &mut [u8], drive: &mut Drive) {
        let Some(Secure { dtls, channel, role }) = self.secure.as_deref_mut() else { return };
        drive.out.aim(self.ice.selected().unwrap_or(NOWHERE));
        let was_connected = dtls.is_connected();
        let mut done = dtls.handle(now, datagram, drive);
        let is_new = dtls.is_connected() && !was_connected;
        if is_new {
            self.stage = LeanStage::Associating;
            drive.events.push(EngineEvent::DtlsUp);
            channel.connect(now, if *role == DtlsRole::Client { INIT_PAUSE } else { Duration::ZERO });
        }
        for (_, packet) in drive.plain.iter() {
            done = done.and(channel.handle(now, packet, &mut drive.events));
        }
        drive.plain.clear();
        self.flush(now, is_new, drive);
        self.end(done, drive);
    }

    /// Seals the association's packets; `joined` puts the first into the Finished's datagram.
    fn flush(&mut self, now: Instant, mut joined: bool, drive: &mut Drive) {
        let Some(Secure { dtls, channel, .. }) = self.secure.as_deref_mut().filter(|secure| secure.dtls.is_connected())
        else {
            return;
        };
        let Drive { out, plain, .. } = drive;
        channel.flush(now, plain);
        out.aim(self.ice.selected().unwrap_or(NOWHERE));
        for (_, packet) in plain.iter() {
            dtls.send(packet, std::mem::take(&mut joined), out);
        }
        plain.clear();
        if self.stage == LeanStage::Associating && channel.is_open() {
            self.stage = LeanStage::Open;
        }
    }

    /// Ends the connection if one of its layers has ended.
    fn end(&mut self, done: Result<(), Ended>, drive: &mut Drive) {
        match done {
            Ok(()) => {}
            Err(Ended::Closed) => self.fail("the other end has closed".into(), drive),
            Err(Ended::Failed(why)) => self.fail(why, drive),
        }
    }

    /// Ends the connection: an open one has closed, any other has failed in the layer that it was at.
    fn fail(&mut self, detail: Cow<'static, str>, drive: &mut Drive) {
        let reason = match self.stage {
            LeanStage::Checking => Some(Reason::IceFailed),
            // Consent has ended; errors of DTLS itself have other texts.
            LeanStage::Securing if detail == NO_ANSWER => Some(Reason::IceFailed),
            LeanStage::Securing => Some(Reason::DtlsFailed),
            LeanStage::Associating => Some(Reason::ChannelFailed),
            LeanStage::Open | LeanStage::Over => None,
        };
        drive.events.push(reason.map_or(EngineEvent::Closed, |reason| EngineEvent::Failed { reason, detail }));
        self.forget(false, drive);
    }

    /// Drops the connection's state; `joined` puts close_notify into the last packet.
    fn forget(&mut self, joined: bool, drive: &mut Drive) {
        self.stage = LeanStage::Over;
        self.prelude = None;
        if let Some(mut secure) = self.secure.take() {
            drive.out.aim(self.ice.selected().unwrap_or(NOWHERE));
            secure.dtls.close(joined, &mut drive.out);
        }
    }
}

#[cfg(test)]
mod tests;
