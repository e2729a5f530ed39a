//! The log of a run's first connection for `--verbose`: each step of its dial, and its first frames.

use crate::dialect::shown_frame;
use crate::vocabulary::Redactor;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// The log of the first peer's first connection; the default writes nothing.
#[derive(Clone, Default)]
pub struct DialLog {
    sink: Option<Arc<Sink>>,
    /// The start of the dial, once this is the log of the first connection.
    began: Option<Instant>,
}

struct Sink {
    is_taken: AtomicBool,
    redactor: Redactor,
    write: Box<dyn Fn(String) + Send + Sync>,
}

impl DialLog {
    /// `write` is given one line at a time, inert and without secrets.
    pub fn new(redactor: Redactor, write: impl Fn(String) + Send + Sync + 'static) -> Self {
        Self {
            sink: Some(Arc::new(Sink { is_taken: AtomicBool::new(false), redactor, write: Box::new(write) })),
            began: None,
        }
    }

    /// The log for a dial that begins now, if it is the first.
    pub(in crate::signaling) fn take(&self) -> Option<Self> {
        let sink = self.sink.as_ref().filter(|sink| !sink.is_taken.swap(true, Ordering::Relaxed))?;
        Some(Self { sink: Some(sink.clone()), began: Some(Instant::now()) })
    }

    pub(in crate::signaling) fn tell(&self, line: impl FnOnce() -> String) {
        self.write(|_| line());
    }

    /// Tells a frame, its SDP cut. Secrets are masked first: of one that was cut, a part would remain.
    pub(in crate::signaling) fn tell_frame(&self, direction: &str, text: &str) {
        self.write(|redactor| format!("{direction} {}", shown_frame(&redactor.whole(text))));
    }

    fn write(&self, line: impl FnOnce(&Redactor) -> String) {
        if let (Some(sink), Some(began)) = (&self.sink, self.began) {
            let line = sink.redactor.text(&line(&sink.redactor));
            (sink.write)(format!("first connection: {:.1} ms {line}", began.elapsed().as_secs_f64() * 1e3));
        }
    }
}

impl fmt::Debug for DialLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DialLog").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn one_connection_alone_is_told_without_secrets_and_with_its_sdp_cut() {
        assert!(DialLog::default().take().is_none());
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = DialLog::new(Redactor::new(["hunter2".to_owned()]), {
            let lines = lines.clone();
            move |line| lines.lock().unwrap().push(line)
        });
        log.tell(|| "a check that the target is there".to_owned());
        let first = log.take().unwrap();
        assert!(log.clone().take().is_none());
        first.tell_frame("→", r#"{"sdp":"v=0\r\no=- 1","password":"x","note":"hunter2\n::warning::"}"#);
        // A secret at the place of the cut.
        first.tell_frame("←", &format!("{}hunter2", "x".repeat(397)));
        let lines = lines.lock().unwrap();
        let said: Vec<&str> = lines.iter().map(|line| line.split_once(" ms ").unwrap().1).collect();
        assert_eq!(said[0], r#"→ {"note":"***\n: :warning: :","password":"***","sdp":"v=0…"}"#);
        assert!(said.len() == 2 && !said[1].contains("hun"), "{said:?}");
    }
}
