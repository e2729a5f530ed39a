//! The HTTP proxy of a target, chosen from the environment by curl's rules.

mod no_proxy;
pub(super) mod tunnel;

use super::userinfo::basic;
use crate::profile::{Secret, VariableLookup};
use url::{Host, Url};

/// A proxy that opens tunnels (RFC 9110 §9.3.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// True for an `https` proxy.
    pub secure: bool,
    /// Value of `Proxy-Authorization`.
    pub authorization: Option<Secret>,
}

impl Proxy {
    /// Chooses the proxy for `url`. The first variable that is set and not empty counts: the WebSocket scheme's, the
    /// HTTP scheme's, then `all_proxy`.
    ///
    /// # Errors
    /// The value is no usable proxy: one sentence, without the value, which may hold a credential.
    pub fn choose(url: &Url, environment: VariableLookup<'_>) -> Result<Option<Self>, String> {
        let Some(host) = url.host_str() else { return Ok(None) };
        // `HTTP_PROXY` is left out: in a CGI program the client's header `Proxy` sets it (httpoxy).
        let variables: &[&str] = match url.scheme() {
            "wss" => &["wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"],
            _ => &["ws_proxy", "WS_PROXY", "http_proxy", "all_proxy", "ALL_PROXY"],
        };
        let set = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let Some((variable, value)) = variables.iter().find_map(|name| Some((*name, set(name)?))) else {
            return Ok(None);
        };
        let exempt = ["no_proxy", "NO_PROXY"].iter().find_map(|name| set(name));
        if exempt.is_some_and(|list| no_proxy::exempts(&list, host)) {
            return Ok(None);
        }
        let proxy = Self::read(value.trim()).map_err(|why| format!("{variable}: {why}; --no-proxy goes without it"))?;
        // A proxy on another machine would dial its own loopback, not this machine's.
        Ok(Some(proxy).filter(|proxy| !is_loopback(host) || is_loopback(&proxy.host)))
    }

    fn read(value: &str) -> Result<Self, String> {
        let (scheme, rest) = value.split_once("://").unwrap_or(("http", value));
        let secure = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("only http:// and https:// proxies are spoken to".to_owned()),
        };
        // `url` drops a known scheme's default port, so an unknown scheme keeps the port.
        let url = Url::parse(&format!("proxy://{rest}")).map_err(|error| format!("not a URL: {error}"))?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let authorization = basic(&url).map(Secret::new);
        // curl's default port for an HTTP proxy is 1080.
        let port = url.port().unwrap_or(if secure { 443 } else { 1_080 });
        Ok(Self { host: host.to_owned(), port, secure, authorization })
    }

    /// Formats the proxy for reports, without credentials.
    pub fn shown(&self) -> String {
        format!("{}://{}:{}", if self.secure { "https" } else { "http" }, self.host, self.port)
    }
}

/// True for loopback addresses and `localhost` names (RFC 6761 §6.3).
fn is_loopback(host: &str) -> bool {
    match Host::parse(host) {
        Ok(Host::Ipv4(address)) => address.is_loopback(),
        Ok(Host::Ipv6(address)) => address.is_loopback(),
        Ok(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(url: &str, set: &[(&str, &str)]) -> Result<Option<String>, String> {
        let environment =
            |name: &str| set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let chosen = Proxy::choose(&Url::parse(url).unwrap(), &environment);
        chosen.map(|proxy| proxy.map(|proxy| proxy.shown()))
    }

    #[track_caller]
    fn check(url: &str, set: &[(&str, &str)], expected: Option<&str>) {
        assert_eq!(choose(url, set), Ok(expected.map(str::to_owned)), "{url} {set:?}");
    }

    #[test]
    fn each_scheme_has_its_variables_and_the_first_that_says_something_counts() {
        check("ws://a.example/", &[], None);
        check("ws://a.example/", &[("http_proxy", "p:1")], Some("http://p:1"));
        check("ws://a.example/", &[("HTTP_PROXY", "p:1")], None);
        check("ws://a.example/", &[("https_proxy", "p:1")], None);
        check("wss://a.example/", &[("http_proxy", "p:1")], None);
        check("wss://a.example/", &[("HTTPS_PROXY", "p:1")], Some("http://p:1"));
        check("wss://a.example/", &[("https_proxy", " "), ("HTTPS_PROXY", "p:2")], Some("http://p:2"));
        check("wss://a.example/", &[("all_proxy", "p:3"), ("https_proxy", "p:1")], Some("http://p:1"));
        check("ws://a.example/", &[("ALL_PROXY", "p:3")], Some("http://p:3"));
        check("ws://a.example/", &[("ws_proxy", "p:4"), ("http_proxy", "p:1")], Some("http://p:4"));
    }

    #[test]
    fn a_proxy_is_a_url_or_a_host_and_a_port() {
        let proxy = |value: &str| choose("ws://a.example/", &[("http_proxy", value)]).map(Option::unwrap_or_default);
        for (value, expected) in [
            ("p", "http://p:1080"),
            ("http://p:80", "http://p:80"),
            ("http://p:80/", "http://p:80"),
            ("https://p", "https://p:443"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            ("user:s3cret@p:1", "http://p:1"),
        ] {
            assert_eq!(proxy(value).as_deref(), Ok(expected), "{value}");
        }
        for (value, why) in [
            ("socks5://user:s3cret@p:1", "only http:// and https:// proxies are spoken to"),
            ("http://", "it names no host"),
            ("http://p:s3cret", "not a URL: invalid port number"),
        ] {
            assert_eq!(proxy(value), Err(format!("http_proxy: {why}; --no-proxy goes without it")), "{value}");
        }
    }

    #[test]
    fn credentials_are_decoded_sent_and_never_shown() {
        let proxy = Proxy::read("http://us%40er:p%3Aw@p:1").unwrap();
        assert_eq!(proxy.authorization.as_ref().unwrap().reveal(), "Basic dXNAZXI6cDp3");
        assert!(!format!("{proxy:?}").contains("dXNA"), "{proxy:?}");
    }

    #[test]
    fn what_is_exempt_goes_straight() {
        let set = |list| [("http_proxy", "p:1"), ("no_proxy", list)];
        check("ws://a.example/", &set("b.example,.example"), None);
        check("ws://a.example/", &set("b.example"), Some("http://p:1"));
        check("ws://a.example/", &[("http_proxy", "p:1"), ("NO_PROXY", "*")], None);
    }

    #[test]
    fn this_machine_is_reached_only_through_a_proxy_on_it() {
        for url in ["ws://127.0.0.1:9/", "ws://[::1]:9/", "ws://localhost:9/", "ws://a.localhost/"] {
            check(url, &[("http_proxy", "10.0.0.1:3128")], None);
            check(url, &[("http_proxy", "127.0.0.1:3128")], Some("http://127.0.0.1:3128"));
        }
        check("ws://10.0.0.2:9/", &[("http_proxy", "10.0.0.1:3128")], Some("http://10.0.0.1:3128"));
    }
}
