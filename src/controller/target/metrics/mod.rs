//! The target's own metrics: Prometheus' text over HTTP, looked at once a second while a run goes on.

mod exposition;

// Exported for the fuzzer too.
#[doc(hidden)]
pub use exposition::series;

use crate::signaling::{Connector, get};
use crate::vocabulary::Redactor;
use percent_encoding::percent_decode_str;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use url::Url;

/// The most bytes of an answer that are read; the rest is cut.
const BYTES_MAX: usize = 1 << 20;

/// The most time for a request: half the sampling interval, so that a slow answer delays no sample.
const ANSWER_MAX: Duration = Duration::from_millis(500);

/// The interval of the requests.
const SCRAPE_EVERY: Duration = Duration::from_secs(1);

/// The prefix of series that each client library of Prometheus offers.
const DEFAULT_PREFIX: &str = "process_";

/// The URL of metrics. Its fragment holds the prefixes of the wanted names, separated by commas.
#[derive(Clone, Debug)]
pub struct TargetMetrics {
    url: Url,
    prefixes: Vec<String>,
    headers: Vec<(String, String)>,
    route: Connector,
}

impl fmt::Display for TargetMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Leaves out the userinfo, which may be a secret.
        let host = self.url.authority().rsplit('@').next().unwrap_or_default();
        write!(f, "{}://{host}{}", self.url.scheme(), self.url.path())
    }
}

impl TargetMetrics {
    /// Parses `--target-metrics` and its headers, each `NAME: VALUE`.
    ///
    /// # Errors
    /// One sentence for the user.
    pub fn read(text: &str, headers: &[String]) -> Result<Self, String> {
        // Neither text is shown: it may have a login.
        let mut url = Url::parse(text).map_err(|error| format!("it is no URL: {error}"))?;
        if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
            return Err("metrics are read over http or https, as from http://127.0.0.1:9090/metrics".to_owned());
        }
        let pair = |line: &String| {
            let (name, value) = line.split_once(':')?;
            (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.trim().to_owned()))
        };
        let headers = headers.iter().map(pair).collect::<Option<_>>();
        let headers = headers.ok_or("a header of its own is NAME: VALUE, such as Authorization: Bearer …")?;
        let named = url.fragment().unwrap_or(DEFAULT_PREFIX);
        let prefixes = named.split(',').map(str::trim).filter(|prefix| !prefix.is_empty()).map(str::to_owned).collect();
        url.set_fragment(None);
        Ok(Self { url, prefixes, headers, route: Connector::default() })
    }

    /// The URL, by which its proxy is chosen.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The same over another route: trust, client certificate, proxy, and the hosts that may be asked.
    pub fn over(self, route: Connector) -> Self {
        Self { route, ..self }
    }

    /// Checks that there are metrics, before a run relies on them; asks again until `at_most` has passed.
    ///
    /// # Errors
    /// One sentence without a subject.
    pub async fn check(&self, at_most: Duration) -> Result<(), String> {
        let until = tokio::time::Instant::now() + at_most;
        loop {
            let found = self.values().await.and_then(|values| {
                let prefixes = self.prefixes.join(" or ");
                let none =
                    format!("it has no series that begins with {prefixes}: name others after a #, as in …/metrics#ws_");
                if values.is_empty() { Err(none) } else { Ok(()) }
            });
            if found.is_ok() || tokio::time::Instant::now() >= until {
                return found;
            }
            tokio::time::sleep(ANSWER_MAX).await;
        }
    }

    /// The current values, by name.
    ///
    /// # Errors
    /// One sentence without a subject: no answer in time, or none with metrics.
    async fn values(&self) -> Result<BTreeMap<String, f64>, String> {
        let redactor = self.redactor();
        let late = |_| format!("no answer within {} ms", ANSWER_MAX.as_millis());
        let reply = tokio::time::timeout(ANSWER_MAX, get(&self.route, &self.url, &self.headers, BYTES_MAX)).await;
        let reply = reply.map_err(late)?.map_err(|failure| redactor.text(&failure.detail))?;
        if reply.status != 200 {
            return Err(format!("it answered HTTP {}", reply.status));
        }
        let values = series(&String::from_utf8_lossy(&reply.body), &self.prefixes);
        Ok(values.into_iter().map(|(name, value)| (redactor.text(&name), value)).collect())
    }

    /// Hides the URL's own secrets and the headers', which an answer may quote.
    fn redactor(&self) -> Redactor {
        let query = self.url.query_pairs().map(|(_, value)| value.into_owned());
        let login = [self.url.username(), self.url.password().unwrap_or_default()];
        let login = login.map(|part| percent_decode_str(part).decode_utf8_lossy().into_owned());
        Redactor::new(query.chain(login).chain(self.headers.iter().map(|(_, value)| value.clone())))
    }
}

/// Asks once a second, until it is dropped.
pub(in crate::controller) struct MetricsScraper {
    latest: Rc<RefCell<BTreeMap<String, f64>>>,
    task: JoinHandle<()>,
}

impl MetricsScraper {
    /// Starts a task of the current `LocalSet`.
    pub(in crate::controller) fn start(metrics: TargetMetrics) -> Self {
        let latest = Rc::new(RefCell::new(BTreeMap::new()));
        let found = latest.clone();
        let task = tokio::task::spawn_local(async move {
            let mut ticks = tokio::time::interval(SCRAPE_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                // A target that does not answer leaves a row without its metrics.
                *found.borrow_mut() = metrics.values().await.unwrap_or_default();
            }
        });
        Self { latest, task }
    }

    /// The values that came since the last call.
    pub(in crate::controller) fn take(&self) -> BTreeMap<String, f64> {
        self.latest.take()
    }
}

impl Drop for MetricsScraper {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use std::io::Write;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    #[test]
    fn the_fragment_chooses_the_series_and_a_header_is_a_pair() {
        let read = |text| TargetMetrics::read(text, &[]).unwrap();
        assert_eq!(read("http://127.0.0.1:1/m#ws_,go_").prefixes, ["ws_", "go_"]);
        assert_eq!(read("http://127.0.0.1:1/m").prefixes, ["process_"]);
        assert_eq!(read("https://u:p@a.example:1/m?key=k#ws_").to_string(), "https://a.example:1/m");
        assert!(TargetMetrics::read("ws://127.0.0.1/", &[]).unwrap_err().contains("over http or https"));
        assert!(TargetMetrics::read("metrics", &[]).unwrap_err().contains("is no URL"));
        let headers = |line: &str| TargetMetrics::read("http://a/m", &[line.to_owned()]);
        assert_eq!(headers("X-Key: a:b").unwrap().headers, [("X-Key".to_owned(), "a:b".to_owned())]);
        assert!(headers("s3cret").unwrap_err().starts_with("a header of its own is NAME: VALUE"));
    }

    /// Scrapes a server that gives `answer` to two clients; gives the first one's request.
    async fn check(answer: Vec<u8>, expected: &[(&str, f64)], why: Option<&str>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://user:s3cret@{}/metrics?key=hidden", listener.local_addr().unwrap());
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let served = tokio::spawn(async move {
            let mut requests = vec![];
            for _ in 0..2 {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 4_096];
                let length = stream.read(&mut request).await.unwrap();
                requests.push(String::from_utf8_lossy(&request[..length]).into_owned());
                stream.write_all(&answer).await.unwrap();
            }
            requests.swap_remove(0)
        });
        let metrics = TargetMetrics::read(&url, &["X-Key: k1".to_owned()]).unwrap();
        let checked = metrics.check(Duration::ZERO).await;
        let scraped = metrics.values().await.unwrap_or_default();
        match (checked, why) {
            (Ok(()), None) => {}
            (Err(error), Some(why)) => assert!(error.contains(why), "{error}"),
            (checked, _) => panic!("{shown}: {checked:?}"),
        }
        assert_eq!(scraped, expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect());
        served.await.unwrap()
    }

    #[tokio::test]
    async fn metrics_are_read_whole_in_chunks_and_as_gzip_and_an_error_page_is_none() {
        let expected = [("process_open_fds", 9.0)];
        let asked = check(b"HTTP/1.1 200 OK\r\n\r\nprocess_open_fds 9\n".into(), &expected, None).await;
        assert!(asked.starts_with("GET /metrics?key=hidden HTTP/1.1\r\n"), "{asked}");
        for header in
            ["host: 127.0.0.1:", "accept-encoding: gzip", "x-key: k1", "authorization: Basic dXNlcjpzM2NyZXQ="]
        {
            assert!(asked.contains(header), "{header}: {asked}");
        }
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\nprocess_open_fds 9\n\r\n0\r\n\r\n";
        check(chunked.into(), &expected, None).await;
        let mut packed = GzEncoder::new(vec![], Compression::default());
        packed.write_all(b"process_open_fds 9\n").unwrap();
        let packed = packed.finish().unwrap();
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
        check([head.as_bytes(), &packed].concat(), &expected, None).await;
        check("HTTP/1.1 404 Not Found\r\n\r\nprocess_open_fds 9\n".into(), &[], Some("HTTP 404")).await;
        check("HTTP/1.1 200 OK\r\n\r\nws_peers 9\n".into(), &[], Some("no series that begins with process_")).await;
        check("SSH-2.0\r\n".into(), &[], Some("HTTP")).await;
    }
}
