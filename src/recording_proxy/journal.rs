//! Keeps what passes, masked and bounded, and prints a line for each of it.

use crate::dialect::shown_frame;
use crate::recording::{
    Exchange, FramePayload, Masker, RecordedFrame, RecordedRequest, RecordedResponse, Recording, letter,
};
use crate::vocabulary::inert_text::inert;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The memory of a frame or header beside its text, in bytes.
const ENTRY_BYTES: usize = 64;
/// The most characters of a frame in a line.
const LINE_CHARS_MAX: usize = 300;

pub(super) struct Journal {
    recording: Recording,
    /// The letters of the WebSocket among the exchanges, by their index.
    letters: Vec<Option<usize>>,
    /// `None`: secrets are kept as they are.
    masker: Option<Masker>,
    bytes: usize,
    bytes_max: usize,
    dropped: usize,
    /// An instant, and its wall-clock time in microseconds since the Unix epoch.
    epoch: (Instant, u64),
    print: Box<dyn FnMut(&str)>,
}

impl Journal {
    pub(super) fn new(bytes_max: usize, unmasked: bool, print: Box<dyn FnMut(&str)>) -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            recording: Recording::default(),
            letters: vec![],
            masker: (!unmasked).then(Masker::default),
            bytes: 0,
            bytes_max,
            dropped: 0,
            epoch: (Instant::now(), since_epoch.as_micros() as u64),
            print,
        }
    }

    /// Keeps a request; `None` if there is no room for it.
    pub(super) fn begin(&mut self, mut request: RecordedRequest, is_websocket: bool) -> Option<usize> {
        if !self.admits(request.url.len() + request.body.len() + bytes_of(&request.headers) + ENTRY_BYTES) {
            return None;
        }
        if let Some(masker) = &mut self.masker {
            masker.headers(&mut request.headers);
            request.url = masker.url(&request.url);
            masker.body(&mut request.body);
        }
        let now = self.now_us();
        let frames = is_websocket.then(Vec::new);
        self.recording.exchanges.push(Exchange {
            began_us: now,
            ended_us: now,
            request,
            frames,
            ..Exchange::default()
        });
        self.letters.push(is_websocket.then(|| self.letters.iter().flatten().count()));
        Some(self.letters.len() - 1)
    }

    pub(super) fn respond(&mut self, exchange: Option<usize>, mut response: RecordedResponse) {
        let Some(index) = exchange else { return };
        if !self.admits(bytes_of(&response.headers) + response.body.len()) {
            response.body.clear();
        }
        if let Some(masker) = &mut self.masker {
            masker.headers(&mut response.headers);
            masker.body(&mut response.body);
        }
        let request = &self.recording.exchanges[index].request;
        let line = format!("{} {} {} {}", request.method, request.url, response.status, response.status_text);
        self.tell(index, line.trim_end());
        self.recording.exchanges[index].response = response;
        self.end(exchange);
    }

    pub(super) fn frame(&mut self, exchange: Option<usize>, sent: bool, payload: FramePayload) {
        let Some(index) = exchange.filter(|_| self.admits(payload.bytes() + ENTRY_BYTES)) else { return };
        let payload = match (payload, &mut self.masker) {
            (FramePayload::Text(text), Some(masker)) => FramePayload::Text(masker.text(&text)),
            (payload, _) => payload,
        };
        let shown = match &payload {
            FramePayload::Text(text) => shown_frame(text),
            FramePayload::Binary(bytes) => format!("{} bytes, binary", bytes.len()),
        };
        self.tell(index, &format!("{} {shown}", if sent { ">>" } else { "<<" }));
        let at_us = self.now_us();
        self.recording.exchanges[index].frames.get_or_insert_default().push(RecordedFrame { at_us, sent, payload });
    }

    /// Dates the end of an exchange.
    pub(super) fn end(&mut self, exchange: Option<usize>) {
        if let Some(index) = exchange {
            self.recording.exchanges[index].ended_us = self.now_us();
        }
    }

    pub(super) fn closed(&mut self, exchange: Option<usize>) {
        self.end(exchange);
        if let Some(index) = exchange {
            self.tell(index, "closed");
        }
    }

    /// The whole recording, with every secret masked that is known by now.
    pub(super) fn take(&mut self) -> Recording {
        let mut recording = std::mem::take(&mut self.recording);
        if let Some(masker) = &self.masker {
            masker.finish(&mut recording);
        }
        if self.dropped > 0 {
            let (dropped, mib) = (self.dropped, self.bytes_max >> 20);
            recording.left_out = format!("{dropped} requests, bodies or frames were not kept: more than {mib} MiB");
        }
        recording
    }

    fn admits(&mut self, bytes: usize) -> bool {
        let fits = self.bytes.saturating_add(bytes) <= self.bytes_max;
        if fits {
            self.bytes += bytes;
        } else {
            self.dropped += 1;
        }
        fits
    }

    fn now_us(&self) -> u64 {
        self.epoch.1 + self.epoch.0.elapsed().as_micros() as u64
    }

    fn tell(&mut self, index: usize, what: &str) {
        let seconds = self.epoch.0.elapsed().as_secs_f64();
        let letter = self.letters[index].map_or("-".to_owned(), letter);
        (self.print)(&format!("{seconds:9.3}  {letter:<2} {}", inert(what, LINE_CHARS_MAX)));
    }
}

/// The memory of headers, in bytes.
fn bytes_of(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + ENTRY_BYTES).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_bound_is_passed_on_and_told_as_left_out() {
        let mut journal = Journal::new(900, false, Box::new(|_| {}));
        let exchange = journal.begin(RecordedRequest { url: "ws://h/".to_owned(), ..RecordedRequest::default() }, true);
        for _ in 0..3 {
            journal.frame(exchange, true, FramePayload::Text("x".repeat(400)));
        }
        let recording = journal.take();
        assert_eq!(recording.exchanges[0].frames.as_ref().unwrap().len(), 1);
        assert!(recording.left_out.starts_with("2 requests, bodies or frames"), "{}", recording.left_out);
    }
}
