//! Reads of sockets with the kernel's receive stamp (socket(7), `SO_TIMESTAMPNS`).

use nix::sys::socket::sockopt::ReceiveTimestampns;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrLike, SockaddrStorage, recvmsg, setsockopt};
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::time::{Duration, SystemTime};

/// Space for one stamp among the control messages, aligned as their headers must be.
#[repr(align(8))]
struct StampBuffer([u8; 64]);

/// Bytes in the caller's buffer.
#[derive(Clone, Copy, Debug)]
pub struct StampedRead {
    pub length: usize,
    /// The time at which the last of them was in the kernel, by the wall clock; `None` where the kernel gives no stamps.
    pub stamp: Option<SystemTime>,
}

/// Asks the kernel for stamps; a system that has none leaves those of the reads empty.
pub fn enable_receive_stamps(socket: &impl AsFd) {
    let _ = setsockopt(socket, ReceiveTimestampns, &true);
}

/// Reads what a connected socket has.
///
/// # Errors
/// Those of recvmsg(2); `WouldBlock` if nothing waits.
pub fn read_stamped(socket: &impl AsRawFd, into: &mut [u8]) -> io::Result<StampedRead> {
    Ok(receive::<()>(socket, into)?.0)
}

/// Reads one datagram, with its sender.
///
/// # Errors
/// Those of recvmsg(2); `WouldBlock` if none waits. Others are ICMP errors of earlier sends.
pub fn receive_stamped(socket: &impl AsRawFd, into: &mut [u8]) -> io::Result<(StampedRead, SocketAddr)> {
    let (read, from) = receive::<SockaddrStorage>(socket, into)?;
    Ok((read, from.and_then(socket_address).ok_or(io::ErrorKind::InvalidData)?))
}

fn receive<A: SockaddrLike>(socket: &impl AsRawFd, into: &mut [u8]) -> io::Result<(StampedRead, Option<A>)> {
    let mut control = StampBuffer([0; 64]);
    let mut bytes = [IoSliceMut::new(into)];
    let received = recvmsg::<A>(socket.as_raw_fd(), &mut bytes, Some(&mut control.0), MsgFlags::empty())?;
    let mut messages = received.cmsgs().into_iter().flatten();
    let stamp = messages.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(at) => Some(SystemTime::UNIX_EPOCH + Duration::from(at)),
        _ => None,
    });
    Ok((StampedRead { length: received.bytes, stamp }, received.address))
}

fn socket_address(address: SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    v4.or_else(|| address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
}
