//! `--events`: a thread that writes each event as a line of `events.jsonl.gz`, up to a size limit.

use crate::summary::EventLine;
use crate::vocabulary::{Event, EventKind, PeerEvent};
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

/// The number of events that a worker sends at once, so that the queue is locked rarely.
const BATCH: usize = 256;
/// The most batches that wait to be written; more are refused, and counted.
const BATCHES_MAX: usize = 256;

/// The file, and counts of what it lacks.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// Content of the file: gzip, RFC 1952.
    pub bytes: Vec<u8>,
    /// Events in the file.
    pub written: u64,
    /// Events beyond the size limit.
    pub cut: u64,
    /// Events that a full queue refused.
    pub refused: u64,
}

/// Formats events as lines.
pub(crate) struct Formatter {
    /// Time zero of the run.
    pub start: Instant,
    /// Names of the dialect's message types, by `FrameKind`.
    pub kinds: Vec<String>,
    /// Rooms' ids on the wire, by the room's index.
    pub rooms: BTreeMap<u32, String>,
}

/// The sending end of the writer's queue; each worker has a clone.
#[derive(Clone)]
pub(crate) struct EventSink {
    queue: SyncSender<Batch>,
    refused: Arc<AtomicU64>,
}

/// A worker's buffer in front of the queue: sends events in batches, the last one when it is dropped.
pub(crate) struct EventLogHandle {
    sink: EventSink,
    batch: RefCell<Vec<Event>>,
}

/// The thread that formats and compresses.
pub(crate) struct Writer {
    sink: EventSink,
    thread: JoinHandle<io::Result<EventLog>>,
}

enum Batch {
    Events(Vec<Event>),
    /// Ends the file, even if a worker that was given up still has a sink.
    End,
}

impl Writer {
    /// Starts the thread. It writes no further batch once the file has `bytes_max` bytes.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn start(formatter: Formatter, bytes_max: u64) -> io::Result<Self> {
        let (queue, batches) = sync_channel(BATCHES_MAX);
        let sink = EventSink { queue, refused: Arc::default() };
        let name = "events".to_owned();
        let thread = thread::Builder::new().name(name).spawn(move || write(&formatter, &batches, bytes_max))?;
        Ok(Self { sink, thread })
    }

    pub(crate) fn sink(&self) -> EventSink {
        self.sink.clone()
    }

    /// Writes what waits in the queue, and returns the file.
    ///
    /// # Errors
    /// The thread panicked, or an event can't be written as JSON.
    pub(crate) fn finish(self) -> io::Result<EventLog> {
        // Fails only if the thread has ended; then `join` gives the reason.
        let _ = self.sink.queue.send(Batch::End);
        let refused = self.sink.refused.load(Ordering::Relaxed);
        let joined = self.thread.join().map_err(|_| io::Error::other("the thread that writes events panicked"))?;
        joined.map(|event_log| EventLog { refused, ..event_log })
    }
}

impl EventLogHandle {
    pub(crate) fn new(sink: EventSink) -> Self {
        Self { sink, batch: RefCell::default() }
    }

    pub(crate) fn append(&self, event: &Event) {
        let mut batch = self.batch.borrow_mut();
        batch.push(event.clone());
        if batch.len() >= BATCH {
            self.sink.send(std::mem::replace(&mut *batch, Vec::with_capacity(BATCH)));
        }
    }
}

impl Drop for EventLogHandle {
    fn drop(&mut self) {
        self.sink.send(self.batch.take());
    }
}

impl EventSink {
    fn send(&self, batch: Vec<Event>) {
        let events = batch.len() as u64;
        if self.queue.try_send(Batch::Events(batch)).is_err() {
            self.refused.fetch_add(events, Ordering::Relaxed);
        }
    }
}

fn write(formatter: &Formatter, batches: &Receiver<Batch>, bytes_max: u64) -> io::Result<EventLog> {
    let mut zipped = GzEncoder::new(vec![], Compression::fast());
    let (mut written, mut cut) = (0, 0);
    while let Ok(Batch::Events(batch)) = batches.recv() {
        if zipped.get_ref().len() as u64 >= bytes_max {
            cut += batch.len() as u64;
            continue;
        }
        for event in &batch {
            serde_json::to_writer(&mut zipped, &formatter.line(event))?;
            zipped.write_all(b"\n")?;
            written += 1;
        }
    }
    Ok(EventLog { bytes: zipped.finish()?, written, cut, refused: 0 })
}

impl Formatter {
    fn line<'a>(&'a self, event: &'a Event) -> EventLine<'a> {
        let room = self.rooms.get(&event.place.room.0).map_or("", String::as_str);
        let kind = match &event.kind {
            EventKind::Peer(PeerEvent::Said { kind, .. }) | EventKind::Peer(PeerEvent::Frame { kind, .. }) => {
                Some(kind)
            }
            _ => None,
        };
        let kind = kind.map(|kind| self.kinds.get(usize::from(kind.0)).map_or("unknown", String::as_str));
        EventLine::of(event, self.start, room, kind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::{PeerIndex, Place, RoomIndex, Seat};
    use flate2::read::GzDecoder;
    use std::io::Read;
    use std::time::Duration;

    fn play(events: u64, bytes_max: u64) -> (EventLog, String) {
        let start = Instant::now();
        let rooms = BTreeMap::from([(0, "room-0".to_owned())]);
        let writer = Writer::start(Formatter { start, kinds: vec![], rooms }, bytes_max).unwrap();
        let log = EventLogHandle::new(writer.sink());
        for n in 0..events {
            let place = Place { room: RoomIndex(0), seat: Seat(0), peer: PeerIndex(n as u32) };
            log.append(&Event::new(start + Duration::from_micros(n), place, EventKind::Peer(PeerEvent::Upgraded)));
        }
        drop(log);
        let event_log = writer.finish().unwrap();
        let mut text = String::new();
        GzDecoder::new(&*event_log.bytes).read_to_string(&mut text).unwrap();
        (event_log, text)
    }

    #[test]
    fn every_event_is_a_line_the_last_ones_too() {
        let (event_log, text) = play(1_000, 1 << 20);
        assert_eq!((event_log.written, event_log.cut, event_log.refused), (1_000, 0, 0));
        assert_eq!(text.lines().count(), 1_000);
        assert_eq!(text.lines().last(), Some(r#"{"at_us":999,"room":"room-0","peer":999,"what":"upgraded"}"#));
    }

    #[test]
    fn past_its_bound_events_are_counted_and_what_is_written_reads_whole() {
        let (event_log, text) = play(200_000, 10_000);
        assert!(event_log.cut > 0, "{}", event_log.written);
        assert_eq!(event_log.written + event_log.cut + event_log.refused, 200_000);
        assert_eq!(text.lines().count() as u64, event_log.written);
        // The encoder may hold back a window of 32 KiB and what it makes of it.
        assert!(event_log.bytes.len() < 10_000 + (64 << 10), "{}", event_log.bytes.len());
    }
}
