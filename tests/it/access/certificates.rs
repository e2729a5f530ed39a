//! Certificates of every sort of wrongness, as files.

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

pub const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// An authority, and what it has signed.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// A certificate and its key, in files.
pub struct Files {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        Self::named(&format!("authority {} of this test", MADE.fetch_add(1, Ordering::Relaxed)))
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::new(vec![]).expect("no names are names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        Self { issuer, folder: tempfile::tempdir().expect("a folder") }
    }

    /// The authority's own certificate, for `--ca`.
    pub fn file(&self) -> String {
        self.write("ca.pem", &self.issuer.as_ref().pem())
    }

    pub fn issue(&self, name: &str, names: &[&str]) -> Files {
        self.sign(name, params(names))
    }

    pub fn issue_expired(&self, name: &str) -> Files {
        let mut params = params(&NAMES);
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
        self.sign(name, params)
    }

    pub fn issue_for_a_client(&self, name: &str) -> Files {
        self.issue_for_a_client_in(self, name)
    }

    /// Its files lie where another authority keeps its own.
    pub fn issue_for_a_client_in(&self, keeper: &Self, name: &str) -> Files {
        let mut params = params(&[name]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        keeper.files(name, &certificate.pem(), &key)
    }

    pub fn self_signed(&self, name: &str) -> Files {
        let key = KeyPair::generate().expect("a key");
        let certificate = params(&NAMES).self_signed(&key).expect("a certificate");
        self.files(name, &certificate.pem(), &key)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    fn sign(&self, name: &str, params: CertificateParams) -> Files {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.files(name, &certificate.pem(), &key)
    }

    fn files(&self, name: &str, certificate: &str, key: &KeyPair) -> Files {
        let certificate = self.write(&format!("{name}.pem"), certificate);
        Files { certificate, key: self.write(&format!("{name}.key"), &key.serialize_pem()) }
    }
}

fn params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    CertificateParams::new(names).expect("names")
}
