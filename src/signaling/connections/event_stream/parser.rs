//! The format of server-sent events (WHATWG HTML §9.2.6): bytes to the data of each event.

use crate::signaling::connections::Frame;
use crate::vocabulary::{Failure, Phase, Reason};
use serde_json::Value;
use std::collections::VecDeque;

pub(super) struct EventParser {
    /// The current line, as far as it has come.
    line: Vec<u8>,
    data: String,
    event: String,
    has_data: bool,
    /// The last byte was a carriage return, whose line feed may follow.
    after_return: bool,
    is_first_line: bool,
    event_bytes_max: usize,
}

impl EventParser {
    pub(super) fn new(event_bytes_max: usize) -> Self {
        let (line, data, event) = (vec![], String::new(), String::new());
        Self { line, data, event, has_data: false, after_return: false, is_first_line: true, event_bytes_max }
    }

    /// Takes bytes of the stream, and appends a frame for each event that they complete.
    ///
    /// # Errors
    /// An event is too long.
    pub(super) fn take(&mut self, mut bytes: &[u8], frames: &mut VecDeque<Frame>) -> Result<(), Failure> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_return) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let end = memchr::memchr2(b'\n', b'\r', bytes);
            self.line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
            if self.line.len() + self.data.len() > self.event_bytes_max {
                let detail = format!("an event over {} KiB", self.event_bytes_max / 1024);
                return Err(Failure::new(Phase::Join, Reason::Protocol, detail));
            }
            let Some(end) = end else { return Ok(()) };
            self.after_return = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            frames.extend(self.end_line(&line));
        }
        Ok(())
    }

    /// Takes a whole line; the frame of the event that an empty one ends.
    fn end_line(&mut self, line: &[u8]) -> Option<Frame> {
        let line = match std::mem::take(&mut self.is_first_line) {
            true => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(line),
            false => line,
        };
        let line = String::from_utf8_lossy(line);
        if line.is_empty() {
            let (data, event) = (std::mem::take(&mut self.data), std::mem::take(&mut self.event));
            return std::mem::take(&mut self.has_data).then(|| frame(&event, data));
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(value);
            }
            "event" => value.clone_into(&mut self.event),
            // Comments, ids and retry times change no frame.
            _ => {}
        }
        None
    }
}

/// An event's frame: its data; of an event with a name of its own, `{event, data}`.
fn frame(event: &str, data: String) -> Frame {
    if event.is_empty() || event == "message" {
        return data.into();
    }
    let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&data).is_ok();
    let data = if is_json { data } else { Value::from(data).to_string() };
    format!("{{\"event\":{},\"data\":{data}}}", Value::from(event)).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frames(bytes: &[u8], size: usize) -> Vec<String> {
        let (mut parser, mut frames) = (EventParser::new(1024), VecDeque::new());
        bytes.chunks(size).for_each(|piece| parser.take(piece, &mut frames).unwrap());
        frames.iter().map(|frame| frame.as_str().to_owned()).collect()
    }

    #[test]
    fn events_are_found_in_whatever_pieces_they_come() {
        let check = |stream: &str, expected: &[&str]| {
            for size in 1..=stream.len() {
                assert_eq!(frames(stream.as_bytes(), size), expected, "{stream:?} by {size}");
            }
        };
        check("data: one\n\ndata:two\r\n\r\ndata: three\r\r", &["one", "two", "three"]);
        check("\u{feff}data: a\n: a comment\ndata: b\nid: 7\nretry: 5\n\n", &["a\nb"]);
        check(":heartbeat signal\n\n\n\ndata\n\n", &[""]);
        check("event: message\ndata: {\"a\":1}\n\n", &["{\"a\":1}"]);
        check("event: offer\ndata: {\"a\":1}\n\n", &["{\"event\":\"offer\",\"data\":{\"a\":1}}"]);
        check("event: ping\ndata: é\n\ndata: cut", &["{\"event\":\"ping\",\"data\":\"é\"}"]);
    }

    #[test]
    fn an_event_of_the_greatest_length_is_taken_and_a_longer_one_is_refused_before_it_ends() {
        let take = |data: usize| {
            let event = format!("data: {}", "x".repeat(data));
            EventParser::new(64).take(event.as_bytes(), &mut VecDeque::new())
        };
        assert!(take(58).is_ok());
        assert_eq!(take(59).unwrap_err().reason, Reason::Protocol);
        let mut parser = EventParser::new(64);
        let endless = (0..).find(|_| parser.take(b"data: xxxx\n", &mut VecDeque::new()).is_err());
        assert!(endless.is_some_and(|lines| lines < 20), "{endless:?}");
    }

    proptest! {
        /// Lines and their ends, names and other bytes, in any order.
        #[test]
        fn the_pieces_change_nothing(
            parts in prop::collection::vec("[\\r\\n:]|data|event|x|é", 0..40),
            size in 1_usize..9,
        ) {
            let stream = parts.concat();
            let bytes = stream.as_bytes();
            prop_assert_eq!(frames(bytes, size), frames(bytes, bytes.len().max(1)));
        }
    }
}
