//! The DTLS identity of a peer: a P-256 key and its self-signed X.509 certificate (RFC 8827 §6.5).

pub(super) mod der;

use ring::digest::{self, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use std::fmt::Write;

/// A certificate's hash as in a description (RFC 8122 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    pub algorithm: HashName,
    pub bytes: Box<[u8]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashName {
    Sha256,
    Sha384,
    Sha512,
}

impl HashName {
    /// The hash by its name in a description. `None`: it is too weak or unknown.
    pub fn named(name: &str) -> Option<Self> {
        let all = [("sha-256", Self::Sha256), ("sha-384", Self::Sha384), ("sha-512", Self::Sha512)];
        all.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, hash)| *hash)
    }

    /// The length of a hash, in bytes.
    pub fn bytes(self) -> usize {
        self.algorithm().output_len()
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

impl Fingerprint {
    pub fn matches(&self, certificate: &[u8]) -> bool {
        digest(self.algorithm.algorithm(), certificate).as_ref() == &*self.bytes
    }
}

/// A key and its certificate, shared by all connections of a peer or of a worker.
pub struct DtlsIdentity {
    key: EcdsaKeyPair,
    random: SystemRandom,
    certificate: Vec<u8>,
    /// `sha-256 AB:CD:…`, as in the description.
    fingerprint: String,
}

impl DtlsIdentity {
    /// Makes a key and signs a certificate for it; `serial` tells one from another.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate(serial: u64) -> Result<Self, &'static str> {
        const NO_KEY: &str = "no P-256 key could be made";
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).map_err(|_| NO_KEY)?;
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        let key = key.map_err(|_| NO_KEY)?;
        let body = der::certificate_body(serial, key.public_key().as_ref());
        let signature = key.sign(&random, &body).map_err(|_| NO_KEY)?;
        let certificate = der::certificate(&body, signature.as_ref());
        let mut fingerprint = "sha-256".to_owned();
        for (index, byte) in digest(&digest::SHA256, &certificate).as_ref().iter().enumerate() {
            // Writing to a String never fails.
            let _ = write!(fingerprint, "{}{byte:02X}", if index == 0 { ' ' } else { ':' });
        }
        Ok(Self { key, random, certificate, fingerprint })
    }

    pub fn certificate(&self) -> &[u8] {
        &self.certificate
    }

    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub fn random(&self) -> &SystemRandom {
        &self.random
    }

    /// Signs with ECDSA over SHA-256; the signature is DER (RFC 8422 §5.4). `None`: no random bytes.
    pub fn sign(&self, message: &[u8]) -> Option<impl AsRef<[u8]> + use<>> {
        self.key.sign(&self.random, message).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

    #[test]
    fn a_certificate_holds_its_own_key_and_matches_its_fingerprint() {
        let identity = DtlsIdentity::generate(7).unwrap();
        let key = der::p256_key(identity.certificate()).expect("a P-256 key");
        let signature = identity.sign(b"message").unwrap();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, key).verify(b"message", signature.as_ref()).unwrap();
        let (name, hex) = identity.fingerprint().split_once(' ').unwrap();
        let bytes = hex.split(':').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
        let fingerprint = Fingerprint { algorithm: HashName::named(name).unwrap(), bytes };
        assert!(fingerprint.matches(identity.certificate()));
        assert!(!fingerprint.matches(DtlsIdentity::generate(8).unwrap().certificate()));
    }
}
