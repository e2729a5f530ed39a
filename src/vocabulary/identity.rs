//! TLS certificates and private keys, read from PEM.

use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// A certificate with its chain of issuers, and its private key.
#[derive(Debug)]
pub struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

impl Identity {
    /// Reads a certificate chain and its key.
    ///
    /// # Errors
    /// The file that is wrong, and why, as the end of a sentence that names the file.
    pub fn read(certificate: &[u8], key: &[u8]) -> Result<Self, (IdentityFile, String)> {
        let chain = certificates(certificate).map_err(|why| (IdentityFile::Certificate, why))?;
        let key = private_key(key).map_err(|why| (IdentityFile::Key, why))?;
        Ok(Self { chain, key })
    }
}

/// One of the two files of an [`Identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdentityFile {
    Certificate,
    Key,
}

/// Reads every certificate of a PEM text; at least one.
///
/// # Errors
/// No certificate, or a damaged one; as the end of a sentence that names the file.
pub fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(certificates) if certificates.is_empty() => Err(no("certificate", "CERTIFICATE")),
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(format!("not PEM: {error}")),
    }
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(key),
        Err(rustls_pki_types::pem::Error::NoItemsFound) => {
            let locked = b"ENCRYPTED PRIVATE KEY";
            if pem.windows(locked.len()).any(|window| window == locked) {
                return Err("the key is encrypted; `openssl pkey` writes one that is not".to_owned());
            }
            Err(no("private key", "PRIVATE KEY"))
        }
        Err(error) => Err(format!("not PEM: {error}")),
    }
}

fn no(what: &str, label: &str) -> String {
    format!("no {what} in it; in PEM, one starts with -----BEGIN {label}-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    const KEY: &str = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";

    fn check(certificate: &str, key: &str, expected: Result<usize, (IdentityFile, &str)>) {
        let read = Identity::read(certificate.as_bytes(), key.as_bytes()).map(|identity| identity.chain.len());
        assert_eq!(read.as_ref().map_err(|(part, why)| (*part, why.as_str())), expected.as_ref().map_err(|e| *e));
    }

    #[test]
    fn a_file_may_hold_more_than_is_asked_for() {
        check(CERTIFICATE, KEY, Ok(1));
        let both = format!("a comment\n{KEY}{CERTIFICATE}{CERTIFICATE}");
        check(&both, &both, Ok(2));
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        use IdentityFile::{Certificate, Key};
        let none = "no certificate in it; in PEM, one starts with -----BEGIN CERTIFICATE-----";
        check("", KEY, Err((Certificate, none)));
        check(KEY, KEY, Err((Certificate, none)));
        let none = "no private key in it; in PEM, one starts with -----BEGIN PRIVATE KEY-----";
        check(CERTIFICATE, CERTIFICATE, Err((Key, none)));
        let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        check(CERTIFICATE, locked, Err((Key, "the key is encrypted; `openssl pkey` writes one that is not")));
        let cut = "-----BEGIN CERTIFICATE-----\nAAAA\n";
        let read = Identity::read(cut.as_bytes(), KEY.as_bytes()).map(|_| ());
        assert!(read.is_err_and(|(part, why)| part == Certificate && why.starts_with("not PEM: ")));
    }

    #[test]
    fn a_key_is_never_printed() {
        let shown = format!("{:?}", Identity::read(CERTIFICATE.as_bytes(), KEY.as_bytes()).unwrap());
        assert!(shown.contains("elided"), "{shown}");
    }
}
