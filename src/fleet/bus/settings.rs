//! The address of the bus, and the names of a run on it.

use super::messages::BusError;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use url::{Host, Url};

/// The longest name of a run, in bytes: it is part of every subject.
const NAME_BYTES_MAX: usize = 48;

/// The way to the bus.
#[derive(Clone, Debug)]
pub struct BusSettings {
    /// `nats://` or `tls://`, with user and password where the server asks for them; several servers of one cluster are
    /// separated by commas.
    pub url: String,
    /// Certificates that are trusted in the place of the machine's own, in PEM.
    pub ca: Option<PathBuf>,
    /// The certificate to show, and its key, in PEM.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// A `.creds` file, or the seed of a user's nkey.
    pub credentials: Option<PathBuf>,
    /// Permits a bus without TLS outside this machine.
    pub insecure: bool,
}

impl BusSettings {
    /// Checks the URLs, at least one, and that nothing would leave this machine in clear. All have one scheme, and one login
    /// if any has one.
    ///
    /// # Errors
    /// One sentence, without a password.
    pub(super) fn checked_urls(&self) -> Result<Vec<Url>, BusError> {
        let usage = |why: &str| Err(BusError::Usage(format!("--bus: {why}")));
        let urls: Vec<Url> = self.url.split(',').map(|url| self.checked_url(url)).collect::<Result<_, _>>()?;
        if urls.iter().any(|url| url.scheme() != urls[0].scheme()) {
            return usage("all servers of a bus are nats://, or all are tls://");
        }
        let mut logins = urls.iter().map(|url| (url.username(), url.password())).filter(|(user, _)| !user.is_empty());
        let first = logins.next();
        if logins.any(|login| Some(login) != first) {
            return usage("all servers of a bus take one login; give it once");
        }
        Ok(urls)
    }

    fn checked_url(&self, url: &str) -> Result<Url, BusError> {
        let usage = |why: &str| BusError::Usage(format!("--bus: {why}"));
        let expected = "expected a URL such as nats://127.0.0.1:4222, or several with commas between them";
        let url = Url::parse(url.trim()).map_err(|_| usage(expected))?;
        let is_local = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            // The host of a scheme that is not the web's is a name, whatever it looks like.
            Some(Host::Domain(name)) => {
                name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
            }
            None => return Err(usage("the URL has no host")),
        };
        match url.scheme() {
            "tls" => Ok(url),
            "nats" if is_local || self.insecure => Ok(url),
            "nats" => Err(usage(
                "nats:// is not encrypted, and this server is not on this machine; write tls://, or add --insecure-bus",
            )),
            _ => Err(usage("the scheme is nats:// or tls://")),
        }
    }
}

/// The name of a run on the bus: letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunName(String);

impl RunName {
    /// A name of 48 random bits.
    pub fn random() -> Self {
        Self(format!("r{:012x}", rand::random::<u64>() >> 16))
    }

    pub(super) fn subject(&self, rest: &str) -> String {
        format!("mesh.v1.{}.{rest}", self.0)
    }

    /// The key-value store of claims and plan.
    pub(super) fn bucket(&self) -> String {
        format!("mesh_{}", self.0)
    }

    /// The stream of parts.
    pub(super) fn stream(&self) -> String {
        format!("MESH_{}", self.0)
    }
}

impl FromStr for RunName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.is_empty() || text.len() > NAME_BYTES_MAX || !text.bytes().all(fits) {
            return Err(format!("a run's name has from 1 to {NAME_BYTES_MAX} letters, digits, - and _"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_this_machine_in_clear_unless_it_is_allowed() {
        let check = |url: &str, insecure, expected: Result<usize, &str>| {
            let settings = BusSettings { url: url.to_owned(), ca: None, identity: None, credentials: None, insecure };
            let checked = settings.checked_urls().map(|urls| urls.len()).map_err(|error| error.to_string());
            match expected {
                Ok(count) => assert_eq!(checked, Ok(count), "{url}"),
                Err(part) => assert!(checked.as_ref().is_err_and(|why| why.contains(part)), "{url}: {checked:?}"),
            }
        };
        for local in ["nats://127.0.0.1:4222", "nats://127.8.9.1", "nats://[::1]:4222", "nats://u:p@localhost:4222"] {
            check(local, false, Ok(1));
        }
        for far in ["nats://10.0.0.1:4222", "nats://nats.example.org", "nats://u:secret@127.0.0.1.example.org"] {
            check(far, false, Err("not encrypted"));
            check(far, true, Ok(1));
            check(&far.replace("nats://", "tls://"), false, Ok(1));
        }
        check("http://127.0.0.1", true, Err("scheme"));
        check("127.0.0.1:4222", true, Err("expected a URL"));
        check("nats:///", true, Err("no host"));
        check("nats://127.0.0.1:1, nats://u:p@127.0.0.1:2,nats://u:p@[::1]:3", false, Ok(3));
        check("nats://127.0.0.1,nats://10.0.0.1", false, Err("not encrypted"));
        check("nats://127.0.0.1,tls://10.0.0.1", false, Err("all are tls://"));
        check("nats://127.0.0.1,", false, Err("expected a URL"));
        check("nats://u:p@127.0.0.1,nats://u:q@127.0.0.1", false, Err("one login"));
    }

    #[test]
    fn a_name_is_part_of_subjects() {
        let name: RunName = "nightly-7".parse().unwrap();
        assert_eq!(name.subject("hb.2"), "mesh.v1.nightly-7.hb.2");
        for wrong in ["", "a.b", "a b", "a>", "*", &"x".repeat(49)] {
            assert!(wrong.parse::<RunName>().is_err(), "{wrong}");
        }
        assert!(RunName::random().to_string().parse::<RunName>().is_ok());
    }
}
