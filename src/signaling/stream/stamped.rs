//! A TCP stream that keeps the kernel's receive stamp of its last read.

use crate::os::{StampedRead, enable_receive_stamps, read_stamped};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;

pub(in crate::signaling) struct StampedStream {
    stream: TcpStream,
    stamp: Option<SystemTime>,
    /// The sum of the times for which bytes lay in the kernel, until `take_waited` ends it.
    waited: Option<Duration>,
}

impl StampedStream {
    /// Asks the kernel for stamps; a system that has none leaves `stamp` empty.
    pub(in crate::signaling) fn new(stream: TcpStream) -> Self {
        enable_receive_stamps(&stream);
        Self { stream, stamp: None, waited: Some(Duration::ZERO) }
    }

    /// The time at which the last bytes of the last read were in the kernel, by the wall clock. Segments that the kernel
    /// has joined carry the last one's stamp, so no byte arrived later.
    pub(in crate::signaling) fn stamp(&self) -> Option<SystemTime> {
        self.stamp
    }

    /// Time for which what was read so far had waited; counted until the first call.
    pub(in crate::signaling) fn take_waited(&mut self) -> Duration {
        self.waited.take().unwrap_or_default()
    }

    /// Reads with the stamp. A read that leaves room has emptied the socket, so it clears the readiness at once, as
    /// tokio's own does, and saves a further call that would find nothing.
    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Self { stream, stamp, waited } = self;
        let mut read = None;
        let tried = stream.try_io(Interest::READABLE, || {
            let room = into.len();
            let StampedRead { length, stamp: found } = read_stamped(stream, into)?;
            *stamp = found;
            if let (Some(waited), Some(stamp)) = (waited.as_mut(), *stamp) {
                *waited += stamp.elapsed().unwrap_or_default();
            }
            read = Some(length);
            if (1..room).contains(&length) { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        });
        match read {
            Some(length) => Ok(length),
            None => tried.map(|()| 0),
        }
    }
}

impl AsyncRead for StampedStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            ready!(this.stream.poll_read_ready(context))?;
            match this.try_read(into.initialize_unfilled()) {
                Ok(length) => {
                    into.advance(length);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for StampedStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use tokio::io::AsyncReadExt;

    /// Connects a stream to a socket whose other end is a plain one.
    async fn pair() -> (StampedStream, std::net::TcpStream) {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (ours, theirs) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let theirs = theirs.unwrap().0.into_std().unwrap();
        theirs.set_nonblocking(false).unwrap();
        (StampedStream::new(ours.unwrap()), theirs)
    }

    #[tokio::test]
    async fn bytes_that_waited_are_known_to_have_been_there() {
        let (mut stream, mut other) = pair().await;
        // The kernel turns its stamps on some time after the first socket has asked for them.
        for _ in 0..100 {
            other.write_all(b"hello").unwrap();
            // How long the bytes lie in the kernel is what is told.
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(stream.read(&mut [0; 64]).await.unwrap(), 5);
            let waited = stream.stamp().and_then(|stamp| stamp.elapsed().ok());
            if waited.is_some_and(|waited| waited >= Duration::from_millis(15)) {
                return;
            }
        }
        panic!("no stamp said that its bytes had waited");
    }

    #[tokio::test]
    async fn every_byte_is_read_whatever_the_buffer_and_then_the_end() {
        let (mut stream, mut other) = pair().await;
        let writer = std::thread::spawn(move || {
            for round in 0..200_u32 {
                other.write_all(&vec![round as u8; 1 + round as usize * 37 % 3_000]).unwrap();
            }
        });
        let mut total = 0;
        for round in 0.. {
            let mut buffer = vec![0; 1 + round * 101 % 2_048];
            match stream.read(&mut buffer).await.unwrap() {
                0 => break,
                length => total += length,
            }
        }
        writer.join().unwrap();
        assert_eq!(total, (0..200).map(|round| 1 + round * 37 % 3_000).sum::<usize>());
    }
}
