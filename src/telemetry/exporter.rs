//! The OTLP exporter: what grew since the last export goes to a collector over HTTP, now and then and at the end of a run.

use super::{MetricsFeed, OtlpSettings};
use crate::report::OtlpDeltas;
use crate::signaling::{Connector, post};
use crate::vocabulary::{Redactor, format};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;
use std::sync::mpsc;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::MissedTickBehavior;

/// The most time for the last export of a run to a collector that did not take the one before.
const HOPELESS_MAX: Duration = Duration::from_secs(2);
/// The most bytes of a collector's answer that are read, for its words about a failure.
const ANSWER_BYTES_MAX: usize = 4 * 1024;
/// Characters of these words that a warning shows.
const WORDS_MAX: usize = 200;

pub(super) struct Exporter<W> {
    settings: OtlpSettings,
    route: Connector,
    feed: MetricsFeed,
    state: OtlpDeltas,
    /// The last export failed.
    fails: bool,
    /// `None` once it was told.
    warn: Option<W>,
}

impl<W: FnOnce(String)> Exporter<W> {
    pub(super) fn new(settings: OtlpSettings, route: Connector, feed: MetricsFeed, warn: W) -> Self {
        Self { settings, route, feed, state: OtlpDeltas::default(), fails: false, warn: Some(warn) }
    }

    /// Exports until it is dropped; at once for each of `flushes`.
    pub(super) async fn run(mut self, mut flushes: UnboundedReceiver<mpsc::Sender<()>>) {
        let mut ticks = tokio::time::interval(self.settings.every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let done = tokio::select! {
                _ = ticks.tick() => None,
                Some(done) = flushes.recv() => Some(done),
            };
            let timeout = self.settings.timeout;
            self.export(if done.is_some() && self.fails { timeout.min(HOPELESS_MAX) } else { timeout }).await;
            // Fails if nobody waits any more.
            let _ = done.map(|done| done.send(()));
        }
    }

    /// Exports what grew; all of it is part of the next export if the collector does not take it.
    async fn export(&mut self, timeout: Duration) {
        let Some(snapshot) = self.feed.fresh().await else { return };
        let (body, next) = self.state.export(&snapshot, &self.settings.attributes, SystemTime::now());
        let sent = self.send(body, timeout).await;
        self.fails = sent.is_err();
        match sent {
            Ok(()) => self.state = next,
            Err(why) => {
                let url = &self.settings.url_shown;
                let warning = format!("--otlp {url}: {why}; the run goes on, and what is missing is sent again");
                self.warn.take().into_iter().for_each(|warn| warn(warning.clone()));
            }
        }
    }

    async fn send(&self, body: Vec<u8>, timeout: Duration) -> Result<(), String> {
        let OtlpSettings { url, headers, gzip, .. } = &self.settings;
        let mut all = vec![("content-type".to_owned(), "application/x-protobuf".to_owned())];
        let body = if *gzip {
            all.push(("content-encoding".to_owned(), "gzip".to_owned()));
            zipped(&body).map_err(|error| error.to_string())?
        } else {
            body
        };
        all.extend(headers.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())));
        let redactor = Redactor::new(headers.iter().map(|(_, value)| value.reveal().to_owned()));
        let answer = post(&self.route, url, &all, body, ANSWER_BYTES_MAX);
        let late = |_| format!("no answer within {}", format::duration(timeout.as_micros() as u64));
        let reply = tokio::time::timeout(timeout, answer).await.map_err(late)?;
        let reply = reply.map_err(|failure| redactor.text(&format!("{} {}", failure.reason.name(), failure.detail)))?;
        if (200..300).contains(&reply.status) {
            return Ok(());
        }
        let words: String = String::from_utf8_lossy(&reply.body).chars().take(WORDS_MAX).collect();
        let words = redactor.text(words.trim());
        let is_text = !words.is_empty() && words.chars().all(|letter| !letter.is_control());
        Err(format!("it answered HTTP {}{}", reply.status, if is_text { format!(" ({words})") } else { String::new() }))
    }
}

fn zipped(body: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(vec![], Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
