//! The endpoint of one peer: where and how it connects, and what comes before.

use crate::dialect::{Connect, Prepare, Wire};
use crate::signaling::connections::failure;
use crate::signaling::connector::{Connector, Refused};
use crate::signaling::target_policy::resolve;
use crate::signaling::userinfo::basic;
use crate::vocabulary::{Failure, Phase, Reason};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use url::{Position, Url};

/// Address, headers and connection settings of one peer's connection.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// `ws:` or `wss:`; `http:` or `https:` for a stream of events.
    pub url: Url,
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
    pub origin: Option<String>,
    /// `meshload/VERSION (run ID)`.
    pub user_agent: String,
    pub route: Arc<Connector>,
    /// The frames that carry text.
    pub wire: Wire,
    /// HTTP requests that come before the connection.
    pub before: Option<HttpSteps>,
}

impl Endpoint {
    /// Reason why the target or its proxy may not be loaded; `None` if both may.
    pub async fn refused(&self) -> Option<Refused> {
        let (host, port) = self.destination()?;
        self.route.refused(host, port).await
    }

    /// The addresses to dial; none if a proxy dials them, or the name has none.
    pub async fn addresses(&self) -> Vec<SocketAddr> {
        match self.destination() {
            Some((host, port)) if self.route.proxy.is_none() => resolve(host, port).await.unwrap_or_default(),
            _ => vec![],
        }
    }

    /// The value of a header of its own.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Host and port to dial; the scheme's default port if the URL names none.
    pub(super) fn destination(&self) -> Option<(&str, u16)> {
        match &self.route.connect_to {
            Some((host, port)) => Some((host, *port)),
            None => Some((self.url.host_str()?, self.url.port_or_known_default()?)),
        }
    }

    /// The URL without login and query, and the host that is dialled instead of its own.
    pub(super) fn in_words(&self) -> String {
        let (scheme, query) = (self.url.scheme(), if self.url.query().is_some() { "?…" } else { "" });
        let instead = self.route.connect_to.as_ref().map(|(host, port)| format!(", at {host}:{port}"));
        let address = &self.url[Position::BeforeHost..Position::AfterPath];
        format!("{scheme}://{address}{query}{}", instead.unwrap_or_default())
    }

    pub(super) fn request(&self) -> Result<Request, Failure> {
        let mut request = self.url.as_str().into_client_request().map_err(failure)?;
        let mut headers = self.headers.clone();
        headers.push(("User-Agent".to_owned(), self.user_agent.clone()));
        headers.extend(self.subprotocol.iter().map(|name| ("Sec-WebSocket-Protocol".to_owned(), name.clone())));
        headers.extend(self.origin.iter().map(|origin| ("Origin".to_owned(), origin.clone())));
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            headers.extend(basic(&self.url).map(|basic| ("Authorization".to_owned(), basic)));
        }
        for (name, value) in headers {
            let unfit = || Failure::new(Phase::Connect, Reason::Protocol, format!("header {name} can't be sent"));
            let value = HeaderValue::from_str(&value).map_err(|_| unfit())?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?;
            request.headers_mut().append(name, value);
        }
        Ok(request)
    }
}

/// The requests of one peer, done once, and its changes to the request for the connection.
#[derive(Clone)]
pub struct HttpSteps {
    pub preparation: Rc<RefCell<Box<dyn Prepare>>>,
    /// The target's URL.
    pub base: String,
    pub own: OwnRequest,
    /// The time that the requests took, once they are answered.
    pub took: Rc<Cell<Option<Duration>>>,
}

/// The profile's own part of the request for the connection, which wins over the dialect's.
#[derive(Clone, Debug)]
pub struct OwnRequest {
    pub headers: Vec<(String, String)>,
    pub subprotocol: Option<String>,
}

impl OwnRequest {
    /// The dialect's request with the profile's headers and subprotocol.
    pub fn over(&self, connect: Connect) -> Connect {
        let Connect { url, mut headers, subprotocol, wire } = connect;
        headers.retain(|(name, _)| !self.headers.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)));
        headers.extend(self.headers.iter().cloned());
        Connect { url, headers, subprotocol: self.subprotocol.clone().or(subprotocol), wire }
    }
}

impl fmt::Debug for HttpSteps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpSteps").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str, headers: &[(&str, &str)]) -> Endpoint {
        Endpoint {
            url: Url::parse(url).unwrap(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            subprotocol: None,
            origin: None,
            user_agent: "meshload/0 (run m1)".to_owned(),
            route: Arc::default(),
            wire: Wire::Text,
            before: None,
        }
    }

    #[test]
    fn what_a_url_says_of_its_user_is_a_header_unless_there_is_one() {
        let check = |url: &str, headers: &[(&str, &str)], expected: Option<&str>| {
            let request = endpoint(url, headers).request().unwrap();
            let header = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(header.as_deref(), expected, "{url}");
        };
        check("ws://127.0.0.1/", &[], None);
        check("ws://user:pw@127.0.0.1/", &[], Some("Basic dXNlcjpwdw=="));
        check("ws://user:pw@127.0.0.1/", &[("authorization", "Bearer x")], Some("Bearer x"));
    }
}
