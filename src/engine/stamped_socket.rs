//! UDP sockets whose datagrams carry the kernel's receive stamp (socket(7), `SO_TIMESTAMPNS`).

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::time::{Duration, SystemTime};
use tokio::io::Interest;
use tokio::net::UdpSocket;

/// Space for one stamp among the control messages, aligned as their headers must be.
#[repr(align(8))]
struct StampBuffer([u8; 64]);

/// A datagram in the caller's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Received {
    pub length: usize,
    pub from: SocketAddr,
    /// The time at which it was in the kernel, by the wall clock; `None` where the kernel gives no stamps.
    pub stamp: Option<SystemTime>,
}

/// Asks the kernel for stamps; a system that has none leaves those of `receive` empty.
pub(super) fn enable_stamps(socket: &std::net::UdpSocket) {
    let _ = setsockopt(socket, ReceiveTimestampns, &true);
}

/// Reads one datagram.
///
/// # Errors
/// `WouldBlock` if none waits; others are ICMP errors of earlier sends.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Received> {
    socket.try_io(Interest::READABLE, || {
        let mut control = StampBuffer([0; 64]);
        let mut bytes = [IoSliceMut::new(buffer)];
        let (fd, control) = (socket.as_raw_fd(), Some(&mut control.0[..]));
        let received = recvmsg::<SockaddrStorage>(fd, &mut bytes, control, MsgFlags::empty())?;
        let mut messages = received.cmsgs().into_iter().flatten();
        let stamp = messages.find_map(|message| match message {
            ControlMessageOwned::ScmTimestampns(at) => Some(SystemTime::UNIX_EPOCH + Duration::from(at)),
            _ => None,
        });
        let from = received.address.and_then(socket_address).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Received { length: received.bytes, from, stamp })
    })
}

fn socket_address(address: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(address: &str) {
        let socket = std::net::UdpSocket::bind((address, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        enable_stamps(&socket);
        let socket = UdpSocket::from_std(socket).unwrap();
        let other = std::net::UdpSocket::bind((address, 0)).unwrap();
        // The kernel turns its stamps on some time after the first socket has asked for them.
        for _ in 0..100 {
            other.send_to(b"first", socket.local_addr().unwrap()).unwrap();
            std::thread::sleep(Duration::from_millis(20));
            socket.readable().await.unwrap();
            let Received { length, from, stamp } = receive(&socket, &mut [0; 64]).unwrap();
            assert_eq!((length, from), (5, other.local_addr().unwrap()));
            assert_eq!(receive(&socket, &mut [0; 64]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
            if stamp.and_then(|stamp| stamp.elapsed().ok()).is_some_and(|waited| waited >= Duration::from_millis(15)) {
                return;
            }
        }
        panic!("{address}: no stamp said that its datagram had waited");
    }

    #[tokio::test]
    async fn datagrams_that_waited_are_known_to_have_been_there() {
        check("127.0.0.1").await;
        check("::1").await;
    }
}
