//! The handshake's transition table: state and received message determine the next flight (RFC 5246 §7.3).

use super::assembly::{Assembly, HEADER_BYTES};
use super::fault::Fault;
use super::flight::Flight;
use super::messages::{
    ClientHello, KeyExchange, NamedGroup, ServerHello, kind, read_certificate, read_cookie, read_point, read_signature,
    write_certificate, write_certificate_request, write_share, write_signature,
};
use super::prf::DtlsRole;
use super::prf::{Master, Random};
use super::record::Secrets;
use crate::engine::lean::identity::der::{POINT_BYTES, p256_key};
use crate::engine::lean::identity::{DtlsIdentity, Fingerprint};
use ring::agreement::{self, ECDH_P256, EphemeralPrivateKey, X25519, agree_ephemeral};
use ring::digest::{self, SHA256};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use std::sync::Arc;

/// The expected message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expect {
    /// A ServerHello or a HelloVerifyRequest.
    ServerHello,
    ServerCertificate,
    ServerKeyExchange,
    /// A CertificateRequest or the ServerHelloDone.
    CertificateRequest,
    ServerHelloDone,
    ClientHello,
    ClientCertificate,
    ClientKeyExchange,
    CertificateVerify,
    Finished,
}

/// The result of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HandshakeStep {
    Wait,
    /// The next flight must be sent.
    Reply,
    /// The handshake is complete; a flight that is not empty is the last to send.
    Done,
}

/// State that only the handshake needs.
pub(super) struct DtlsHandshake {
    role: DtlsRole,
    identity: Arc<DtlsIdentity>,
    fingerprint: Fingerprint,
    expect: Expect,
    client: Random,
    server: Random,
    extended: bool,
    asked_for_certificate: bool,
    group: NamedGroup,
    key: Option<EphemeralPrivateKey>,
    /// The other end's share of the key agreement.
    share: Vec<u8>,
    /// The public key of the other end's certificate.
    public_key: Option<[u8; POINT_BYTES]>,
    master: Option<Master>,
    /// The hash of all messages so far, and the messages themselves until the client's signature over them.
    hash: digest::Context,
    transcript: Vec<u8>,
    message_sequence: u16,
    pub assembly: Assembly,
    pub flight: Flight,
}

impl DtlsHandshake {
    pub(super) fn new(role: DtlsRole, identity: Arc<DtlsIdentity>, fingerprint: Fingerprint, random: Random) -> Self {
        Self {
            role,
            identity,
            fingerprint,
            expect: if role == DtlsRole::Client { Expect::ServerHello } else { Expect::ClientHello },
            client: random,
            server: random,
            extended: false,
            asked_for_certificate: false,
            group: NamedGroup::P256,
            key: None,
            share: Vec::new(),
            public_key: None,
            master: None,
            hash: digest::Context::new(&SHA256),
            transcript: Vec::with_capacity(2_048),
            message_sequence: 0,
            assembly: Assembly::default(),
            flight: Flight::default(),
        }
    }

    /// Makes the first flight of a client; it has `cookie` after a HelloVerifyRequest.
    pub(super) fn hello(&mut self, cookie: &[u8]) {
        self.flight.clear();
        self.hash = digest::Context::new(&SHA256);
        self.transcript.clear();
        let random = self.client;
        self.say(kind::CLIENT_HELLO, false, |body| ClientHello::write(body, &random, cookie));
    }

    /// Handles the next message, with its header.
    ///
    /// # Errors
    /// The handshake has failed.
    pub(super) fn take(&mut self, message: &[u8]) -> Result<HandshakeStep, Fault> {
        let (kind, body) = (message[0], &message[HEADER_BYTES..]);
        if kind == kind::HELLO_VERIFY_REQUEST && self.expect == Expect::ServerHello {
            let cookie = read_cookie(body).ok_or(Fault::malformed("HelloVerifyRequest"))?;
            self.hello(cookie);
            return Ok(HandshakeStep::Reply);
        }
        // A Finished and the client's signature cover only the messages before them.
        if !matches!(self.expect, Expect::Finished | Expect::CertificateVerify) {
            self.note(message);
        }
        match (self.expect, kind) {
            (Expect::ServerHello, kind::SERVER_HELLO) => self.on_server_hello(body),
            (Expect::ServerCertificate, kind::CERTIFICATE) => self.on_certificate(body, Expect::ServerKeyExchange),
            (Expect::ServerKeyExchange, kind::SERVER_KEY_EXCHANGE) => self.on_server_key_exchange(body),
            (Expect::CertificateRequest, kind::CERTIFICATE_REQUEST) => {
                self.asked_for_certificate = true;
                self.wait_for(Expect::ServerHelloDone)
            }
            (Expect::CertificateRequest | Expect::ServerHelloDone, kind::SERVER_HELLO_DONE) => self.finish_client(),
            (Expect::ClientHello, kind::CLIENT_HELLO) => self.on_client_hello(body),
            (Expect::ClientCertificate, kind::CERTIFICATE) => self.on_certificate(body, Expect::ClientKeyExchange),
            (Expect::ClientKeyExchange, kind::CLIENT_KEY_EXCHANGE) => {
                self.share = read_point(body).ok_or(Fault::malformed("ClientKeyExchange"))?.to_vec();
                self.agree()?;
                self.wait_for(Expect::CertificateVerify)
            }
            (Expect::CertificateVerify, kind::CERTIFICATE_VERIFY) => self.on_certificate_verify(message, body),
            (Expect::Finished, kind::FINISHED) => self.on_finished(message, body),
            (_, unexpected) => Err(Fault::unexpected(unexpected)),
        }
    }

    /// The secrets for writing and for reading, once both ends' key shares are known.
    pub(super) fn secrets(&self) -> Option<(Secrets, Secrets)> {
        self.master.as_ref().map(|master| master.secrets(self.role, &self.client, &self.server))
    }

    fn wait_for(&mut self, expect: Expect) -> Result<HandshakeStep, Fault> {
        self.expect = expect;
        Ok(HandshakeStep::Wait)
    }

    fn on_server_hello(&mut self, body: &[u8]) -> Result<HandshakeStep, Fault> {
        let hello = ServerHello::read(body)?;
        (self.server, self.extended) = (hello.random, hello.extended);
        self.wait_for(Expect::ServerCertificate)
    }

    /// Checks the certificate against the description's fingerprint, the only basis of trust (RFC 8827 §6.5).
    fn on_certificate(&mut self, body: &[u8], next: Expect) -> Result<HandshakeStep, Fault> {
        let certificate = read_certificate(body)?;
        if !self.fingerprint.matches(certificate) {
            return Err(Fault::certificate("the certificate does not match the description's fingerprint"));
        }
        self.public_key = Some(*p256_key(certificate).map_err(Fault::certificate)?);
        self.wait_for(next)
    }

    fn on_server_key_exchange(&mut self, body: &[u8]) -> Result<HandshakeStep, Fault> {
        let exchange = KeyExchange::read(body)?;
        self.verify(&[&self.client, &self.server, exchange.signed].concat(), exchange.signature)?;
        (self.group, self.share) = (exchange.group, exchange.point.to_vec());
        self.wait_for(Expect::CertificateRequest)
    }

    /// Answers the server's first flight with Certificate, ClientKeyExchange, CertificateVerify and Finished.
    fn finish_client(&mut self) -> Result<HandshakeStep, Fault> {
        self.flight.clear();
        let identity = self.identity.clone();
        if self.asked_for_certificate {
            self.say(kind::CERTIFICATE, false, |body| write_certificate(body, identity.certificate()));
        }
        let point = self.draw_key()?;
        self.say(kind::CLIENT_KEY_EXCHANGE, false, |body| {
            body.push(point.as_ref().len() as u8);
            body.extend_from_slice(point.as_ref());
        });
        self.agree()?;
        if self.asked_for_certificate {
            let signature = identity.sign(&self.transcript).ok_or(NO_RANDOM)?;
            self.say(kind::CERTIFICATE_VERIFY, false, |body| write_signature(body, signature.as_ref()));
        }
        self.flight.change_cipher_spec();
        self.say_finished(DtlsRole::Client)?;
        self.expect = Expect::Finished;
        Ok(HandshakeStep::Reply)
    }

    /// Answers with ServerHello, Certificate, ServerKeyExchange, CertificateRequest and ServerHelloDone. No cookie is
    /// requested: ICE has verified the client's address already (RFC 8827 §6.5 has no use for it either).
    fn on_client_hello(&mut self, body: &[u8]) -> Result<HandshakeStep, Fault> {
        let hello = ClientHello::read(body)?;
        (self.client, self.extended, self.group) = (hello.random, hello.extended, hello.group);
        let (identity, random) = (self.identity.clone(), self.server);
        self.flight.clear();
        self.say(kind::SERVER_HELLO, false, |body| ServerHello::write(body, &random, &hello));
        self.say(kind::CERTIFICATE, false, |body| write_certificate(body, identity.certificate()));
        let point = self.draw_key()?;
        let mut share = Vec::with_capacity(80);
        write_share(&mut share, self.group, point.as_ref());
        let signature = identity.sign(&[&self.client, &self.server, share.as_slice()].concat()).ok_or(NO_RANDOM)?;
        self.say(kind::SERVER_KEY_EXCHANGE, false, |body| {
            body.extend_from_slice(&share);
            write_signature(body, signature.as_ref());
        });
        self.say(kind::CERTIFICATE_REQUEST, false, write_certificate_request);
        self.say(kind::SERVER_HELLO_DONE, false, |_| {});
        self.expect = Expect::ClientCertificate;
        Ok(HandshakeStep::Reply)
    }

    fn on_certificate_verify(&mut self, message: &[u8], body: &[u8]) -> Result<HandshakeStep, Fault> {
        self.verify(&self.transcript, read_signature(body)?)?;
        self.hash.update(message);
        self.transcript = Vec::new();
        self.wait_for(Expect::Finished)
    }

    fn on_finished(&mut self, message: &[u8], body: &[u8]) -> Result<HandshakeStep, Fault> {
        let other = if self.role == DtlsRole::Client { DtlsRole::Server } else { DtlsRole::Client };
        let master = self.master.as_ref().ok_or(Fault::unexpected(kind::FINISHED))?;
        let expected = master.verify_data(other, self.so_far().as_ref());
        // Both are MACs of the same key; the position of the first difference tells an attacker nothing reusable.
        if body != expected {
            return Err(Fault::forged("the Finished message does not fit the handshake"));
        }
        self.hash.update(message);
        self.flight.clear();
        if self.role == DtlsRole::Server {
            self.flight.change_cipher_spec();
            self.say_finished(DtlsRole::Server)?;
        }
        Ok(HandshakeStep::Done)
    }

    fn say_finished(&mut self, role: DtlsRole) -> Result<(), Fault> {
        let master = self.master.as_ref().ok_or(Fault::internal("no master secret"))?;
        let data = master.verify_data(role, self.so_far().as_ref());
        self.say(kind::FINISHED, true, |body| body.extend_from_slice(&data));
        Ok(())
    }

    /// Appends a message of ours to the flight.
    fn say(&mut self, kind: u8, is_sealed: bool, fill: impl FnOnce(&mut Vec<u8>)) {
        let message = self.flight.message(kind, self.message_sequence, is_sealed, fill);
        self.hash.update(message);
        self.transcript.extend_from_slice(message);
        self.message_sequence += 1;
    }

    fn note(&mut self, message: &[u8]) {
        self.hash.update(message);
        self.transcript.extend_from_slice(message);
    }

    fn so_far(&self) -> digest::Digest {
        self.hash.clone().finish()
    }

    fn algorithm(&self) -> &'static agreement::Algorithm {
        match self.group {
            NamedGroup::P256 => &ECDH_P256,
            NamedGroup::X25519 => &X25519,
        }
    }

    fn draw_key(&mut self) -> Result<agreement::PublicKey, Fault> {
        let key = EphemeralPrivateKey::generate(self.algorithm(), self.identity.random()).map_err(|_| NO_RANDOM)?;
        let point = key.compute_public_key().map_err(|_| NO_RANDOM)?;
        self.key = Some(key);
        Ok(point)
    }

    /// Derives the master secret from both shares and all messages so far.
    fn agree(&mut self) -> Result<(), Fault> {
        let key = self.key.take().ok_or(Fault::internal("no key of our own"))?;
        let share = agreement::UnparsedPublicKey::new(self.algorithm(), &self.share);
        let session_hash = self.extended.then(|| self.so_far());
        let master = agree_ephemeral(key, &share, |premaster| match session_hash {
            Some(hash) => Master::extended(premaster, hash.as_ref()),
            None => Master::plain(premaster, &self.client, &self.server),
        });
        self.master = Some(master.map_err(|_| Fault::illegal("the other end's share is not on the curve"))?);
        Ok(())
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Fault> {
        let key = self.public_key.as_ref().ok_or(Fault::internal("no public key"))?;
        let checked = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(message, signature);
        checked.map_err(|_| Fault::forged("a signature does not fit the certificate"))
    }
}

const NO_RANDOM: Fault =
    Fault { alert: 80, detail: std::borrow::Cow::Borrowed("the operating system gives no random bytes") };
