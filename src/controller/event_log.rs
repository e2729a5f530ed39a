//! `--events`: every dated fact as a line of events.jsonl.gz, written off the workers' threads, up to a bound.

use crate::summary::event_line::EventLine;
use crate::vocabulary::event::{Event, What};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Instant;

/// Facts that a worker hands over at once: a queue is touched as rarely as that.
const BATCH: usize = 256;
/// Batches that may wait to be written; more are refused, and counted.
const BATCHES_MAX: usize = 256;

/// What came of it.
#[derive(Debug, Default)]
pub struct EventLog {
    /// Of the file; gzip, RFC 1952.
    pub bytes: Vec<u8>,
    /// Facts in it.
    pub written: u64,
    /// Facts for which there was no room in the file.
    pub cut: u64,
    /// Facts for which there was no room in the queue.
    pub refused: u64,
}

/// What turns facts into lines.
pub(super) struct Formatter {
    pub start: Instant,
    pub kinds: Vec<String>,
    /// By the room's index.
    pub rooms: BTreeMap<u32, String>,
}

/// Takes facts from any number of workers.
#[derive(Clone)]
pub(super) struct EventSink {
    queue: SyncSender<Batch>,
    refused: Arc<AtomicU64>,
}

/// A worker's side: gathers facts, and hands them over in batches.
pub(super) struct EventLogHandle {
    inbox: EventSink,
    batch: RefCell<Vec<Event>>,
}

/// The thread that writes.
pub(super) struct Writer {
    inbox: EventSink,
    thread: JoinHandle<io::Result<EventLog>>,
}

enum Batch {
    Batch(Vec<Event>),
    /// Nothing more is wanted, though a worker that was given up may go on.
    End,
}

impl Writer {
    /// Writes at most `bytes_max` bytes, give or take a batch.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start(words: Formatter, bytes_max: u64) -> io::Result<Self> {
        let (queue, letters) = sync_channel(BATCHES_MAX);
        let inbox = EventSink { queue, refused: Arc::default() };
        let name = "events".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || write(&words, &letters, bytes_max))?;
        Ok(Self { inbox, thread })
    }

    pub fn inbox(&self) -> EventSink {
        self.inbox.clone()
    }

    /// Once the workers are back.
    ///
    /// # Errors
    /// The thread is lost.
    pub fn finish(self) -> io::Result<EventLog> {
        // A thread that has ended takes no more letters; why it did is what it gives back.
        let _ = self.inbox.queue.send(Batch::End);
        let refused = self.inbox.refused.load(Ordering::Relaxed);
        let joined = self.thread.join().map_err(|_| io::Error::other("the thread that writes events panicked"))?;
        joined.map(|event_log| EventLog { refused, ..event_log })
    }
}

impl EventLogHandle {
    pub fn new(inbox: EventSink) -> Self {
        Self { inbox, batch: RefCell::default() }
    }

    pub fn note(&self, event: &Event) {
        let mut batch = self.batch.borrow_mut();
        batch.push(event.clone());
        if batch.len() >= BATCH {
            self.inbox.hand_over(std::mem::replace(&mut *batch, Vec::with_capacity(BATCH)));
        }
    }
}

impl Drop for EventLogHandle {
    fn drop(&mut self) {
        self.inbox.hand_over(self.batch.take());
    }
}

impl EventSink {
    fn hand_over(&self, batch: Vec<Event>) {
        let facts = batch.len() as u64;
        if self.queue.try_send(Batch::Batch(batch)).is_err() {
            self.refused.fetch_add(facts, Ordering::Relaxed);
        }
    }
}

fn write(words: &Formatter, letters: &Receiver<Batch>, bytes_max: u64) -> io::Result<EventLog> {
    let mut zipped = GzEncoder::new(vec![], Compression::fast());
    let (mut written, mut cut) = (0, 0);
    while let Ok(Batch::Batch(batch)) = letters.recv() {
        if zipped.get_ref().len() as u64 >= bytes_max {
            cut += batch.len() as u64;
            continue;
        }
        for event in &batch {
            serde_json::to_writer(&mut zipped, &words.fact(event))?;
            zipped.write_all(b"\n")?;
            written += 1;
        }
    }
    Ok(EventLog { bytes: zipped.finish()?, written, cut, refused: 0 })
}

impl Formatter {
    fn fact<'a>(&'a self, event: &'a Event) -> EventLine<'a> {
        let room = self.rooms.get(&event.place.room.0).map_or("", String::as_str);
        let kind = match &event.what {
            What::Said { kind, .. } | What::Frame { kind, .. } => Some(kind),
            _ => None,
        };
        let kind = kind.map(|kind| self.kinds.get(usize::from(kind.0)).map_or("unknown", String::as_str));
        EventLine::of(event, self.start, room, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::ids::{PeerIndex, Place, RoomIndex, Seat};
    use flate2::read::GzDecoder;
    use std::io::Read;
    use std::time::Duration;

    fn play(facts: u64, bytes_max: u64) -> (EventLog, String) {
        let start = Instant::now();
        let rooms = BTreeMap::from([(0, "room-0".to_owned())]);
        let writer = Writer::start(Formatter { start, kinds: vec![], rooms }, bytes_max).unwrap();
        let log = EventLogHandle::new(writer.inbox());
        for n in 0..facts {
            let place = Place { room: RoomIndex(0), seat: Seat(0), peer: PeerIndex(n as u32) };
            log.note(&Event { at: start + Duration::from_micros(n), place, what: What::Upgraded });
        }
        drop(log);
        let event_log = writer.finish().unwrap();
        let mut text = String::new();
        GzDecoder::new(&*event_log.bytes).read_to_string(&mut text).unwrap();
        (event_log, text)
    }

    #[test]
    fn every_fact_is_a_line_the_last_ones_too() {
        let (event_log, text) = play(1_000, 1 << 20);
        assert_eq!((event_log.written, event_log.cut, event_log.refused), (1_000, 0, 0));
        assert_eq!(text.lines().count(), 1_000);
        assert_eq!(text.lines().last(), Some(r#"{"at_us":999,"room":"room-0","peer":999,"what":"upgraded"}"#));
    }

    #[test]
    fn past_its_bound_facts_are_counted_and_what_is_written_reads_whole() {
        let (event_log, text) = play(200_000, 10_000);
        assert!(event_log.cut > 0, "{}", event_log.written);
        assert_eq!(event_log.written + event_log.cut + event_log.refused, 200_000);
        assert_eq!(text.lines().count() as u64, event_log.written);
        // The encoder may hold back a window of 32 KiB and what it makes of it.
        assert!(event_log.bytes.len() < 10_000 + (64 << 10), "{}", event_log.bytes.len());
    }
}
