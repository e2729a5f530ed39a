//! Client for the target's own metrics: one plain HTTP/1.1 request, one bounded answer, no redirects.

use super::exposition::series;
use crate::signaling::{TargetPolicy, resolve};
use crate::vocabulary::Redactor;
use percent_encoding::percent_decode_str;
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;

/// The most bytes of an answer that are read; the rest is cut.
const BYTES_MAX: u64 = 1 << 20;

/// The most time for a request: half the sampling interval, so that a slow answer delays no sample.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// The prefix of series that each client library of Prometheus offers.
const DEFAULT_PREFIX: &str = "process_";

/// The URL of metrics. Its fragment holds the prefixes of the wanted names, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsUrl {
    url: Url,
    prefixes: Vec<String>,
}

impl fmt::Display for MetricsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Leaves out the userinfo, which may be a secret.
        write!(f, "http://{}{}", self.url.authority().rsplit('@').next().unwrap_or_default(), self.url.path())
    }
}

impl MetricsUrl {
    /// Parses `--target-metrics`.
    ///
    /// # Errors
    /// One sentence for the user.
    pub fn read(text: &str) -> Result<Self, String> {
        // The text is not shown: it may have a login.
        let mut url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        if url.scheme() != "http" || url.host_str().is_none() {
            return Err("metrics are read over plain http://, such as http://127.0.0.1:9090/metrics".to_owned());
        }
        let named = url.fragment().unwrap_or(DEFAULT_PREFIX);
        let prefixes = named.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).map(str::to_owned).collect();
        url.set_fragment(None);
        Ok(Self { url, prefixes })
    }

    /// Checks that there are metrics, before a search relies on them.
    ///
    /// # Errors
    /// One sentence without a subject.
    pub async fn check(&self, reach: &TargetPolicy) -> Result<(), String> {
        let late = |_| format!("no answer within {} ms", ANSWER_MAX.as_millis());
        let body = tokio::time::timeout(ANSWER_MAX, self.fetch(reach)).await.map_err(late)??;
        if series(&body, &self.prefixes).is_empty() {
            let prefixes = self.prefixes.join(" or ");
            return Err(format!(
                "it has no series that begins with {prefixes}: name others after a #, as in …/metrics#ws_"
            ));
        }
        Ok(())
    }

    /// The current values; empty if the target does not answer in time, or not with metrics.
    pub async fn scrape(&self, reach: &TargetPolicy) -> BTreeMap<String, f64> {
        let body = tokio::time::timeout(ANSWER_MAX, self.fetch(reach)).await;
        let redactor = self.redactor();
        let series = body.ok().and_then(Result::ok).map(|body| series(&body, &self.prefixes)).unwrap_or_default();
        series.into_iter().map(|(name, value)| (redactor.text(&name), value)).collect()
    }

    async fn fetch(&self, reach: &TargetPolicy) -> Result<String, String> {
        let host = self.url.host_str().unwrap_or_default();
        let port = self.url.port_or_known_default().unwrap_or(80);
        let addresses = resolve(host, port).await.map_err(|failure| failure.detail.into_owned())?;
        let near = addresses.into_iter().find(|address| reach.allows(host, address.ip()));
        let address =
            near.ok_or_else(|| format!("neither on this machine nor private: --allow-target {host} lets it be asked"))?;
        let in_words = |error: std::io::Error| error.to_string();
        let mut stream = TcpStream::connect(address).await.map_err(in_words)?;
        stream.write_all(self.request().as_bytes()).await.map_err(in_words)?;
        let mut answer = vec![];
        // The whole lines before a connection broke still count.
        let _ = stream.take(BYTES_MAX).read_to_end(&mut answer).await;
        body(&String::from_utf8_lossy(&answer)).map_err(|why| self.redactor().text(&why))
    }

    /// Hides the URL's own secrets, which an answer may quote.
    fn redactor(&self) -> Redactor {
        let query = self.url.query_pairs().map(|(_, value)| value.into_owned());
        let login = [self.url.username(), self.url.password().unwrap_or_default()];
        Redactor::new(query.chain(login.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned())))
    }

    fn request(&self) -> String {
        let (host, path) = (self.url.host_str().unwrap_or_default(), self.url.path());
        let mut request = format!("GET {path}");
        if let Some(query) = self.url.query() {
            let _ = write!(request, "?{query}");
        }
        let _ = write!(request, " HTTP/1.1\r\nHost: {host}");
        if let Some(port) = self.url.port() {
            let _ = write!(request, ":{port}");
        }
        request + "\r\nAccept: text/plain; version=0.0.4\r\nConnection: close\r\n\r\n"
    }
}

/// The body of a 200 answer. Chunks (RFC 9112 §7.1) are not decoded: a chunk size on its own line is no sample, and one
/// inside a sample spoils only that sample.
fn body(answer: &str) -> Result<String, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("its answer is no HTTP")?;
    let status = head.lines().next().and_then(|line| line.split_once(' ')).map_or("", |(_, status)| status.trim());
    let is_good = status.split_ascii_whitespace().next() == Some("200");
    if is_good { Ok(body.to_owned()) } else { Err(format!("it answered {status:?}")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[test]
    fn the_fragment_chooses_the_series() {
        let read = |text| MetricsUrl::read(text).unwrap();
        assert_eq!(read("http://127.0.0.1:1/m#ws_,go_").prefixes, ["ws_", "go_"]);
        assert_eq!(read("http://127.0.0.1:1/m").prefixes, ["process_"]);
        assert_eq!(
            read("http://127.0.0.1:1/m?a=b#ws_").request().lines().take(2).collect::<Vec<_>>(),
            ["GET /m?a=b HTTP/1.1", "Host: 127.0.0.1:1"]
        );
        assert!(MetricsUrl::read("https://127.0.0.1/").unwrap_err().contains("plain http"));
        assert!(MetricsUrl::read("metrics").unwrap_err().contains("is no URL"));
    }

    /// Scrapes a server that gives `answer` to two clients, the first of which checks it.
    async fn check(answer: &'static str, expected: &[(&str, f64)], why: Option<&str>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://user:s3cret@{}/metrics?key=hidden", listener.local_addr().unwrap());
        let served = tokio::spawn(async move {
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 1_024];
                let _ = stream.read(&mut request).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        let url = MetricsUrl::read(&url).unwrap();
        let checked = url.check(&TargetPolicy::default()).await;
        let scraped = url.scrape(&TargetPolicy::default()).await;
        served.await.unwrap();
        match (checked, why) {
            (Ok(()), None) => {}
            (Err(error), Some(why)) => assert!(error.contains(why), "{error}"),
            (checked, _) => panic!("{answer}: {checked:?}"),
        }
        assert_eq!(scraped, expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect());
    }

    #[tokio::test]
    async fn metrics_are_read_whole_or_in_chunks_and_an_error_page_is_none() {
        let expected = [("process_open_fds", 9.0)];
        check("HTTP/1.1 200 OK\r\n\r\nprocess_open_fds 9\n", &expected, None).await;
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\nprocess_open_fds 9\n\r\n0\r\n\r\n";
        check(chunked, &expected, None).await;
        check("HTTP/1.1 404 Not Found\r\n\r\nprocess_open_fds 9\n", &[], Some("404 Not Found")).await;
        check("HTTP/1.1 200 OK\r\n\r\nws_peers 9\n", &[], Some("no series that begins with process_")).await;
        check("SSH-2.0\r\n", &[], Some("no HTTP")).await;
        check("HTTP/1.1 403 not s3cret, hidden\r\n\r\n", &[], Some("403 not ***, ***")).await;
    }
}
