//! The pseudorandom function of TLS 1.2 and the secrets derived with it (RFC 5246 §5, §6.3, §8.1; RFC 7627 §4).

use super::DtlsRole;
use super::record::Secrets;
use ring::hmac::{self, HMAC_SHA256};
use zeroize::Zeroizing;

pub(super) const RANDOM_BYTES: usize = 32;
pub(super) const VERIFY_BYTES: usize = 12;

pub(super) type Random = [u8; RANDOM_BYTES];

/// The master secret, wiped when dropped.
pub(super) struct Master(Zeroizing<[u8; 48]>);

impl Master {
    /// Derives it from the ECDH secret and the hash of all messages up to the ClientKeyExchange (RFC 7627 §4).
    pub(super) fn extended(premaster: &[u8], session_hash: &[u8]) -> Self {
        Self::derived(premaster, "extended master secret", [session_hash, &[]])
    }

    /// Derives it for another end without the extended master secret (RFC 5246 §8.1).
    pub(super) fn plain(premaster: &[u8], client: &Random, server: &Random) -> Self {
        Self::derived(premaster, "master secret", [client, server])
    }

    fn derived(premaster: &[u8], label: &str, seed: [&[u8]; 2]) -> Self {
        let mut master = Zeroizing::new([0; 48]);
        expand(premaster, label, seed, master.as_mut());
        Self(master)
    }

    /// The secrets that `role` writes with, and those that it reads with (RFC 5246 §6.3).
    pub(super) fn secrets(&self, role: DtlsRole, client: &Random, server: &Random) -> (Secrets, Secrets) {
        let mut block = Zeroizing::new([0; 40]);
        expand(self.0.as_ref(), "key expansion", [server, client], block.as_mut());
        let secrets = |key: usize, salt: usize| {
            let mut secrets = Secrets::default();
            secrets.key.copy_from_slice(&block[key..key + 16]);
            secrets.salt.copy_from_slice(&block[salt..salt + 4]);
            secrets
        };
        let (client, server) = (secrets(0, 32), secrets(16, 36));
        match role {
            DtlsRole::Client => (client, server),
            DtlsRole::Server => (server, client),
        }
    }

    /// The contents of the Finished message of `role` (RFC 5246 §7.4.9).
    pub(super) fn verify_data(&self, role: DtlsRole, transcript_hash: &[u8]) -> [u8; VERIFY_BYTES] {
        let label = match role {
            DtlsRole::Client => "client finished",
            DtlsRole::Server => "server finished",
        };
        let mut data = [0; VERIFY_BYTES];
        expand(self.0.as_ref(), label, [transcript_hash, &[]], &mut data);
        data
    }
}

/// P_SHA256 (RFC 5246 §5).
fn expand(secret: &[u8], label: &str, seed: [&[u8]; 2], out: &mut [u8]) {
    let key = hmac::Key::new(HMAC_SHA256, secret);
    let feed = |context: &mut hmac::Context| {
        context.update(label.as_bytes());
        seed.iter().for_each(|part| context.update(part));
    };
    let mut context = hmac::Context::with_key(&key);
    feed(&mut context);
    let mut link = context.sign();
    for piece in out.chunks_mut(32) {
        let mut context = hmac::Context::with_key(&key);
        context.update(link.as_ref());
        feed(&mut context);
        let block = context.sign();
        piece.copy_from_slice(&block.as_ref()[..piece.len()]);
        link = hmac::sign(&key, link.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of <https://mailarchive.ietf.org/arch/msg/tls/fzVCzk-z3FShgGJ6DOXqM1ydxms/>.
    #[test]
    fn the_known_vector_comes_out() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let mut out = [0; 100];
        let (secret, seed) = (hex("9bbe436ba940f017b17652849a71db35"), hex("a0ba9f936cda311827a6f796ffd5198c"));
        expand(&secret, "test label", [&seed, &[]], &mut out);
        let expected = "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7\
            077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66";
        assert_eq!(out.to_vec(), hex(&expected.replace(' ', "")));
    }
}
